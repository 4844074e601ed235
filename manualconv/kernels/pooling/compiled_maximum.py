"""The maximum of each window with the tap that it is at, and what selects and scatters by tap: loops for Numba.

*An axis at a time, by doubling.*  Write a ⊕ b for the better of two candidates (value, tap), a before b: b if it is
larger or a NaN, else a.  ⊕ is associative, and a ⊕ a = a, so the best of K neighbours is that of two overlapping runs:

    m_1[j] = (x[j], 0)          m_{w+v}[j] = m_w[j] ⊕ (m_w[j + d·v] + v taps),  v ≤ w

in ⌈log₂ K⌉ steps.  The last axis goes first: the best of a row is its first, and of rows with equal bests the first row
is kept, so that ties go to the first tap in row-major order, and to the last of several NaN, as tap by tap.

Padding is −∞.  A window whose best is −∞ has tap 0, which may lie in the padding, and takes its first tap inside; every
other best lies inside, at that tap or behind it: so the larger of the two is right for all.

Source: van Herk, *A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels* (1992).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod

import numpy as np

from manualconv.geometry import Window
from manualconv.kernels.compiling import compiled, part
from manualconv.kernels.pooling.compiled_frames import Array, Tables, fill, move, tables_of
from manualconv.kernels.pooling.frames import Frame, frame_of_window

#: Rows of memory: two for steps, then the frame or its halves.
ROWS, FRAME = 4, 2


@lru_cache(256)
def plan(window: Window, narrow: str) -> tuple[Frame, Tables, Array]:
    """The frame of a window, its tables, and how many taps each placement along the last axis has in the left padding.

    A step has besides the taps from what is read first to what is read last, a place how many taps in whole rows of
    taps lie in the padding before it.
    """
    f = frame_of_window(window)
    t = tables_of(f, FRAME, *steps_of(f))
    first0, first1, first2 = (
        -(np.minimum(np.arange(p) * s - a, 0) // d) for a, s, d, p in zip(f.front, f.every, f.dilation, f.placements)
    )
    behind = (first0[:, None] * f.taps[1] + first1) * f.taps[2]
    return f, t._replace(places=np.hstack((t.places, behind.reshape(-1, 1)))), first2.astype(narrow)


def steps_of(f: Frame) -> tuple[list[tuple[int, ...]], int]:
    """The steps of doubling, and the row of memory that has the last one's results."""
    steps, row, inner, weight = list[tuple[int, ...]](), FRAME, 1, 1
    for axis in (2, 1, 0):
        k, d, halved, run = f.taps[axis], f.dilation[axis], axis == 2 and f.halved, 1
        while run < k:
            to, more = 1 if row == 0 else 0, 1 if halved else min(run, k - run)
            if halved:
                steps.append((to, row, FRAME + d * run % 2, d * run // 2, d * run // 2, run))
            else:
                steps.append((to, row, row, more * d * inner, (run + more - 1) * d * inner, more * weight))
            row, run = to, run + more
        inner *= f.size[axis] // 2 if halved else f.size[axis]
        weight *= k
    return steps, row


@lru_cache(256)
def reads(window: Window) -> tuple[Array, Array, tuple[int, int, int]]:
    """What each placement reads.

    Returns:
        rows ``(rows of P,)``: what the first placement's first tap of each row reads, in a plane, if it were endless.
        taps ``(ΠK,)``: how far each tap reads from the first.
        sizes: numbers in a plane of x, in a row of y, the stride along a row.
    """
    f = frame_of_window(window)
    _, n1, n2 = f.length
    i0, i1 = (np.arange(p) * s - a for a, s, p in zip(f.front[:2], f.every, f.placements))
    t0, t1, t2 = (np.arange(k) * d for k, d in zip(f.taps, f.dilation))
    rows = (i0[:, None] * n1 + i1) * n2 - f.front[2]
    taps = (t0[:, None, None] * n1 + t1[:, None]) * n2 + t2
    return rows.reshape(-1), taps.reshape(-1), (prod(f.length), f.placements[2], f.every[2])


def maxima(x: Array, window: Window, y: Array, taps: Array) -> Callable[[int, int], object]:
    """What writes the maxima of a range of planes, and their taps: x ``(N·C·ΠI,)`` → ``(N·C·ΠP,)``."""
    f, tables, firsts = plan(window, taps.dtype.name)

    def some(first: int, last: int) -> None:
        held = min(f.planes, last - first) * prod(f.size)
        v, at = np.empty(ROWS * held, x.dtype), np.zeros(3 * held, taps.dtype)
        if not f.given:
            v[FRAME * held :] = -np.inf
        find(x, y, taps, tables, firsts, v, at, first, last)

    return some


def selected(x: Array, taps: Array, window: Window, y: Array) -> Callable[[int, int], object]:
    """What writes the entries of a range of planes."""
    return lambda first, last: select_taps(x, taps, y, *reads(window), first, last)


def scattered(y: Array, taps: Array, window: Window, x: Array) -> Callable[[int, int], object]:
    """What writes the sums of a range of planes."""
    return lambda first, last: scatter_taps(y, taps, x, *reads(window), first, last)


@part
def better(v: Array, at: Array, held: int, step: Array, n: int) -> None:
    """``v[j] = a[j] ⊕ (b[j] + more)``, whose memory is neither's; two loops, and all is read before it is chosen from.

    In place, or as one loop, it is none for vectors.
    """
    further = at.dtype.type(step[5])
    to, a_v, b_v = np.uint64(step[0] * held), np.uint64(step[1] * held), np.uint64(step[2] * held + step[3])
    a_at, b_at = np.uint64(min(step[1], FRAME) * held), np.uint64(min(step[2], FRAME) * held + step[3])
    for j in range(np.uint64(n)):
        a, b = v[a_v + j], v[b_v + j]
        v[to + j] = b if (b > a) | (b != b) else a
    for j in range(np.uint64(n)):
        a, b, i, k = v[a_v + j], v[b_v + j], at[a_at + j], at[b_at + j] + further
        at[to + j] = k if (b > a) | (b != b) else i


@compiled
def find(x: Array, y: Array, taps: Array, t: Tables, firsts: Array, v: Array, at: Array, first: int, last: int) -> None:
    """The maximum of every window of planes `first` … `last` − 1.

    Args:
        x, y, taps: what is read and written.
        t, firsts: as `plan` has them.
        v, at: memory, for four rows and for three; of `at` the third is zero, the taps of what no step has written.
        first, last: the planes.
    """
    planes, volume, held = t.sizes[0, 0], t.sizes[0, 1], v.shape[0] // ROWS
    for start in range(first, last, planes):
        end = min(start + planes, last)
        fill(v, held, x, t, start, end)
        for s in range(t.steps.shape[0]):
            better(v, at, held, t.steps[s], (end - start) * volume - t.steps[s, 4])
        write(y, taps, t, firsts, v, at, start, end)


@part
def write(y: Array, taps: Array, t: Tables, firsts: Array, v: Array, at: Array, first: int, last: int) -> None:
    """What planes `first` … `last` − 1 have at their placements; a tap in the padding as the first inside."""
    volume, p2, every, row = t.sizes[0, 1], t.sizes[0, 3], t.sizes[0, 4], t.sizes[0, 5]
    of_v, of_at = row * (v.shape[0] // ROWS), min(row, FRAME) * (v.shape[0] // ROWS)
    for plane in range(first, last):
        for r in range(t.places.shape[0]):
            to, of = (plane * t.places.shape[0] + r) * p2, (plane - first) * volume + t.places[r, 0]
            move(y, to, 1, v, of_v + of, every, p2)
            move_inside(taps, to, at, of_at + of, every, firsts, t.places[r, 1])


@part
def move_inside(taps: Array, to: int, at: Array, of: int, every: int, firsts: Array, behind: int) -> None:
    """A row of taps, those in the left padding on to the first inside."""
    more, to, of, every = taps.dtype.type(behind), np.uint64(to), np.uint64(of), np.uint64(every)
    for j in range(np.uint64(firsts.shape[0])):
        taps[to + j] = max(at[of + every * j], taps.dtype.type(firsts[j] + more))


@compiled
def select_taps(
    x: Array, taps: Array, y: Array, rows: Array, offsets: Array, sizes: tuple[int, int, int], first: int, last: int
) -> None:
    """``y[p] = x[s·p + d·k(p) − a]``, planes `first` … `last` − 1."""
    volume, p2, every = sizes
    for plane in range(first, last):
        for r in range(rows.shape[0]):
            to, of = (plane * rows.shape[0] + r) * p2, plane * volume + rows[r]
            for j in range(p2):
                y[to + j] = x[of + every * j + offsets[taps[to + j]]]


@compiled
def scatter_taps(
    y: Array, taps: Array, x: Array, rows: Array, offsets: Array, sizes: tuple[int, int, int], first: int, last: int
) -> None:
    """``x[i] = Σ_{p : s·p + d·k(p) − a = i} y[p]``, planes `first` … `last` − 1, in the order of p."""
    volume, p2, every = sizes
    for plane in range(first, last):
        row = x[plane * volume : (plane + 1) * volume]
        for i in range(volume):
            row[i] = 0
        for r in range(rows.shape[0]):
            of, to = (plane * rows.shape[0] + r) * p2, rows[r]
            for j in range(p2):
                row[np.uint64(to + every * j + offsets[taps[of + j]])] += y[of + j]


@compiled
def scatter(y: Array, index: Array, x: Array, inside: Array, first: int, last: int) -> None:
    """``x[b, l] = Σ_{m : i[b, m] = l} y[b, m]``, rows `first` … `last` − 1, in the order of m.

    A row with a position that there is not is left, and not `inside`; all are looked at before any is written to.
    """
    for b in range(first, last):
        row, terms, places = x[b], y[b], index[b]
        outside = False
        for m in range(places.shape[0]):
            outside |= (places[m] < 0) | (places[m] >= row.shape[0])
        if outside:
            inside[b] = False
            continue
        row[:] = 0
        for m in range(places.shape[0]):
            row[places[m]] += terms[m]
