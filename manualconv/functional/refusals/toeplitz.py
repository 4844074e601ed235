"""What the matrix of a convolution is made from: a weight and the size of an input, no input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import is_int, is_int_or_ints, kind, listed, reject_arguments
from manualconv.functional.refusals.convolution import (
    check_window,
    convolution_numbers,
    convolution_padding,
)
from manualconv.geometry import Window


def toeplitz_window(
    name: str, weight: Any, input_size: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Window:
    """The window of w ``(O, C/g, *K)`` on inputs of `input_size`, checked as the layer itself would be."""
    numbers = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    got = [("weight", weight), ("input_size", input_size), *numbers.items()]
    if not isinstance(weight, Tensor):
        raise reject_arguments(name, got, f"weight must be a Tensor, not {kind(weight)}")
    if not isinstance(input_size, (tuple, list)) or not all(is_int(i) and i >= 0 for i in input_size):
        raise reject_arguments(name, got, f"input_size must be a tuple of spatial sizes, got {input_size!r}")
    if not is_int(groups) or not all(is_int_or_ints(numbers[key]) for key in ("stride", "dilation")):
        raise reject_arguments(name, got, f"stride, dilation and groups must be ints or tuples of ints, got {numbers}")
    if weight.layout != torch.strided:
        raise RuntimeError(f"weight must be a dense strided tensor, but got {weight.layout} [.to_dense() makes one]")
    ndim = weight.dim() - 2
    if ndim != len(input_size):
        raise RuntimeError(
            f"Expected {ndim} spatial sizes for {weight.dim()}-dimensional weight {listed(weight.shape)}, but got "
            f"input_size of size {listed(input_size)} instead [weight is (out_channels, in_channels/groups, "
            f"*kernel_size), input_size has one entry per kernel axis, no batch, no channels]"
        )
    stride, dilation = convolution_numbers(ndim, stride, dilation, groups)
    if weight.shape[0] < groups or weight.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size {listed(weight.shape)} instead [{weight.shape[0]} mod {groups} = {weight.shape[0] % groups}]"
        )
    kernel_size = tuple(weight.shape[2:])
    frame = convolution_padding(padding, kernel_size, stride, dilation)
    window = Window(tuple(input_size), kernel_size, stride, dilation, frame, groups)
    check_window(window)
    return window
