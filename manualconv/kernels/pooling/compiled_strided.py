"""The maximum of each window that a stride of 2 along the last axis moves, tap by tap: loops for Numba.

    y[p], k(p) = ⊕_k (x[s·p + k − a], k)        ⊕ as in `compiled_maximum`, the taps in row-major order

Eight neighbouring windows at a time, whose best stays in the processor's registers until all their taps are read.  So
nothing between the strides is computed, and neither a frame nor a step's results are written: for windows of a few
taps that is faster than doubling.

Tap t of eight windows is each second number of sixteen.  Those of tap 0 are the even ones from the window's first
number on, those of tap t the odd ones from one before the tap on: so nothing is read behind the last window's last tap.
The last eight windows of a row may have some in common with those before: these are written twice, and alike.  Windows
that reach over an end of the row are taken one at a time.

Only taps inside are read, and the first of them is what a window of −∞ has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from manualconv.geometry import Window
from manualconv.kernels.compiling import compiled, part
from manualconv.kernels.pooling.compiled_frames import Array
from manualconv.kernels.pooling.compiled_vectors import LANES, alike, better, evens, labels, odds, store
from manualconv.kernels.pooling.frames import Frame, frame_of_window

#: Taps up to which it pays.
MOST = 32


class Tables(NamedTuple):
    """What is the same for every plane.

    Attributes:
        rows: of each row of y, how many rows of taps it has inside x ``(rows of P,)``.
        reads: of each of those, what the first placement's first tap reads in a plane, were its rows endless, and the
            number of that tap ``(rows of P, rows of K, 2)``.
        sizes: numbers in a plane of x and in a row of x, placements along a row, taps along it, the left padding.
        inside: the first placement along a row whose taps are all inside, and the one after the last.
    """

    rows: Array
    reads: Array
    sizes: tuple[int, int, int, int, int]
    inside: tuple[int, int]


def _inside(f: Frame) -> tuple[int, int]:
    """The first placement along the last axis whose taps are all inside, and the one after the last."""
    return -(-f.front[2] // 2), min(f.placements[2], (f.length[2] + f.front[2] - f.taps[2]) // 2 + 1)


@lru_cache(1024)
def is_strided(window: Window) -> bool:
    """Whether these loops take a window: few taps, side by side, at a stride of 2 and more than one along a row."""
    f = frame_of_window(window)
    first, last = _inside(f)
    few = f.every[2] == 2 and f.taps[2] > 1 and window.taps <= MOST and max(f.dilation) == 1 and last - first >= LANES
    by_axis = zip(f.taps, f.front, f.every, f.placements, f.length)
    return few and all(a < k and s * (p - 1) - a < i for k, a, s, p, i in by_axis)


@lru_cache(256)
def plan(window: Window) -> Tables:
    """The tables of a window."""
    f = frame_of_window(window)
    (i0, in0), (i1, in1) = (
        (i := np.arange(p)[:, None] * s - a + np.arange(k), (i >= 0) & (i < n))
        for p, s, a, k, n in zip(f.placements[:2], f.every, f.front, f.taps, f.length)
    )
    rows = prod(f.placements[:2])
    inside = (in0[:, None, :, None] & in1[:, None, :]).reshape(rows, -1)
    at = ((i0[:, None, :, None] * f.length[1] + i1[:, None, :]) * f.length[2] - f.front[2]).reshape(rows, -1)
    order = np.argsort(~inside, axis=1, kind="stable")
    reads = np.stack((np.take_along_axis(at, order, axis=1), order * f.taps[2]), axis=2)
    sizes = (prod(f.length), f.length[2], f.placements[2], f.taps[2], f.front[2])
    return Tables(inside.sum(axis=1), reads, sizes, _inside(f))


def strided_maxima(x: Array, window: Window, y: Array, taps: Array) -> Callable[[int, int], object]:
    """What writes the maxima of a range of planes, and their taps: x ``(N·C·ΠI,)`` → ``(N·C·ΠP,)``."""
    tables = plan(window)
    return lambda first, last: find_strided(x, y, taps, *tables, first, last)


@part
def eight(x: Array, of: int, reads: Array, rows: int, k2: int, y: Array, taps: Array, to: int) -> None:
    """Eight placements, whose taps are all inside the rows: they read from `of` on, and are written from `to` on."""
    v, at = alike(x, -np.inf), labels(x, reads[0, 1])
    for i in range(rows):
        first, tap = of + reads[i, 0], reads[i, 1]
        v, at = better(v, at, evens(x, first), labels(x, tap))
        v, at = better(v, at, odds(x, first), labels(x, tap + 1))
        for t in range(2, k2):
            v, at = better(v, at, odds(x, first + t - 1), labels(x, tap + t))
    store(y, to, v)
    store(taps, to, at)


@part
def one(x: Array, of: int, reads: Array, rows: int, begin: int, end: int, y: Array, taps: Array, to: int) -> None:
    """One placement, whose taps `begin` … `end` − 1 are inside the rows."""
    v, at = x.dtype.type(-np.inf), reads[0, 1] + begin
    for i in range(rows):
        for t in range(begin, end):
            b = x[of + reads[i, 0] + t]
            if (b > v) | (b != b):
                v, at = b, reads[i, 1] + t
    y[to], taps[to] = v, at


@compiled
def find_strided(
    x: Array,
    y: Array,
    taps: Array,
    rows: Array,
    reads: Array,
    sizes: tuple[int, int, int, int, int],
    inside: tuple[int, int],
    first: int,
    last: int,
) -> None:
    """The maximum of every window of planes `first` … `last` − 1, by the `Tables`."""
    volume, n2, p2, k2, front = sizes
    begin, end = inside
    for plane in range(first, last):
        for r in range(rows.shape[0]):
            of, to = plane * volume, (plane * rows.shape[0] + r) * p2
            for chunk in range((end - begin + LANES - 1) // LANES):
                j = min(begin + LANES * chunk, end - LANES)
                eight(x, of + 2 * j, reads[r], rows[r], k2, y, taps, to + j)
            for edge in range(p2 - (end - begin)):
                j = edge if edge < begin else end + edge - begin
                low, high = max(0, front - 2 * j), min(k2, n2 + front - 2 * j)
                one(x, of + 2 * j, reads[r], rows[r], low, high, y, taps, to + j)
