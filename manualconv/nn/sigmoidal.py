"""Activations with an exponential in them: torch.nn's modules with our arithmetic.  Any shape, the same in and out."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional
from manualconv.nn._rules import Sloped


class Sigmoid(Sloped, torch.nn.Sigmoid):
    """torch.nn.Sigmoid by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``1/(1 + e^(−z))``."""
        return functional.sigmoid(input)


class Tanh(Sloped, torch.nn.Tanh):
    """torch.nn.Tanh by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``tanh z``."""
        return functional.tanh(input)


class ScaledTanh(Sloped):
    """LeNet-5's tanh of 1998, which torch has not."""

    def forward(self, input: Tensor) -> Tensor:
        """``1.7159·tanh(2z/3)``."""
        return functional.scaled_tanh(input)


class LogSigmoid(Sloped, torch.nn.LogSigmoid):
    """torch.nn.LogSigmoid by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``log(1/(1 + e^(−z)))``."""
        return functional.logsigmoid(input)


class Softplus(Sloped, torch.nn.Softplus):
    """torch.nn.Softplus by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``log(1 + e^(beta·z))/beta``; z itself where ``beta·z > threshold``."""
        return functional.softplus(input, self.beta, self.threshold)


class SiLU(Sloped, torch.nn.SiLU):
    """torch.nn.SiLU by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``z·sigmoid(z)``."""
        return functional.silu(input, self.inplace)


class Mish(Sloped, torch.nn.Mish):
    """torch.nn.Mish by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``z·tanh(softplus(z))``."""
        return functional.mish(input, self.inplace)


class GELU(Sloped, torch.nn.GELU):
    """torch.nn.GELU by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``z·Φ(z)``, or with tanh in place of the error function."""
        return functional.gelu(input, approximate=self.approximate)  # torch takes it by name alone
