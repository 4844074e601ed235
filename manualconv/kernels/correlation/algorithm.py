"""What an algorithm of correlation is: a file with the same three names."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation.cost import Sizes


class Algorithm(Protocol):
    """A file that computes the three maps."""

    def to_output(self, x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor: ...  # noqa: D102
    def to_input(self, w: Tensor, y: Tensor, window: Window) -> Tensor: ...  # noqa: D102
    def to_weight(self, x: Tensor, y: Tensor, window: Window) -> Tensor: ...  # noqa: D102


class Special(Algorithm, Protocol):
    """One that takes some windows only, and says what it costs and what its results promise."""

    def refusal(self, sizes: Sizes) -> str | None:
        """Why it cannot compute such a window; None if it can."""

    def accuracy(self, sizes: Sizes) -> str:
        """``'exact'`` if every output is a sum over its own window, in some order; else ``'fast'``."""

    def cost(self, map: str, sizes: Sizes) -> float:
        """Nanoseconds on one core of the map ``'output'``, ``'input'`` or ``'weight'``."""
