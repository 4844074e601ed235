"""Convolution and its transpose."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from manualconv import definitions
from manualconv.geometry import Window, window_of_output
from tests.capabilities.oracles.places import Places, Shape, along_channels, collected, flat


@cache
def _terms(batch: int, channels: int, outputs: int, window: Window) -> Places:
    """The terms of T(x, w, y) as flat places in x, w and y."""
    x_size = (batch, channels, *window.input_size)
    w_size = (outputs, channels // window.groups, *window.kernel_size)
    y_size = (batch, outputs, *definitions.output_size(window))
    terms = [
        (flat(at_x, x_size), flat(at_w, w_size), flat(at_y, y_size))
        for at_x, at_w, at_y in definitions.terms(batch, channels, outputs, window)
    ]
    in_x, in_w, in_y = torch.tensor(terms, dtype=torch.int64).reshape(-1, 3).unbind(1)
    return in_x, in_w, in_y


def convolution(stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Callable[..., Tensor]:
    """x, w, b → y."""

    def apply(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        frame = tuple((p, p) for p in padding)
        window = Window(tuple(x.shape[2:]), tuple(w.shape[2:]), stride, dilation, frame, groups)
        in_x, in_w, in_y = _terms(x.shape[0], x.shape[1], w.shape[0], window)
        size = (x.shape[0], w.shape[0], *definitions.output_size(window))
        y = collected(x.reshape(-1)[in_x] * w.reshape(-1)[in_w], in_y, size)
        return y + along_channels(b, window.ndim)

    return apply


def transposed(
    stride: Shape, padding: Shape, output_padding: Shape, groups: int, dilation: Shape
) -> Callable[..., Tensor]:
    """y, w, b → x: the adjoint of the convolution whose weight is w ``(O, C/g, *K)``."""

    def apply(y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        # More room on the right is an output longer by as much.
        frame = tuple((p, p - more) for p, more in zip(padding, output_padding))
        window = window_of_output(tuple(y.shape[2:]), tuple(w.shape[2:]), stride, dilation, frame, groups)
        window = Window(window.input_size, window.kernel_size, stride, dilation, tuple((p, p) for p in padding), groups)
        in_x, in_w, in_y = _terms(y.shape[0], w.shape[1] * groups, w.shape[0], window)
        size = (y.shape[0], w.shape[1] * groups, *window.input_size)
        x = collected(y.reshape(-1)[in_y] * w.reshape(-1)[in_w], in_x, size)
        return x + along_channels(b, window.ndim)

    return apply
