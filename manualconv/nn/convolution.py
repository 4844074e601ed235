"""Convolution layers: torch.nn's modules with our arithmetic.

Parameters, initialisation, state_dict and repr are torch's; ``isinstance(m, torch.nn.Conv2d)`` holds.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


def _refuse_padding_mode(module: torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Conv3d) -> None:
    if module.padding_mode != "zeros":
        raise NotImplementedError(
            f"{type(module).__name__}: padding_mode='{module.padding_mode}' is not there yet, only 'zeros'; pad the "
            f"input with torch.nn.functional.pad(mode='{module.padding_mode}') and use padding=0"
        )


class Conv1d(torch.nn.Conv1d):
    """torch.nn.Conv1d whose derivatives are written by hand: ``(N, C, L)`` → ``(N, O, P)``."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        _refuse_padding_mode(self)
        return functional.conv1d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(torch.nn.Conv2d):
    """torch.nn.Conv2d whose derivatives are written by hand: ``(N, C, H, W)`` → ``(N, O, PH, PW)``."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        _refuse_padding_mode(self)
        return functional.conv2d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class Conv3d(torch.nn.Conv3d):
    """torch.nn.Conv3d whose derivatives are written by hand: ``(N, C, D, H, W)`` → ``(N, O, PD, PH, PW)``."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        _refuse_padding_mode(self)
        return functional.conv3d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class LazyConv1d(torch.nn.LazyConv1d, Conv1d):  # type: ignore[misc]  # weight is uninitialised first
    """A Conv1d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = Conv1d


class LazyConv2d(torch.nn.LazyConv2d, Conv2d):  # type: ignore[misc]  # weight is uninitialised first
    """A Conv2d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = Conv2d


class LazyConv3d(torch.nn.LazyConv3d, Conv3d):  # type: ignore[misc]  # weight is uninitialised first
    """A Conv3d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = Conv3d
