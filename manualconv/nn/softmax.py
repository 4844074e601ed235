"""Softmax and LogSoftmax: torch.nn's modules with our arithmetic.  Any shape, the same in and out."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class Softmax(torch.nn.Softmax):
    """torch.nn.Softmax by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``e^z / Σ e^z``."""
        return functional.softmax(input, self.dim)


class LogSoftmax(torch.nn.LogSoftmax):
    """torch.nn.LogSoftmax by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``z − log Σ e^z``."""
        return functional.log_softmax(input, self.dim)


class Softmin(torch.nn.Softmin):
    """torch.nn.Softmin by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``e^(−z) / Σ e^(−z)``."""
        return functional.softmin(input, self.dim)


class Softmax2d(torch.nn.Softmax2d):
    """torch.nn.Softmax2d by hand: along the channels of ``(N, C, H, W)`` or ``(C, H, W)``."""

    def forward(self, input: Tensor) -> Tensor:
        """``e^z / Σ e^z``."""
        if isinstance(input, Tensor) and input.dim() not in (3, 4):
            words = f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead"
            raise ValueError(f"{words} [(C, H, W) or (N, C, H, W)]")
        return functional.softmax(input, -3)
