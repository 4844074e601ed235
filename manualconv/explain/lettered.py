"""A convolution's matrix with letters: neurons 1, 2, …, weights I, II, …, outputs A, B, ….

    M[(o, p), (c, i)] = w[(g o), c, k]  where i = s*p + d*k - a        Z = M x        dx = Mᵀ dZ

One channel and one filter.  Shapes: x ``(I,)`` flattened, M ``(P, I)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figure 9.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import torch

from manualconv.explain.text import by
from manualconv.functional.refusals.convolution import toeplitz_window
from manualconv.functional.toeplitz import Connections, connections
from manualconv.geometry import Axes, Numbers, Window
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
    input_size: Axes,
    kernel_size: Axes,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
) -> Lettered:
    """The matrix of a convolution of one channel and one filter.

    Args:
        input_size, kernel_size: one number an axis, one to three axes.
        stride, padding, dilation: as of `manualconv.functional.conv2d`.

    Raises:
        ValueError: sizes that make no convolution, or a matrix of more than `MOST` places.
    """
    if len(input_size) != len(kernel_size) or not 1 <= len(input_size) <= 3:
        raise ValueError(f"input {by(input_size)} and kernel {by(kernel_size)} need equally many axes, one to three")
    if min((*input_size, *kernel_size)) < 1:
        raise ValueError(f"sizes are at least 1, but the input is {by(input_size)} and the kernel {by(kernel_size)}")
    if max(prod(input_size), prod(kernel_size)) > MOST:
        raise ValueError(
            f"input {by(input_size)} and kernel {by(kernel_size)} are too large to show: give smaller ones"
        )
    weight = torch.ones(1, 1, *kernel_size)
    try:
        window = toeplitz_window(weight, input_size, stride, padding, dilation, 1)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"there is no such convolution: {str(error).splitlines()[0]}") from None
    if prod(input_size) * window.placements > MOST:
        places = f"{window.placements} x {prod(input_size)}"
        raise ValueError(f"a matrix of {places} has more than {MOST} places: give a smaller input")
    counts = connections(weight, input_size, stride, padding, dilation)
    return Lettered(window, counts, [*zip(*(t.tolist() for t in entries(1, 1, window, weight.device)))])
