"""Losses against classes: torch.nn's modules with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class NLLLoss(torch.nn.NLLLoss):
    """torch.nn.NLLLoss by hand: log-probabilities ``(N, C, *S)`` against class numbers ``(N, *S)``."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """``−mean Select(log p; target)``."""
        return functional.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class CrossEntropyLoss(torch.nn.CrossEntropyLoss):
    """torch.nn.CrossEntropyLoss by hand: logits ``(N, C, *S)`` against class numbers ``(N, *S)`` or probabilities."""

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


class BCELoss(torch.nn.BCELoss):
    """torch.nn.BCELoss by hand: probabilities against numbers from 0 to 1 in the same shape."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """``mean (−t·log x − (1 − t)·log(1 − x))``."""
        return functional.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(torch.nn.BCEWithLogitsLoss):
    """torch.nn.BCEWithLogitsLoss by hand: logits against numbers from 0 to 1 in the same shape."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The cross-entropy of ``sigmoid(input)``."""
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )
