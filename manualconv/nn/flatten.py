"""Flatten: torch.nn's module."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class Flatten(torch.nn.Flatten):
    """torch.nn.Flatten: ``(N, C, H, W)`` → ``(N, C·H·W)``, a relabelling of axes."""

    def forward(self, input: Tensor) -> Tensor:
        """Join axes ``start_dim`` … ``end_dim``."""
        return functional.flatten(input, self.start_dim, self.end_dim)
