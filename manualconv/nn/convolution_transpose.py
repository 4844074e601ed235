"""Transposed convolution layers: torch.nn's modules with our arithmetic.

Parameters, initialisation, state_dict and repr are torch's; ``isinstance(m, torch.nn.ConvTranspose2d)`` holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from manualconv import functional
from manualconv.functional.refusals.convolution_transpose import output_padding_for
from manualconv.geometry import sides
from manualconv.nn._rules import Weighted


def _run(layer: Callable[..., Tensor], module: Any, input: Tensor, output_size: Sequence[int] | None) -> Tensor:
    """The layer on the module's parameters, its output as large as asked for."""
    more = module.output_padding
    if output_size is not None:
        frame = sides(module.padding, module.kernel_size, module.dilation)
        more = output_padding_for(output_size, input, module.kernel_size, module.stride, module.dilation, frame)
    numbers = (module.stride, module.padding, more, module.groups, module.dilation)
    return layer(input, module.weight, module.bias, *numbers, rules=module.derivative_rules)


class ConvTranspose1d(Weighted, torch.nn.ConvTranspose1d):
    """torch.nn.ConvTranspose1d whose derivatives are written by hand: ``(N, C, L)`` → ``(N, O, P)``."""

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution; `output_size` chooses among the sizes that the stride leaves open."""
        return _run(functional.conv_transpose1d, self, input, output_size)


class ConvTranspose2d(Weighted, torch.nn.ConvTranspose2d):
    """torch.nn.ConvTranspose2d whose derivatives are written by hand: ``(N, C, H, W)`` → ``(N, O, PH, PW)``."""

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution; `output_size` chooses among the sizes that the stride leaves open."""
        return _run(functional.conv_transpose2d, self, input, output_size)


class ConvTranspose3d(Weighted, torch.nn.ConvTranspose3d):
    """torch.nn.ConvTranspose3d whose derivatives are written by hand: ``(N, C, D, H, W)`` → ``(N, O, PD, PH, PW)``."""

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution; `output_size` chooses among the sizes that the stride leaves open."""
        return _run(functional.conv_transpose3d, self, input, output_size)


class LazyConvTranspose1d(torch.nn.LazyConvTranspose1d, ConvTranspose1d):  # type: ignore[misc]  # weight is uninitialised first
    """A ConvTranspose1d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(torch.nn.LazyConvTranspose2d, ConvTranspose2d):  # type: ignore[misc]  # weight is uninitialised first
    """A ConvTranspose2d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(torch.nn.LazyConvTranspose3d, ConvTranspose3d):  # type: ignore[misc]  # weight is uninitialised first
    """A ConvTranspose3d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = ConvTranspose3d
