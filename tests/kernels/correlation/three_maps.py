"""The three maps of an algorithm and of the loops, and the orders of a layer that is made of them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions
from manualconv.geometry import Window
from manualconv.testing.cases import Convolution

Three = tuple[Tensor, Tensor, Tensor]


def calls(
    algorithm: Any, x: Tensor, w: Tensor, y: Tensor, window: Window, b: Tensor | None = None
) -> tuple[Callable[[], Tensor], ...]:
    """The output for x and w, and what the cotangent y gives for each: still to be called."""
    return (
        partial(algorithm.to_output, x, w, b, window),
        partial(algorithm.to_input, w, y, window),
        partial(algorithm.to_weight, x, y, window),
    )


def maps(algorithm: Any, x: Tensor, w: Tensor, y: Tensor, window: Window, b: Tensor | None = None) -> Three:
    """The results of the three."""
    z, x_bar, w_bar = (call() for call in calls(algorithm, x, w, y, window, b))
    return z, x_bar, w_bar


def at_stride_one(case: Convolution) -> Convolution:
    """The drawn layer with stride 1, on the input that gives its output."""
    window = case.window
    size = tuple(max(1, p + e - 1 - a - b) for p, e, (a, b) in zip(window.output_size, window.extent, window.padding))
    return replace(case, window=replace(window, stride=(1,) * window.ndim, input_size=size))


def by_loops(x: Tensor, w: Tensor, y: Tensor, window: Window, b: Tensor | None = None) -> Three:
    """The same by the definitions."""
    x_, w_, y_ = (t.numpy() for t in (x, w, y))
    z = definitions.to_output(x_, w_, window)
    found = (
        z if b is None else definitions.with_bias(z, b.numpy()),
        definitions.to_input(w_, y_, window),
        definitions.to_weight(x_, y_, window),
    )
    return torch.from_numpy(found[0]), torch.from_numpy(found[1]), torch.from_numpy(found[2])


def operands_of(x: Tensor, w: Tensor, y: Tensor) -> tuple[tuple[Tensor, Tensor], ...]:
    """What each map is bilinear in."""
    return (x, w), (w, y), (x, y)


def two_orders(y: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    """y, the gradients of its square, and those of the first one's and of the second one's square."""
    first = grad(y.square().sum(), (x, w), create_graph=True)
    second = (g for f in first for g in grad(f.square().sum(), (x, w), retain_graph=True))
    return (y, *first, *second)


def is_fresh(t: Tensor) -> bool:
    """Whether a tensor lies in memory of its own, in order."""
    return t.is_contiguous() and not t._is_view()
