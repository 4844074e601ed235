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
from manualconv.kernels.correlation.chooser import ALGORITHMS
from manualconv.testing.cases import Convolution
from manualconv.testing.referee import convolution

Three = tuple[Tensor, Tensor, Tensor]
#: The algorithms whose outputs are each a sum over its own window.
EXACT = {name: algorithm for name, algorithm in ALGORITHMS.items() if algorithm.accuracy == "exact"}


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


def at_stride_one(case: Convolution, **changes: Any) -> Convolution:
    """The drawn layer with stride 1 and one sample at the least, on the input that gives its output."""
    window = replace(case.window, stride=(1,) * case.window.ndim, **changes)
    each = zip(case.window.output_size, window.extent, window.padding)
    size = tuple(max(1, p + e - 1 - a - b) for p, e, (a, b) in each)
    return replace(case, batch=case.batch or 1, window=replace(window, input_size=size))


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


def by_torch(x: Tensor, w: Tensor, y: Tensor, window: Window) -> Three:
    """The same by torch's own kernels."""
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    z = convolution(x, w, None, window)
    return (z.detach(), *grad(z, (x, w), y))


def two_orders(y: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    """y, the gradients of its square, and those of the first one's and of the second one's square."""
    first = grad(y.square().sum(), (x, w), create_graph=True)
    second = (g for f in first for g in grad(f.square().sum(), (x, w), retain_graph=True))
    return (y, *first, *second)
