"""A convolution's matrix with letters: neurons 1, 2, …, weights I, II, …, outputs A, B, ….

    M[(o, p), (c, i)] = w[(g o), c, k]  where i = s*p + d*k - a        Z = M x        dx = Mᵀ dZ

One channel and one filter.  Shapes: x ``(I,)`` flattened, M ``(P, I)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figure 9.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import torch

from manualconv.explain.arithmetic.sizing import sizes_of, sizing_of
from manualconv.functional.toeplitz import Connections, connections
from manualconv.geometry import Axes, Window
from manualconv.kernels.matrix.toeplitz import entries

#: A matrix with more places is not made.
MOST = 2_000_000
ROMAN = ((100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


def roman(number: int) -> str:
    """4 as IV."""
    text = ""
    for value, letters in ROMAN:
        text, number = text + letters * (number // value), number % value
    return text


def letter(number: int) -> str:
    """0 as A, 25 as Z, 26 as AA."""
    text = ""
    while number >= 0:
        number, last = divmod(number, 26)
        text, number = chr(ord("A") + last) + text, number - 1
    return text


class Lettered(NamedTuple):
    """A convolution's matrix.

    Attributes:
        window: where its taps fall.
        counts: its entries, and how often each input and each weight is used.
        entries: the row, the column and the weight of each, counted from 0.
    """

    window: Window
    counts: Connections
    entries: list[tuple[int, int, int]]

    def fed_by(self, neuron: int) -> list[int]:
        """The outputs that an input feeds, counted from 0."""
        return [row for row, column, _ in self.entries if column == neuron]

    def rows(self, empty: str = ".") -> list[list[str]]:
        """The matrix with the weights' Roman numbers."""
        table = [[empty] * self.counts.columns for _ in range(self.counts.rows)]
        for row, column, weight in self.entries:
            table[row][column] = roman(weight + 1)
        return table


def lettered(
    input_size: int | Axes, kernel_size: int | Axes, stride: int | Axes = 1, padding: Any = 0, dilation: int | Axes = 1
) -> Lettered:
    """The matrix of a convolution of one channel and one filter.

    Its arguments, and what it refuses, are those of `manualconv.explain.toeplitz_matrix`.
    """
    size = sizes_of(input_size)
    window = sizing_of(size, kernel_size, stride, padding, dilation, ndim=len(size)).window()
    if max(prod(size) * window.placements, window.taps) > MOST:
        places = f"{window.placements} x {prod(size)}"
        raise ValueError(f"a matrix of {places} has more than {MOST} places: give a smaller input")
    weight = torch.ones(1, 1, *window.kernel_size)
    counts = connections(weight, size, window.stride, window.padding, window.dilation)
    return Lettered(window, counts, [*zip(*(t.tolist() for t in entries(1, 1, window, weight.device)))])
