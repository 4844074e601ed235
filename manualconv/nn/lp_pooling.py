"""Power-average pooling layers: torch.nn's modules with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional
from manualconv.nn._rules import Pooled


class LPPool1d(Pooled, torch.nn.LPPool1d):
    """torch.nn.LPPool1d by hand: the root of a window's sum of powers.  ``(N, C, L)`` → ``(N, C, P)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool."""
        return functional.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(Pooled, torch.nn.LPPool2d):
    """torch.nn.LPPool2d by hand: the root of a window's sum of powers.  ``(N, C, H, W)`` → ``(N, C, PH, PW)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool."""
        return functional.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool3d(Pooled, torch.nn.LPPool3d):
    """torch.nn.LPPool3d by hand: the root of a window's sum of powers.  ``(N, C, D, H, W)`` → ``(N, C, *P)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool."""
        return functional.lp_pool3d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)
