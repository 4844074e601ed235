"""Adaptive pooling layers: torch.nn's modules with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional
from manualconv.nn._rules import Pooled


class AdaptiveAvgPool1d(Pooled, torch.nn.AdaptiveAvgPool1d):
    """torch.nn.AdaptiveAvgPool1d by hand: means over intervals.  ``(N, C, L)`` → ``(N, C, P)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool."""
        return functional.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(Pooled, torch.nn.AdaptiveAvgPool2d):
    """torch.nn.AdaptiveAvgPool2d by hand: means over intervals.  ``(N, C, H, W)`` → ``(N, C, PH, PW)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool."""
        return functional.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(Pooled, torch.nn.AdaptiveAvgPool3d):
    """torch.nn.AdaptiveAvgPool3d by hand: means over intervals.  ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool."""
        return functional.adaptive_avg_pool3d(input, self.output_size)


class AdaptiveMaxPool1d(Pooled, torch.nn.AdaptiveMaxPool1d):
    """torch.nn.AdaptiveMaxPool1d by hand: maxima of intervals.  ``(N, C, L)`` → ``(N, C, P)``."""

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the flat positions of the maxima."""
        return functional.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(Pooled, torch.nn.AdaptiveMaxPool2d):
    """torch.nn.AdaptiveMaxPool2d by hand: maxima of intervals.  ``(N, C, H, W)`` → ``(N, C, PH, PW)``."""

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the flat positions of the maxima."""
        return functional.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(Pooled, torch.nn.AdaptiveMaxPool3d):
    """torch.nn.AdaptiveMaxPool3d by hand: maxima of intervals.  ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``."""

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the flat positions of the maxima."""
        return functional.adaptive_max_pool3d(input, self.output_size, self.return_indices)
