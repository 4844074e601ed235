"""Where a tap lies: the index relation, counted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy.typing as npt

from manualconv.geometry import Window

Array = npt.NDArray[Any]
Index = tuple[int, ...]


def output_size(window: Window, ceil_mode: bool = False) -> Index:
    """P per axis, counted: placements whose last tap still lies on the padded input.

    With ceil_mode one more, if positions are left over and it starts on the input or in its left padding.
    """
    counts = []
    for i, k, s, d, (a, b) in zip(
        window.input_size, window.kernel_size, window.stride, window.dilation, window.padding, strict=True
    ):
        p = 0
        while s * p + d * (k - 1) - a < i + b:
            p += 1
        covered = s * (p - 1) + d * (k - 1) - a + 1
        counts.append(p + 1 if ceil_mode and covered < i + b and s * p - a < i else p)
    return tuple(counts)


def position(p: Index, k: Index, window: Window) -> Index:
    """``i = s·p + d·k − a``."""
    return tuple(
        s * q + d * j - a
        for q, j, s, d, (a, _) in zip(p, k, window.stride, window.dilation, window.padding, strict=True)
    )


def inside(i: Index, size: Index) -> bool:
    """``0 ≤ i < I`` on every axis."""
    return all(0 <= at < length for at, length in zip(i, size, strict=True))


def indices(size: Index) -> Iterator[Index]:
    """Every multi-index below `size`, row-major."""
    return product(*map(range, size))


def taps(window: Window) -> int:
    """ΠK: terms of one window."""
    return prod(window.kernel_size)
