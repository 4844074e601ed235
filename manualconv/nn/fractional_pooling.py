"""Fractional max pooling layers: torch.nn's modules with our arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional


class FractionalMaxPool2d(torch.nn.FractionalMaxPool2d):
    """torch.nn.FractionalMaxPool2d by hand: maxima at random places.  ``(N, C, H, W)`` → ``(N, C, PH, PW)``."""

    _random_samples: Tensor | None

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the flat positions of the maxima."""
        return functional.fractional_max_pool2d(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool3d(torch.nn.FractionalMaxPool3d):
    """torch.nn.FractionalMaxPool3d by hand: maxima at random places.  ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``."""

    _random_samples: Tensor | None

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the flat positions of the maxima."""
        return functional.fractional_max_pool3d(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )
