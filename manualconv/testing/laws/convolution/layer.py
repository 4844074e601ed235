"""How a law calls a convolution, and brings a drawn one to its precondition.

An implementation is a function with the signature of ``torch.nn.functional.conv2d``; it takes any number of spatial
axes and one ``(lo, hi)`` pair per axis for `padding`.  A law brings a drawn convolution to its precondition by changing
numbers (`changed`), so that no draw is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor

from manualconv.geometry import Window
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.laws.law import Laws
from manualconv.testing.referee import leaves

Layer = Callable[..., Tensor]
LAWS = Laws(st.sampled_from((2, 1, 3)).flatmap(convolutions))
law = LAWS.law


def run(conv: Layer, *operands: Any) -> Tensor:
    """The layer of x, w, b with a window's numbers; the window's input size must be x's."""
    x, w, b, window = operands
    assert tuple(x.shape[x.dim() - window.ndim :]) == window.input_size
    return conv(x, w, b, window.stride, window.padding, window.dilation, window.groups)


def run_padded(conv: Layer, case: Convolution, x: Tensor, w: Tensor, window: Window) -> Tensor:
    """The layer with a window's padding: its own, or, where the drawn case has none, a frame of zeros around x."""
    if case.window.is_padded:
        return run(conv, x, w, None, window)
    return run(conv, F.pad(x, window.frame), w, None, window.unpadded())


def gradients(conv: Layer, inputs: Sequence[Tensor | None], cotangent: Tensor, window: Window) -> list[Tensor]:
    """∂⟨y, cotangent⟩ with respect to those of x, w, b that are there."""
    x, w, b = (None if t is None else leaves(t)[0] for t in inputs)
    assert x is not None and w is not None
    y = run(conv, x, w, b, window)
    return list(torch.autograd.grad(y, [t for t in (x, w, b) if t is not None], cotangent))


def bias(case: Convolution) -> Tensor:
    """A bias for the case, whether it was drawn with one or not."""
    return torch.arange(1, case.shapes[1][0] + 1, dtype=torch.float64) - 2


def changed(case: Convolution, **parameters: Any) -> Convolution:
    """The case with other numbers: an int stands for every axis, fields of the case and of its window alike.

    ``padding=0`` lets the input carry its padding; a smaller stride or dilation fits wherever the larger one did.
    """
    window = case.window
    if parameters.get("padding") == 0:
        window = window.unpadded()
        parameters.pop("padding")
    own = {name: parameters.pop(name) for name in tuple(parameters) if hasattr(case, name)}
    numbers: dict[str, Any] = {
        name: (value,) * window.ndim if isinstance(value, int) and name != "groups" else value
        for name, value in parameters.items()
    }
    return replace(case, window=replace(window, **numbers), **own)


def with_a_sample(case: Convolution) -> Convolution:
    """The case with at least one sample, for laws that say nothing of none."""
    return replace(case, batch=case.batch or 1)


def without_leftover(case: Convolution) -> Convolution:
    """The case on an input, at most a stride larger, whose last position is read."""
    sizes = tuple(i + (s - r) % s for i, s, r in zip(case.window.input_size, case.window.stride, case.window.leftover))
    return changed(case, input_size=sizes)
