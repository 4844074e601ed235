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
