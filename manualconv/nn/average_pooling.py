"""Average pooling layers: torch.nn's modules with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional
from manualconv.nn._rules import Pooled


class AvgPool1d(Pooled, torch.nn.AvgPool1d):
    """torch.nn.AvgPool1d by hand: window sums times a diagonal.  ``(N, C, L)`` → ``(N, C, P)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool."""
        return functional.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )


class AvgPool2d(Pooled, torch.nn.AvgPool2d):
    """torch.nn.AvgPool2d by hand: window sums times a diagonal.  ``(N, C, H, W)`` → ``(N, C, PH, PW)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool."""
        return functional.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool3d(Pooled, torch.nn.AvgPool3d):
    """torch.nn.AvgPool3d by hand: window sums times a diagonal.  ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool."""
        return functional.avg_pool3d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )
