"""Sums of K neighbours along each axis by doubling, as in `doubling`: loops for Numba, which this file imports.

    y[p] = Σ_k f[every·p + d·k]        f[front + step·i] = x[i], 0 elsewhere

So it is a window sum and its adjoint, whichever the numbers are of.  The last axis goes first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from manualconv.kernels.compiling import compiled
from manualconv.kernels.pooling.compiled_frames import Array, copy, fill, halve, row_of
from manualconv.kernels.pooling.frames import Frame


def sums(x: Array, f: Frame, y: Array) -> Callable[[int, int], object]:
    """What writes the sums of a range of planes: x ``(N·C·ΠI,)`` → y ``(N·C·ΠP,)``."""

    def some(first: int, last: int) -> None:
        v = np.empty((5, min(f.planes, last - first) * f.size[0] * f.size[1] * f.size[2]), x.dtype)
        if not f.given:
            v[3:] = 0
        add_up(x, y, f, v, first, last)

    return some


@compiled
def add(v: Array, a: Array, b: Array) -> None:
    """``v[j] = a[j] + b[j]``, whose memory is neither's."""
    for j in range(v.shape[0]):
        v[j] = a[j] + b[j]


@compiled
def other(a: int, b: int) -> int:
    """One of three rows that is neither a nor b."""
    return 0 if a != 0 and b != 0 else 1 if a != 1 and b != 1 else 2


@compiled
def add_up(x: Array, y: Array, f: Frame, v: Array, first: int, last: int) -> None:
    """The sums of planes `first` … `last` − 1.

    Args:
        x, y: what is read and written.
        f: the numbers.
        v: memory, for three rows; beyond these it has the frame, or its halves.
        first, last: the planes.
    """
    p0, p1, p2 = f.placements
    f0, f1, f2 = f.size
    width, every = (f2 // 2, 1) if f.halved else (f2, f.every[2])
    for start in range(first, last, f.planes):
        end = start + f.planes if start + f.planes < last else last
        if not f.given:
            fill(v[3], v[4], x, f, start, end)
        of = x[start * f0 * f1 * f2 : end * f0 * f1 * f2] if f.given else v[3]
        n, row, unit = (end - start) * f0 * f1 * f2, -1, 1
        for axis in (2, 1, 0):
            k, d, base = f.taps[axis], f.dilation[axis], row
            if axis == 2 and f.halved:
                n //= 2
                if f.given:
                    halve(v[3][:n], v[4][:n], of)
                row = 3
                for t in range(1, k):
                    to, shift = 1 if row == 0 else 0, d * t // 2
                    add(v[to][: n - shift], v[row], v[3 + d * t % 2][shift:])
                    row = to
                unit *= f.size[2] // 2
                continue
            bit, taps = 1, 1
            while 2 * bit <= k:
                bit *= 2
            while bit > 1:
                bit //= 2
                to, shift = other(base, row), taps * d * unit
                taps *= 2
                add(v[to][: n - (taps - 1) * d * unit], row_of(of, v, row), row_of(of, v, row)[shift:])
                row = to
                if k & bit:
                    to, shift = other(base, row), taps * d * unit
                    add(v[to][: n - shift], row_of(of, v, row), row_of(of, v, base)[shift:])
                    row, taps = to, taps + 1
            unit *= f.size[axis]
        for plane in range(end - start):
            for j0 in range(p0):
                for j1 in range(p1):
                    at = ((plane * f0 + f.every[0] * j0) * f1 + f.every[1] * j1) * width
                    copy(y, (((start + plane) * p0 + j0) * p1 + j1) * p2, row_of(of, v, row), at, p2, every)
