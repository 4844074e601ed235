"""Max pooling layers: torch.nn's modules with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class MaxPool1d(torch.nn.MaxPool1d):
    """torch.nn.MaxPool1d by hand: the mask of the maxima is its derivative.  ``(N, C, L)`` → ``(N, C, P)``."""

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the positions of the maxima."""
        return functional.max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool2d(torch.nn.MaxPool2d):
    """torch.nn.MaxPool2d by hand: the mask of the maxima is its derivative.  ``(N, C, H, W)`` → ``(N, C, PH, PW)``."""

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the flat positions of the maxima."""
        return functional.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool3d(torch.nn.MaxPool3d):
    """torch.nn.MaxPool3d by hand: the mask of the maxima is its derivative.

    ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the flat positions of the maxima."""
        return functional.max_pool3d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )
