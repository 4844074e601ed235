"""Losses: torch.nn's modules with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class NLLLoss(torch.nn.NLLLoss):
    """torch.nn.NLLLoss by hand: ``(N, C, *S)`` against class numbers ``(N, *S)``."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """``−mean Select(log p; target)``."""
        return functional.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class CrossEntropyLoss(torch.nn.CrossEntropyLoss):
    """torch.nn.CrossEntropyLoss by hand: logits ``(N, C, *S)`` against class numbers ``(N, *S)``."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """``nll(log-softmax(z), target)``."""
        return functional.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class MSELoss(torch.nn.MSELoss):
    """torch.nn.MSELoss by hand."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """``mean (x − t)²``."""
        return functional.mse_loss(input, target, reduction=self.reduction)
