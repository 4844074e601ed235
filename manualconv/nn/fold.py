"""Unfold and Fold: torch.nn's modules with our arithmetic, in one to three dimensions."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class Unfold(torch.nn.Unfold):
    """torch.nn.Unfold by hand: ``(N, C, *I)`` → ``(N, C·ΠK, ΠP)``; a tuple's length is the number of axes."""

    def forward(self, input: Tensor) -> Tensor:
        """Every window as a column."""
        return functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(torch.nn.Fold):
    """torch.nn.Fold by hand: ``(N, C·ΠK, ΠP)`` → ``(N, C, *I)``; a tuple's length is the number of axes."""

    def forward(self, input: Tensor) -> Tensor:
        """Columns added up where they overlap."""
        return functional.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
