"""Max unpooling layers: torch.nn's modules with our arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from manualconv import functional


class MaxUnpool1d(torch.nn.MaxUnpool1d):
    """torch.nn.MaxUnpool1d by hand: every maximum back at its position.  ``(N, C, P)`` → ``(N, C, L)``."""

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Unpool."""
        return functional.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(torch.nn.MaxUnpool2d):
    """torch.nn.MaxUnpool2d by hand: every maximum back at its position.  ``(N, C, PH, PW)`` → ``(N, C, H, W)``."""

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Unpool."""
        return functional.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(torch.nn.MaxUnpool3d):
    """torch.nn.MaxUnpool3d by hand: every maximum back at its position.

    ``(N, C, PD, PH, PW)`` → ``(N, C, D, H, W)``.
    """

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Unpool."""
        return functional.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)
