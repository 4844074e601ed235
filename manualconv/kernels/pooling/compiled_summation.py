"""Sums of K neighbours along each axis by doubling, as in `doubling`: loops for Numba, which this file imports.

    y[p] = Σ_k f[every·p + d·k]        f[front + step·i] = x[i], 0 elsewhere

So it is a window sum and its adjoint, whichever the numbers are of.  The last axis goes first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod

import numpy as np

from manualconv.kernels.compiling import compiled, part
from manualconv.kernels.pooling.compiled_frames import Array, Tables, fill, move, tables_of
from manualconv.kernels.pooling.frames import Frame

#: Rows of memory: three for steps, then the frame or its halves.
ROWS, FRAME = 5, 3


@lru_cache(256)
def plan(f: Frame) -> Tables:
    """The tables of a frame."""
    return tables_of(f, FRAME, *steps_of(f))


def steps_of(f: Frame) -> tuple[list[tuple[int, ...]], int]:
    """The steps of doubling, and the row of memory that has the last one's results."""
    steps, row, unit, base = list[tuple[int, ...]](), FRAME, 1, FRAME

    def step(of: int, b: int, shift: int, reach: int) -> int:
        to = next(free for free in range(FRAME) if free not in {of, b, base})
        steps.append((to, of, b, shift, reach, 0))
        return to

    for axis in (2, 1, 0):
        k, d, base = f.taps[axis], f.dilation[axis], row
        if axis == 2 and f.halved:
            for t in range(1, k):
                row = step(row, FRAME + d * t % 2, d * t // 2, d * t // 2)
            unit *= f.size[2] // 2
            continue
        taps = 1
        for digit in bin(k)[3:]:
            row, taps = step(row, row, taps * d * unit, (2 * taps - 1) * d * unit), 2 * taps
            if digit == "1":
                row, taps = step(row, base, taps * d * unit, taps * d * unit), taps + 1
        unit *= f.size[axis]
    return steps, row


def sums(x: Array, f: Frame, y: Array) -> Callable[[int, int], object]:
    """What writes the sums of a range of planes: x ``(N·C·ΠI,)`` → y ``(N·C·ΠP,)``."""
    tables = plan(f)

    def some(first: int, last: int) -> None:
        held = min(f.planes, last - first) * prod(f.size)
        v = np.empty(ROWS * held, x.dtype)
        if not f.given:
            v[FRAME * held :] = 0
        add_up(x, y, tables, v, first, last)

    return some


@compiled
def add_up(x: Array, y: Array, t: Tables, v: Array, first: int, last: int) -> None:
    """The sums of planes `first` … `last` − 1: what is read and written, the tables, and memory for five rows."""
    planes, volume, held = t.sizes[0, 0], t.sizes[0, 1], v.shape[0] // ROWS
    p2, every, row, rows = t.sizes[0, 3], t.sizes[0, 4], t.sizes[0, 5], t.places.shape[0]
    for start in range(first, last, planes):
        end = min(start + planes, last)
        fill(v, held, x, t, start, end)
        for s in range(t.steps.shape[0]):
            add(v, held, t.steps[s], (end - start) * volume - t.steps[s, 4])
        for plane in range(start, end):
            for r in range(rows):
                of = row * held + (plane - start) * volume + t.places[r, 0]
                move(y, (plane * rows + r) * p2, 1, v, of, every, p2)


@part
def add(v: Array, held: int, step: Array, n: int) -> None:
    """``v[j] = a[j] + b[j]``, whose memory is neither's."""
    to, a, b = np.uint64(step[0] * held), np.uint64(step[1] * held), np.uint64(step[2] * held + step[3])
    for j in range(np.uint64(n)):
        v[to + j] = v[a + j] + v[b + j]
