"""Max pooling layers: torch.nn's modules with our arithmetic, and one argument more, `ties`: see `max_pool2d`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv import functional
from manualconv.geometry import Numbers
from manualconv.nn._rules import Pooled


class _Ties(Pooled):
    """torch's arguments, and the rule for ties, which a layer that was converted has not been given."""

    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    ceil_mode: bool
    return_indices: bool
    ties: str = "first"

    def __init__(
        self,
        kernel_size: Numbers,
        stride: Numbers | None = None,
        padding: Numbers = 0,
        dilation: Numbers = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        *,
        ties: str = "first",
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, return_indices, ceil_mode)
        if ties != "first":
            self.ties = ties

    def _options(self) -> tuple[Any, Any, Any, Any, bool, bool]:
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices


class MaxPool1d(_Ties, torch.nn.MaxPool1d):
    """torch.nn.MaxPool1d by hand: the mask of the maxima is its derivative.  ``(N, C, L)`` → ``(N, C, P)``."""

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the positions of the maxima."""
        return functional.max_pool1d(input, *self._options(), ties=self.ties)


class MaxPool2d(_Ties, torch.nn.MaxPool2d):
    """torch.nn.MaxPool2d by hand: the mask of the maxima is its derivative.  ``(N, C, H, W)`` → ``(N, C, PH, PW)``."""

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the flat positions of the maxima."""
        return functional.max_pool2d(input, *self._options(), ties=self.ties)


class MaxPool3d(_Ties, torch.nn.MaxPool3d):
    """torch.nn.MaxPool3d by hand: the mask of the maxima is its derivative.

    ``(N, C, D, H, W)`` → ``(N, C, PD, PH, PW)``.
    """

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pool; with ``return_indices`` also the flat positions of the maxima."""
        return functional.max_pool3d(input, *self._options(), ties=self.ties)
