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

import numpy as np

from manualconv.geometry import Window
from manualconv.kernels.compiling import compiled
from manualconv.kernels.pooling.compiled_frames import Array, copy, fill, halve, row_of
from manualconv.kernels.pooling.doubling import runs_of
from manualconv.kernels.pooling.frames import Frame, frame_of


@lru_cache(256)
def plan(window: Window, narrow: str) -> tuple[Frame, tuple[Array, Array, Array]]:
    """The frame of a window, and per axis how many taps each placement has in the left padding."""
    frame = frame_of(tuple(runs_of(window, axis) for axis in range(window.ndim)))
    firsts = []
    for a, s, d, placements in zip(frame.front, frame.every, frame.dilation, frame.placements):
        firsts.append((-(np.minimum(np.arange(placements) * s - a, 0) // d)).astype(narrow))
    first0, first1, first2 = firsts
    return frame, (first0, first1, first2)


def maxima(x: Array, window: Window, y: Array, taps: Array) -> Callable[[int, int], object]:
    """What writes the maxima of a range of planes, and their taps: x ``(N·C·ΠI,)`` → ``(N·C·ΠP,)``."""
    f, firsts = plan(window, taps.dtype.name)

    def some(first: int, last: int) -> None:
        held = min(f.planes, last - first) * f.size[0] * f.size[1] * f.size[2]
        v, at = np.empty((4, held), x.dtype), np.zeros((3, held), taps.dtype)
        if not f.given:
            v[2:] = -np.inf
        find(x, y, taps, f, *firsts, v, at, first, last)

    return some


def selected(x: Array, taps: Array, window: Window, y: Array) -> Callable[[int, int], object]:
    """What writes the entries of a range of planes."""
    f, _ = plan(window, taps.dtype.name)
    return lambda first, last: select_taps(x, taps, y, f, first, last)


def scattered(y: Array, taps: Array, window: Window, x: Array) -> Callable[[int, int], object]:
    """What writes the sums of a range of planes."""
    f, _ = plan(window, taps.dtype.name)
    return lambda first, last: scatter_taps(y, taps, x, f, first, last)


@compiled
def better(v: Array, at: Array, a_v: Array, a_at: Array, b_v: Array, b_at: Array, more: int) -> None:
    """``v[j] = a[j] ⊕ (b[j] + more)``, whose memory is neither's; two loops, and all is read before it is chosen from.

    In place, or as one loop, it is none for vectors.
    """
    further = at.dtype.type(more)
    n = v.shape[0]
    for j in range(n):
        a, b = a_v[j], b_v[j]
        v[j] = b if (b > a) | (b != b) else a
    for j in range(n):
        a, b, i, k = a_v[j], b_v[j], a_at[j], b_at[j] + further
        at[j] = k if (b > a) | (b != b) else i


@compiled
def find(
    x: Array,
    y: Array,
    taps: Array,
    f: Frame,
    first0: Array,
    first1: Array,
    first2: Array,
    v: Array,
    at: Array,
    first: int,
    last: int,
) -> None:
    """The maximum of every window of planes `first` … `last` − 1.

    Args:
        x, y, taps: what is read and written.
        f, first0, first1, first2: as `plan` has them.
        v, at: memory, for two rows each; beyond these v has the frame, or its halves, and `at` is zero.
        first, last: the planes.
    """
    volume = f.size[0] * f.size[1] * f.size[2]
    none = at[2]
    for plane in range(first, last, f.planes):
        end = plane + f.planes if plane + f.planes < last else last
        if not f.given:
            fill(v[2], v[3], x, f, plane, end)
        of = x[plane * volume : end * volume] if f.given else v[2]
        n, row, inner, weight = (end - plane) * volume, -1, 1, 1
        for axis in (2, 1, 0):
            k, d, halved, run = f.taps[axis], f.dilation[axis], axis == 2 and f.halved, 1
            if halved:
                n //= 2
                if f.given:
                    halve(v[2][:n], v[3][:n], of)
                row = 2
            while run < k:
                to = 1 if row == 0 else 0
                if halved:
                    b_v, b_at, more, reach, shift = v[2 + d * run % 2], none, 1, d * run // 2, d * run // 2
                else:
                    more = run if 2 * run < k else k - run
                    b_v, b_at, reach, shift = (
                        row_of(of, v, row),
                        row_of(none, at, row),
                        (run + more - 1) * d * inner,
                        more * d * inner,
                    )
                width = n - reach
                better(
                    v[to][:width],
                    at[to][:width],
                    row_of(of, v, row),
                    row_of(none, at, row),
                    b_v[shift:],
                    b_at[shift:],
                    run if halved else more * weight,
                )
                row, run = to, run + more
            inner *= f.size[axis] // 2 if halved else f.size[axis]
            weight *= k
        write(y, taps, row_of(of, v, row), row_of(none, at, row), f, first0, first1, first2, plane, end)


@compiled
def write(
    y: Array,
    taps: Array,
    v: Array,
    at: Array,
    f: Frame,
    first0: Array,
    first1: Array,
    first2: Array,
    first: int,
    last: int,
) -> None:
    """What planes `first` … `last` − 1 have at their placements; a tap in the padding as the first inside."""
    p0, p1, p2 = f.placements
    f0, f1, f2 = f.size
    width, every = (f2 // 2, 1) if f.halved else (f2, f.every[2])
    for plane in range(last - first):
        for j0 in range(p0):
            for j1 in range(p1):
                to = (((first + plane) * p0 + j0) * p1 + j1) * p2
                of = ((plane * f0 + f.every[0] * j0) * f1 + f.every[1] * j1) * width
                copy(y, to, v, of, p2, every)
                copy(taps, to, at, of, p2, every)
                if not f.given:
                    behind = (first0[j0] * f.taps[1] + first1[j1]) * f.taps[2]
                    move_inside(taps[to : to + p2], first2, behind)


@compiled
def move_inside(taps: Array, firsts: Array, behind: int) -> None:
    """Taps in the left padding on to the first inside."""
    more = taps.dtype.type(behind)
    for j in range(taps.shape[0]):
        first = taps.dtype.type(firsts[j] + more)
        taps[j] = max(taps[j], first)


@compiled
def offsets_of(f: Frame) -> Array:
    """How far each tap is from the first, in a plane."""
    k0, k1, k2 = f.taps
    offsets = np.empty(k0 * k1 * k2, np.int64)
    for t in range(k0 * k1 * k2):
        t0, t1, t2 = t // (k1 * k2), t // k2 % k1, t % k2
        offsets[t] = (t0 * f.dilation[0] * f.length[1] + t1 * f.dilation[1]) * f.length[2] + t2 * f.dilation[2]
    return offsets


@compiled
def select_taps(x: Array, taps: Array, y: Array, f: Frame, first: int, last: int) -> None:
    """``y[p] = x[s·p + d·k(p) − a]``, planes `first` … `last` − 1."""
    (n0, n1, n2), (p0, p1, p2), offsets = f.length, f.placements, offsets_of(f)
    for plane in range(first, last):
        for j0 in range(p0):
            for j1 in range(p1):
                to = ((plane * p0 + j0) * p1 + j1) * p2
                i0, i1 = f.every[0] * j0 - f.front[0], f.every[1] * j1 - f.front[1]
                of = ((plane * n0 + i0) * n1 + i1) * n2 - f.front[2]
                for j in range(p2):
                    y[to + j] = x[of + f.every[2] * j + offsets[taps[to + j]]]


@compiled
def scatter_taps(y: Array, taps: Array, x: Array, f: Frame, first: int, last: int) -> None:
    """``x[i] = Σ_{p : s·p + d·k(p) − a = i} y[p]``, planes `first` … `last` − 1, in the order of p."""
    (n0, n1, n2), (p0, p1, p2), offsets = f.length, f.placements, offsets_of(f)
    for plane in range(first, last):
        row = x[plane * n0 * n1 * n2 : (plane + 1) * n0 * n1 * n2]
        for i in range(row.shape[0]):
            row[i] = 0
        for j0 in range(p0):
            for j1 in range(p1):
                of = ((plane * p0 + j0) * p1 + j1) * p2
                i0, i1 = f.every[0] * j0 - f.front[0], f.every[1] * j1 - f.front[1]
                to = (i0 * n1 + i1) * n2 - f.front[2]
                for j in range(p2):
                    row[np.uint64(to + f.every[2] * j + offsets[taps[of + j]])] += y[of + j]


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
