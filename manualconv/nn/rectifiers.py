"""Activations of straight pieces: torch.nn's modules with our arithmetic.  Any shape, the same in and out."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional
from manualconv.nn._rules import Sloped


class ReLU(Sloped, torch.nn.ReLU):
    """torch.nn.ReLU by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``max(z, 0)``."""
        return functional.relu(input, self.inplace)


class ReLU6(Sloped, torch.nn.ReLU6):
    """torch.nn.ReLU6 by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``min(max(z, 0), 6)``."""
        return functional.relu6(input, self.inplace)


class Hardtanh(Sloped, torch.nn.Hardtanh):
    """torch.nn.Hardtanh by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``min(max(z, min_val), max_val)``."""
        return functional.hardtanh(input, self.min_val, self.max_val, self.inplace)


class Threshold(Sloped, torch.nn.Threshold):
    """torch.nn.Threshold by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``z`` where ``z > threshold``, else ``value``."""
        return functional.threshold(input, self.threshold, self.value, self.inplace)


class Hardsigmoid(Sloped, torch.nn.Hardsigmoid):
    """torch.nn.Hardsigmoid by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``min(max(z + 3, 0), 6)/6``."""
        return functional.hardsigmoid(input, self.inplace)


class Hardswish(Sloped, torch.nn.Hardswish):
    """torch.nn.Hardswish by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``z·min(max(z + 3, 0), 6)/6``."""
        return functional.hardswish(input, self.inplace)


class Hardshrink(Sloped, torch.nn.Hardshrink):
    """torch.nn.Hardshrink by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``z`` where ``|z| > lambd``, else 0."""
        return functional.hardshrink(input, self.lambd)


class Softshrink(Sloped, torch.nn.Softshrink):
    """torch.nn.Softshrink by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """``z`` nearer to 0 by `lambd`, and 0 between ±lambd."""
        return functional.softshrink(input, self.lambd)


class LeakyReLU(Sloped, torch.nn.LeakyReLU):
    """torch.nn.LeakyReLU by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``z`` where z > 0, else ``negative_slope·z``."""
        return functional.leaky_relu(input, self.negative_slope, self.inplace)


class ELU(Sloped, torch.nn.ELU):
    """torch.nn.ELU by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``z`` where z > 0, else ``alpha·(e^z − 1)``."""
        return functional.elu(input, self.alpha, self.inplace)


class CELU(Sloped, torch.nn.CELU):
    """torch.nn.CELU by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``z`` where z > 0, else ``alpha·(e^(z/alpha) − 1)``."""
        return functional.celu(input, self.alpha, self.inplace)


class SELU(Sloped, torch.nn.SELU):
    """torch.nn.SELU by hand; ``inplace=True`` overwrites its input."""

    def forward(self, input: Tensor) -> Tensor:
        """``1.0507…·elu(z, 1.6733…)``."""
        return functional.selu(input, self.inplace)
