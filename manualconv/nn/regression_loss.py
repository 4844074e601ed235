"""Losses of residuals: torch.nn's modules with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class MSELoss(torch.nn.MSELoss):
    """torch.nn.MSELoss by hand: input and target of one shape."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """``mean (x − t)²``."""
        return functional.mse_loss(input, target, reduction=self.reduction)


class L1Loss(torch.nn.L1Loss):
    """torch.nn.L1Loss by hand: input and target of one shape."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """``mean |x − t|``."""
        return functional.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(torch.nn.SmoothL1Loss):
    """torch.nn.SmoothL1Loss by hand: input and target of one shape."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """A parabola up to β, ``|x − t| − β/2`` beyond."""
        return functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(torch.nn.HuberLoss):
    """torch.nn.HuberLoss by hand: input and target of one shape."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """A parabola up to δ, its tangent beyond."""
        return functional.huber_loss(input, target, reduction=self.reduction, delta=self.delta)
