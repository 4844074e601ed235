"""What an algorithm of correlation is: a file, or an object of a user's, with the same six names."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation.cost import Sizes

ACCURACIES = ("exact", "fast")


class NoAnswer(RuntimeError):
    """An algorithm of a user's, asked whether it takes a layer or what that costs, fails or tells neither."""


class Algorithm(Protocol):
    """What computes the three maps; a class that inherits from it writes those and no more.

        T(x, w, y) = Σ x[n, (g c), s·p + d·k − a] · w[(g o), c, k] · y[n, (g o), p]

    Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, b ``(O,)``, y ``(N, O, *P)``; s, d, a, g, I, K, P are the window's.

    Attributes:
        accuracy: ``'exact'`` if every output is a sum over its own window, in some order; else ``'fast'``.
    """

    accuracy: str = "exact"

    def refusal(self, sizes: Sizes) -> str | None:
        """Why it cannot compute such a layer, in a few words; None if it can."""
        return None

    def cost(self, map: str, sizes: Sizes) -> float:
        """Nanoseconds on one core of the map ``'output'``, ``'input'`` or ``'weight'``; inf: by name only."""
        return float("inf")

    @abstractmethod
    def to_output(self, x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        """∂T/∂y + b, the convolution, as y."""

    @abstractmethod
    def to_input(self, w: Tensor, y: Tensor, window: Window) -> Tensor:
        """∂T/∂x, the transposed convolution, as x."""

    @abstractmethod
    def to_weight(self, x: Tensor, y: Tensor, window: Window) -> Tensor:
        """∂T/∂w, the correlation of x with y, as w."""
