"""Numbers into the places of `frames` and out of them: loops for Numba, which this file imports.

The loops read tables, of what is the same for every plane: Numba compiles a loop over a table several times faster than
the arithmetic that makes it.  Positions are unsigned where they index: those are not looked at for being negative.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from manualconv.kernels.compiling import part
from manualconv.kernels.pooling.frames import Frame

Array = np.ndarray[Any, np.dtype[Any]]


class Tables(NamedTuple):
    """What loops read of a frame; each ``(rows, columns)``, of int64.

    Attributes:
        sizes: planes in a frame; numbers that a plane has in it, of each half if halved; numbers in a row of x and in a
            row of y; how far apart those of a row of y are in the frame; the row of memory that has the results.
        rows: where each row of a plane of x begins in the frame; −1 if it is left out.
        pieces: of each piece of such a row, the row of memory that it goes to, where it begins there and in x, its
            length, and how far apart its numbers are there and in x.
        steps: of each step, the rows of memory that are written, read and read; the shift of the last; how many
            positions at the end of the frame have no result; and what the loops need besides.
        places: of each row of y, where it begins in the frame, and what the loops need besides.
    """

    sizes: Array
    rows: Array
    pieces: Array
    steps: Array
    places: Array


def tables_of(f: Frame, memory: int, steps: list[tuple[int, ...]], result: int) -> Tables:
    """The tables of a frame that lies in row `memory`, its odd half in the next."""
    volume, n2, width = prod(f.size), f.length[2], f.size[2] // (1 + f.halved)
    (begin, end), front, step = f.inside, f.front[2], f.step[2]
    if f.given:
        rows, n2, (begin, end), front, step = np.zeros((1, 1), np.int64), volume, (0, volume), 0, 1
    else:
        to0, to1 = (a + s * np.arange(n) for a, s, n in zip(f.front[:2], f.step, f.length))
        inside = ((to0 >= 0) & (to0 < f.size[0]))[:, None] & ((to1 >= 0) & (to1 < f.size[1]))
        rows = np.where(inside, (to0[:, None] * f.size[1] + to1) * width, -1).reshape(-1, 1)
    pieces = [(memory, front + step * begin, begin, end - begin, step, 1)]
    if f.halved:
        firsts = [begin + (front + begin + half) % 2 for half in range(2)]
        pieces = [(memory + half, (front + i) // 2, i, (end - i + 1) // 2, 1, 2) for half, i in enumerate(firsts)]
    at0, at1 = (s * np.arange(p) for s, p in zip(f.every[:2], f.placements))
    places = ((at0[:, None] * f.size[1] + at1) * width).reshape(-1, 1)
    every = 1 if f.halved else f.every[2]
    sizes = (f.planes, f.size[0] * f.size[1] * width, n2, f.placements[2], every, result)
    as_table = partial(np.array, dtype=np.int64)
    return Tables(as_table([sizes]), rows, as_table(pieces), as_table(steps).reshape(-1, 6), places)


@part
def fill(v: Array, held: int, x: Array, t: Tables, first: int, last: int) -> None:
    """Planes `first` … `last` − 1 into rows of memory, `held` numbers long each."""
    volume, n2, rows, pieces = t.sizes[0, 1], t.sizes[0, 2], t.rows, t.pieces
    for plane in range(first, last):
        for r in range(rows.shape[0]):
            if rows[r, 0] < 0:
                continue
            for i in range(pieces.shape[0]):
                to = pieces[i, 0] * held + (plane - first) * volume + rows[r, 0] + pieces[i, 1]
                of = (plane * rows.shape[0] + r) * n2 + pieces[i, 2]
                if pieces.shape[0] == 2:
                    halve(v, to, x, of, pieces[i, 3])
                else:
                    move(v, to, pieces[i, 4], x, of, 1, pieces[i, 3])


@part
def move(y: Array, to: int, step: int, v: Array, of: int, every: int, n: int) -> None:
    """``y[to + step·j] = v[of + every·j]``, j < n."""
    to, of, step, every = np.uint64(to), np.uint64(of), np.uint64(step), np.uint64(every)
    for j in range(np.uint64(n)):
        y[to + step * j] = v[of + every * j]


@part
def halve(y: Array, to: int, v: Array, of: int, n: int) -> None:
    """``y[to + j] = v[of + 2·j]``, j < n: a loop for vectors."""
    to, of = np.uint64(to), np.uint64(of)
    for j in range(np.uint64(n)):
        y[to + j] = v[of + j + j]
