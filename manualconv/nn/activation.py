"""Activations: torch.nn's modules with our arithmetic.  Any shape, the same in and out."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class ReLU(torch.nn.ReLU):
    """torch.nn.ReLU by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``max(z, 0)``."""
        return functional.relu(input, self.inplace)


class Sigmoid(torch.nn.Sigmoid):
    """torch.nn.Sigmoid by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``1/(1 + e^(−z))``."""
        return functional.sigmoid(input)


class Tanh(torch.nn.Tanh):
    """torch.nn.Tanh by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``tanh z``."""
        return functional.tanh(input)


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
