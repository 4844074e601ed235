"""torch's names of convolution and its transpose."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv import functional
from manualconv.swap.table.spelling import Operation
from manualconv.torch_internals import UNDERSCORED

CONVOLUTIONS = (functional.conv1d, functional.conv2d, functional.conv3d)
TRANSPOSED = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)


def _convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    *flags_of_backends: bool,
) -> Any:
    """``torch.convolution``: all six in one."""
    ndim = weight.dim() - 2
    if not 1 <= ndim <= 3:
        raise RuntimeError(f"convolution(): weight must have 3, 4 or 5 axes, but got {tuple(weight.shape)}")
    if transposed:
        return TRANSPOSED[ndim - 1](input, weight, bias, stride, padding, output_padding, groups, dilation)
    return CONVOLUTIONS[ndim - 1](input, weight, bias, stride, padding, dilation, groups)


def _convolution_mode(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: str, dilation: Any, groups: int
) -> Any:
    return _convolution(input, weight, bias, stride, padding, dilation, False, 0, groups)


TABLE: dict[Operation, Operation] = {
    torch.conv1d: functional.conv1d,
    torch.conv2d: functional.conv2d,
    torch.conv3d: functional.conv3d,
    torch.conv_transpose1d: functional.conv_transpose1d,
    torch.conv_transpose2d: functional.conv_transpose2d,
    torch.conv_transpose3d: functional.conv_transpose3d,
    torch.convolution: _convolution,
    UNDERSCORED["convolution"]: _convolution,
    UNDERSCORED["convolution_mode"]: _convolution_mode,
}
