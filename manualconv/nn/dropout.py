"""Dropout: torch.nn's modules with our arithmetic; in evaluation mode they return a copy of their input."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class Dropout(torch.nn.Dropout):
    """torch.nn.Dropout by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """Each entry 0 with probability p, else divided by ``1 − p``."""
        return functional.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(torch.nn.Dropout1d):
    """torch.nn.Dropout1d by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """Each channel of ``(N, C, L)`` or ``(C, L)`` 0 with probability p, else divided by ``1 − p``."""
        return functional.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(torch.nn.Dropout2d):
    """torch.nn.Dropout2d by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """Each channel of ``(N, C, H, W)`` 0 with probability p, else divided by ``1 − p``."""
        return functional.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(torch.nn.Dropout3d):
    """torch.nn.Dropout3d by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """Each channel of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` 0 with probability p, else divided by ``1 − p``."""
        return functional.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(torch.nn.AlphaDropout):
    """torch.nn.AlphaDropout by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """Each entry what selu tends to at −∞ with probability p, then scaled and shifted."""
        return functional.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(torch.nn.FeatureAlphaDropout):
    """torch.nn.FeatureAlphaDropout by hand."""

    def forward(self, input: Tensor) -> Tensor:
        """Each channel what selu tends to at −∞ with probability p, then scaled and shifted."""
        return functional.feature_alpha_dropout(input, self.p, self.training)
