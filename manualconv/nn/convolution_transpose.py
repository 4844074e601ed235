"""Transposed convolution layers: torch.nn's modules with our arithmetic.

Parameters, initialisation, state_dict and repr are torch's; ``isinstance(m, torch.nn.ConvTranspose2d)`` holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from manualconv import functional
from manualconv.geometry import sides
from manualconv.nn._rules import Weighted

_LAYERS = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


class _Transposed(Weighted):
    """What the three share."""

    ndim: ClassVar[int]

    def _run(self, input: Tensor, output_size: Sequence[int] | None) -> Tensor:
        """The layer on the module's parameters, its output as large as asked for."""
        module: Any = self
        more, sizes = module.output_padding, (module.kernel_size, self.ndim, module.dilation)
        if output_size is not None:
            # Torch's own arithmetic, which knows one padding for both sides: their mean is as good.
            frame = sides(module.padding, module.kernel_size, module.dilation)
            padding = [lo if lo == hi else (lo + hi) / 2 for lo, hi in frame]
            more = tuple(map(int, module._output_padding(input, list(output_size), module.stride, padding, *sizes)))
        numbers = (module.stride, module.padding, more, module.groups, module.dilation)
        layer = _LAYERS[self.ndim]
        return layer(input, module.weight, module.bias, *numbers, rules=self.derivative_rules)


class ConvTranspose1d(_Transposed, torch.nn.ConvTranspose1d):
    """torch.nn.ConvTranspose1d whose derivatives are written by hand: ``(N, C, L)`` → ``(N, O, P)``."""

    ndim = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution; `output_size` chooses among the sizes that the stride leaves open."""
        return self._run(input, output_size)


class ConvTranspose2d(_Transposed, torch.nn.ConvTranspose2d):
    """torch.nn.ConvTranspose2d whose derivatives are written by hand: ``(N, C, H, W)`` → ``(N, O, PH, PW)``."""

    ndim = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution; `output_size` chooses among the sizes that the stride leaves open."""
        return self._run(input, output_size)


class ConvTranspose3d(_Transposed, torch.nn.ConvTranspose3d):
    """torch.nn.ConvTranspose3d whose derivatives are written by hand: ``(N, C, D, H, W)`` → ``(N, O, PD, PH, PW)``."""

    ndim = 3

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution; `output_size` chooses among the sizes that the stride leaves open."""
        return self._run(input, output_size)


class LazyConvTranspose1d(torch.nn.LazyConvTranspose1d, ConvTranspose1d):  # type: ignore[misc]  # weight is uninitialised first
    """A ConvTranspose1d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(torch.nn.LazyConvTranspose2d, ConvTranspose2d):  # type: ignore[misc]  # weight is uninitialised first
    """A ConvTranspose2d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(torch.nn.LazyConvTranspose3d, ConvTranspose3d):  # type: ignore[misc]  # weight is uninitialised first
    """A ConvTranspose3d that takes its in_channels from the first input, and is then a plain one of ours."""

    cls_to_become = ConvTranspose3d
