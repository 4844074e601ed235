"""Softmax and LogSoftmax: torch.nn's modules with our arithmetic.  Any shape, the same in and out."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class Softmax(torch.nn.Softmax):
    """torch.nn.Softmax by hand; `dim` must be given."""

    def forward(self, input: Tensor) -> Tensor:
        """``e^z / Σ e^z``."""
        return functional.softmax(input, self.dim)


class LogSoftmax(torch.nn.LogSoftmax):
    """torch.nn.LogSoftmax by hand; `dim` must be given."""

    def forward(self, input: Tensor) -> Tensor:
        """``z − log Σ e^z``."""
        return functional.log_softmax(input, self.dim)
