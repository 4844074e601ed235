"""The fully connected layer: torch.nn's module with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional
from manualconv.nn._rules import Weighted


class Linear(Weighted, torch.nn.Linear):
    """torch.nn.Linear by hand, a convolution with zero spatial axes.  ``(*, C)`` → ``(*, O)``."""

    def forward(self, input: Tensor) -> Tensor:
        """``x·Wᵀ + b``."""
        return functional.linear(input, self.weight, self.bias, rules=self.derivative_rules)


class LazyLinear(torch.nn.LazyLinear, Linear):
    """A Linear that takes its in_features from the first input, and is then a plain one of ours."""

    cls_to_become = Linear
