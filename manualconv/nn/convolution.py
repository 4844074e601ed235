"""Convolution layers: torch.nn's modules with our arithmetic.

Parameters, initialisation, state_dict and repr are torch's; ``isinstance(m, torch.nn.Conv2d)`` holds.  ``padding`` may
also be ``'full'``, kept as its numbers, or a ``(lo, hi)`` pair per axis.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from manualconv import functional
from manualconv.functional.convolution import Padding
from manualconv.geometry import Numbers, per_axis, sides
from manualconv.nn._rules import Weighted

_LAYERS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


class _Convolution(Weighted):
    """What the three share: torch's constructor, which refuses ``padding='full'``, given the numbers it stands for."""

    ndim: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Numbers,
        stride: Numbers = 1,
        padding: Padding = 0,
        dilation: Numbers = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding == "full":
            pairs = sides(padding, per_axis(kernel_size, self.ndim), per_axis(dilation, self.ndim))
            padding = tuple(lo for lo, _ in pairs)
        rest: Any = (stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        super().__init__(in_channels, out_channels, kernel_size, *rest)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The layer with the module's numbers; padding by anything but zeros is a layer of its own before it."""
        module: Any = self
        padding, layer = module.padding, _LAYERS[self.ndim]
        if module.padding_mode != "zeros":
            pairs = sides(padding, module.kernel_size, module.dilation)
            frame = tuple(side for pair in reversed(pairs) for side in pair)
            input, padding = functional.pad(input, frame, module.padding_mode), 0
        numbers = (module.stride, padding, module.dilation, module.groups)
        return layer(input, weight, bias, *numbers, rules=self.derivative_rules)


class Conv1d(_Convolution, torch.nn.Conv1d):
    """torch.nn.Conv1d whose derivatives are written by hand: ``(N, C, L)`` → ``(N, O, P)``."""

    ndim = 1


class Conv2d(_Convolution, torch.nn.Conv2d):
    """torch.nn.Conv2d whose derivatives are written by hand: ``(N, C, H, W)`` → ``(N, O, PH, PW)``."""

    ndim = 2


class Conv3d(_Convolution, torch.nn.Conv3d):
    """torch.nn.Conv3d whose derivatives are written by hand: ``(N, C, D, H, W)`` → ``(N, O, PD, PH, PW)``."""

    ndim = 3


class LazyConv1d(torch.nn.LazyConv1d, Conv1d):  # type: ignore[misc]  # weight is uninitialised first
    """A Conv1d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = Conv1d


class LazyConv2d(torch.nn.LazyConv2d, Conv2d):  # type: ignore[misc]  # weight is uninitialised first
    """A Conv2d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = Conv2d


class LazyConv3d(torch.nn.LazyConv3d, Conv3d):  # type: ignore[misc]  # weight is uninitialised first
    """A Conv3d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = Conv3d
