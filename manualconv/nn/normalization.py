"""Layer, group and local response normalisation: torch.nn's modules with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class LayerNorm(torch.nn.LayerNorm):
    """torch.nn.LayerNorm, right at every order of derivative: ``(*, *normalized_shape)`` in and out."""

    def forward(self, input: Tensor) -> Tensor:
        """``γ·x̂ + β``, x̂ over the last axes."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class GroupNorm(torch.nn.GroupNorm):
    """torch.nn.GroupNorm, right at every order of derivative: ``(N, C, *I)`` in and out."""

    def forward(self, input: Tensor) -> Tensor:
        """``γ·x̂ + β``, x̂ over a group's channels and positions."""
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class LocalResponseNorm(torch.nn.LocalResponseNorm):
    """torch.nn.LocalResponseNorm by hand: ``(N, C, *I)`` in and out."""

    def forward(self, input: Tensor) -> Tensor:
        """``x / (k + α·mean of x² over neighbouring channels)^β``."""
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)
