"""The maximum of each window with its position, and sums sent to positions: loops for Numba, which this file imports.

*An axis at a time, by doubling.*  Write a ⊕ b for the better of two candidates (value, position), a before b: b if it
is larger or a NaN, else a.  ⊕ is associative, and a ⊕ a = a, so the best of K neighbours is that of two overlapping
runs:

    m_1[j] = (x[j], j)          m_{w+v}[j] = m_w[j] ⊕ m_w[j + d·v],  v ≤ w

in ⌈log₂ K⌉ steps.  The last axis goes first: the best of a row is its first, and of rows with equal bests the first row
is kept, so that ties go to the first position in row-major order, and to the last of several NaN, as tap by tap.  A
plane is one flat row for every axis; what reaches over the end of a row is no placement, and is left out.  At stride 2
only the first axis has loops of its own: on the others one long row is faster than short ones, though half of its
results are not used.  At wider strides the K neighbours of the placements are compared one after another.

Padding is −∞.  A window whose best is −∞ has nothing else inside and takes its first position.

Source: van Herk, *A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels* (1992).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from manualconv.geometry import Window
from manualconv.kernels.compiling import compiled

Array = np.ndarray[Any, np.dtype[Any]]


@lru_cache(256)
def plan(window: Window) -> tuple[tuple[int, ...], list[Array]]:
    """Numbers of three axes, and per axis the first position inside of each placement, flat."""
    more = 3 - window.ndim
    ones, zeros = (1,) * more, (0,) * more
    size = ones + window.input_size
    numbers = (
        *size,
        *(ones + window.padded_size),
        *(zeros + tuple(a for a, _ in window.padding)),
        *(ones + window.kernel_size),
        *(ones + window.stride),
        *(ones + window.dilation),
        *(ones + window.output_size),
    )
    firsts = []
    for axis in range(3):
        along = int(np.prod(size[axis + 1 :]))
        s, d, a, placements = numbers[12 + axis], numbers[15 + axis], numbers[6 + axis], numbers[18 + axis]
        start = np.arange(placements) * s - a
        firsts.append((np.where(start < 0, start + d * -(start // d), start) * along).astype(np.int64))
    return numbers, firsts


def argmax(x: Array, window: Window, index: Array) -> Callable[[int, int], object]:
    """What writes the index of a range of planes: x ``(N·C, ΠI)`` → ``(N·C, ΠP)``."""
    numbers, (first0, first1, first2) = plan(window)
    return lambda first, last: find(x, index, numbers, first0, first1, first2, first, last)


@compiled
def better(v: Array, at: Array, of: Array, of_at: Array, shift: int, n: int) -> None:
    """``v[j] = of[j] ⊕ of[j + shift]``; two loops, and all is read before it is chosen from, for vectors."""
    before, after = of[:n], of[shift : shift + n]
    before_at, after_at = of_at[:n], of_at[shift : shift + n]
    for j in range(n):
        a, b = before[j], after[j]
        v[j] = b if (b > a) | (b != b) else a
    for j in range(n):
        a, b, a_at, b_at = before[j], after[j], before_at[j], after_at[j]
        at[j] = b_at if (b > a) | (b != b) else a_at


@compiled
def merge(v: Array, at: Array, a_v: Array, a_at: Array, b_v: Array, b_at: Array) -> None:
    """``v[j] = a[j] ⊕ b[j]``, whose memory is neither's: in place it is no loop for vectors."""
    for j in range(v.shape[0]):
        a, b = a_v[j], b_v[j]
        v[j] = b if (b > a) | (b != b) else a
    for j in range(v.shape[0]):
        a, b, i, k = a_v[j], b_v[j], a_at[j], b_at[j]
        at[j] = k if (b > a) | (b != b) else i


@compiled
def best_of_three(v: Array, at: Array, of: Array, of_at: Array) -> None:
    """``v[p] = of[2·p] ⊕ of[2·p + 1] ⊕ of[2·p + 2]``, whose positions go up by one."""
    for p in range(v.shape[0]):
        a, b, c = of[np.uint64(2 * p)], of[np.uint64(2 * p + 1)], of[np.uint64(2 * p + 2)]
        second = (b > a) | (b != b)
        m = b if second else a
        third = (c > m) | (c != c)
        v[p] = c if third else m
        at[p] = of_at[np.uint64(2 * p)] + max(2 * third, 1 * second)


@compiled
def improve_by(v: Array, at: Array, of: Array, of_at: Array, more: int) -> None:
    """``v[j] = v[j] ⊕ of[j]``, whose position is ``of_at[j] + more``."""
    further = at.dtype.type(more)
    n = v.shape[0]
    for j in range(n):
        a, b, a_at, b_at = v[j], of[j], at[j], of_at[j] + further
        at[j] = b_at if (b > a) | (b != b) else a_at
    for j in range(n):
        a, b = v[j], of[j]
        v[j] = b if (b > a) | (b != b) else a


@compiled
def every(v: Array, of: Array, begin: int, rows: int, width: int, kept: int, s: int) -> None:
    """``v[r, p] = of[r, begin + s·p]``; of the stride that most have the compiler is to know."""
    for r in range(rows):
        row, base = v[r * kept : (r + 1) * kept], of[r * width + begin : (r + 1) * width]
        if s == 2:
            for p in range(kept):
                row[p] = base[2 * p]
        else:
            for p in range(kept):
                row[p] = base[s * p]


@compiled
def copy_kept(v: Array, at: Array, of: Array, of_at: Array, axis: tuple[int, int, int, int], s: int) -> None:
    """The entries of the placements among those of all positions."""
    runs, width, inner, kept = axis
    size = inner if s > 1 else kept * inner
    for r in range(runs):
        for p in range(kept if s > 1 else 1):
            to, begin = r * kept * inner + p * inner, (r * width + s * p) * inner
            v[to : to + size] = of[begin : begin + size]
            at[to : to + size] = of_at[begin : begin + size]


@compiled
def row_of(frame: Array, rows: Array, row: int) -> Array:
    """A row, or before all of them the frame."""
    return frame if row < 0 else rows[row]


@compiled
def along(
    frame: Array,
    places: Array,
    v: Array,
    at: Array,
    row: int,
    axis: tuple[int, int, int, int],
    tap: tuple[int, int, int],
) -> int:
    """One axis: from a row to the row returned; `axis` is how many runs of I' entries of how many, and P."""
    runs, width, inner, kept = axis
    k, s, d = tap
    if s > 2 or (s == 2 and row < 0):
        of, of_at, to = row_of(frame, v, row), row_of(places, at, row), 1 - max(row, 0)
        if inner == 1 and row < 0 and (k, s, d) == (3, 2, 1) and width == 2 * kept:  # the plane is one row here, too
            n = runs * kept - 1
            best_of_three(v[to, :n], at[to, :n], of, of_at)
            return to
        if inner == 1 and row < 0:  # out of the frame, where positions go up by one
            n = runs * kept
            every(v[to], of, 0, runs, width, kept, s)
            every(at[to], of_at, 0, runs, width, kept, s)
            origin = at[to, :n].copy()
            read = np.empty(n, v.dtype)
            for t in range(1, k):
                every(read, of, d * t, runs, width, kept, s)
                improve_by(v[to, :n], at[to, :n], read, origin, d * t)
            return to
        spare, spare_at = np.empty((2, inner), v.dtype), np.empty((2, inner), at.dtype)
        for r in range(runs):
            for p in range(kept):
                part, begin = slice((r * kept + p) * inner, (r * kept + p + 1) * inner), (r * width + s * p) * inner
                one = slice(begin, begin + inner)
                if k == 1:
                    v[to, part], at[to, part] = of[one], of_at[one]
                a_v, a_at = of[one], of_at[one]
                for t in range(1, k):
                    some = slice(begin + d * t * inner, begin + (d * t + 1) * inner)
                    out, out_at = (v[to, part], at[to, part]) if t == k - 1 else (spare[t % 2], spare_at[t % 2])
                    merge(out[:inner], out_at[:inner], a_v, a_at, of[some], of_at[some])
                    a_v, a_at = out[:inner], out_at[:inner]
        return to
    n, run = runs * width * inner, 1
    while run < k:
        more, to = min(run, k - run), 1 - max(row, 0)
        n -= more * d * inner
        better(v[to], at[to], row_of(frame, v, row), row_of(places, at, row), more * d * inner, n)
        row, run = to, run + more
    if kept < width:
        to = 1 - max(row, 0)
        copy_kept(v[to], at[to], row_of(frame, v, row), row_of(places, at, row), axis, s)
        row = to
    return row


@compiled
def find(
    x: Array,
    index: Array,
    numbers: tuple[int, ...],
    first0: Array,
    first1: Array,
    first2: Array,
    first: int,
    last: int,
) -> None:
    """The position of the maximum of every window of planes `first` … `last` − 1."""
    i0, i1, i2, f0, f1, f2, a0, a1, a2, k0, k1, k2, s0, s1, s2, d0, d1, d2, p0, p1, p2 = numbers
    columns = p2
    if (k2, s2, d2) == (3, 2, 1):  # rows as long as twice the columns: what lies past P is left out at the end
        columns = f2 // 2 + 1 if f2 % 2 else f2 // 2
        f2 = 2 * columns
    frame = np.full(f0 * f1 * f2, -np.inf).astype(x.dtype)
    places = np.empty(f0 * f1 * f2, np.int32)
    for j in range(f0 * f1 * f2):
        places[j] = ((j // (f1 * f2) - a0) * i1 + j // f2 % f1 - a1) * i2 + j % f2 - a2
    v = np.empty((2, f0 * f1 * f2), x.dtype)
    at = np.empty((2, f0 * f1 * f2), np.int32)
    for plane in range(first, last):
        for j0 in range(i0):
            for j1 in range(i1):
                of, to = (j0 * i1 + j1) * i2, ((j0 + a0) * f1 + j1 + a1) * f2 + a2
                frame[to : to + i2] = x[plane, of : of + i2]
        row = along(frame, places, v, at, -1, (f0 * f1, f2, 1, columns), (k2, s2, d2))
        row = along(frame, places, v, at, row, (f0, f1, columns, p1), (k1, s1, d1))
        row = along(frame, places, v, at, row, (1, f0, p1 * columns, p0), (k0, s0, d0))
        write(index[plane], row_of(frame, v, row), row_of(places, at, row), columns, first0, first1, first2)


@compiled
def write(index: Array, v: Array, at: Array, columns: int, first0: Array, first1: Array, first2: Array) -> None:
    """The positions of a plane, the first inside where there is nothing but −∞."""
    n, row = first2.shape[0], 0
    for p0 in range(first0.shape[0]):
        for p1 in range(first1.shape[0]):
            to, best, places = index[row * n : (row + 1) * n], v[row * columns :], at[row * columns :]
            origin = first0[p0] + first1[p1]
            for p in range(n):
                found, first = places[p], origin + first2[p]
                to[p] = found if best[p] != -np.inf else first
            row += 1


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
