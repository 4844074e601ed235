"""What the matrix of a convolution is made from: a weight and the size of an input, no input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import kind, listed
from manualconv.functional.refusals.convolution import convolution_window, read_numbers
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Window, is_int


def toeplitz_window(weight: Any, input_size: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Window:
    """The window of w ``(O, C/g, *K)`` on inputs of `input_size`, checked as the layer itself would be."""
    if not isinstance(weight, Tensor):
        raise Refusal(f"weight must be a Tensor, not {kind(weight)}", TypeError)
    if not isinstance(input_size, (tuple, list)) or not all(is_int(i) and i >= 0 for i in input_size):
        raise Refusal(f"input_size must be a tuple of spatial sizes, got {input_size!r}", TypeError)
    numbers = read_numbers(stride=stride, padding=padding, dilation=dilation, groups=groups)
    if weight.layout != torch.strided:
        raise Refusal(f"weight must be a dense strided tensor, but got {weight.layout}: .to_dense() makes one")
    shape, ndim = weight.shape, weight.dim() - 2
    if ndim != len(input_size):
        raise Refusal(
            f"Expected {ndim} spatial sizes for {weight.dim()}-dimensional weight {listed(shape)}, but got input_size "
            f"{listed(input_size)}: one entry per kernel axis of (O, C/groups, *K), no batch, no channels"
        )
    return convolution_window(ndim, (0, shape[1] * numbers[-1], *input_size), shape, None, *numbers)
