"""Numbers into the places of `frames` and out of them: loops for Numba, which this file imports."""

from __future__ import annotations

from typing import Any

import numpy as np

from manualconv.kernels.compiling import compiled
from manualconv.kernels.pooling.frames import Frame

Array = np.ndarray[Any, np.dtype[Any]]


@compiled
def fill(frame: Array, odd: Array, x: Array, f: Frame, first: int, last: int) -> None:
    """Planes `first` … `last` − 1 into their places; if halved, those at odd positions apart."""
    n0, n1, n2 = f.length
    f0, f1, f2 = f.size
    front, step = f.front[2], f.step[2]
    begin, end = f.inside
    for plane in range(last - first):
        for i0 in range(n0):
            to0 = f.front[0] + f.step[0] * i0
            for i1 in range(n1):
                to1 = f.front[1] + f.step[1] * i1
                if to0 < 0 or to0 >= f0 or to1 < 0 or to1 >= f1:
                    continue
                of = (((first + plane) * n0 + i0) * n1 + i1) * n2
                to = ((plane * f0 + to0) * f1 + to1) * f2 + front
                if f.halved:
                    for half in range(2):
                        i = begin + (front + begin + half) % 2
                        copy(odd if half else frame, (to + i) // 2, x, of + i, (end - i + 1) // 2, 2)
                elif step == 1:
                    copy(frame, to + begin, x, of + begin, end - begin, 1)
                else:
                    for i in range(begin, end):
                        frame[to + step * i] = x[of + i]


@compiled
def halve(even: Array, odd: Array, row: Array) -> None:
    """The numbers at even and at odd positions."""
    for j in range(even.shape[0]):
        even[j] = row[np.uint64(2 * j)]
    for j in range(odd.shape[0]):
        odd[j] = row[np.uint64(2 * j + 1)]


@compiled
def copy(y: Array, to: int, v: Array, of: int, n: int, every: int) -> None:
    """``y[to + j] = v[of + every·j]``, of unsigned positions: those are not looked at for being negative."""
    to, of = np.uint64(to), np.uint64(of)
    if every == 1:
        for j in range(n):
            y[to + np.uint64(j)] = v[of + np.uint64(j)]
    elif every == 2:
        for j in range(n):
            y[to + np.uint64(j)] = v[of + np.uint64(2 * j)]
    else:
        for j in range(n):
            y[to + np.uint64(j)] = v[of + np.uint64(every * j)]


@compiled
def row_of(frame: Array, rows: Array, row: int) -> Array:
    """A row, or before all of them the frame."""
    return frame if row < 0 else rows[row]
