"""The loops of `loops`, for Numba: importing this file imports it.

What the arguments mean, and where they come from, is in `compiled_correlation`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from manualconv.kernels.compiling import compiled

Array = np.ndarray[Any, np.dtype[Any]]
#: Numbers of a row that are worked on at a time, with all taps: they stay in the first cache.
BLOCK = 2048


@compiled
def add_tap(out: Array, f: Array, o0: int, w0: Any) -> None:
    """One tap on a row."""
    n = out.shape[0]
    f0 = f[o0 : o0 + n]
    for j in range(n):
        out[j] += w0 * f0[j]


@compiled
def add_3_taps(out: Array, f: Array, o: Array, w: Array, j0: int) -> None:
    """Three taps on a row."""
    n = out.shape[0]
    w0, w1, w2 = w[0], w[1], w[2]
    f0, f1, f2 = f[o[0] + j0 : o[0] + j0 + n], f[o[1] + j0 : o[1] + j0 + n], f[o[2] + j0 : o[2] + j0 + n]
    for j in range(n):
        out[j] += w0 * f0[j] + w1 * f1[j] + w2 * f2[j]


@compiled
def add_6_taps(out: Array, f: Array, o: Array, w: Array, j0: int) -> None:
    """Six taps on a row."""
    n = out.shape[0]
    w0, w1, w2, w3, w4, w5 = w[0], w[1], w[2], w[3], w[4], w[5]
    f0, f1, f2 = f[o[0] + j0 : o[0] + j0 + n], f[o[1] + j0 : o[1] + j0 + n], f[o[2] + j0 : o[2] + j0 + n]
    f3, f4, f5 = f[o[3] + j0 : o[3] + j0 + n], f[o[4] + j0 : o[4] + j0 + n], f[o[5] + j0 : o[5] + j0 + n]
    for j in range(n):
        out[j] += w0 * f0[j] + w1 * f1[j] + w2 * f2[j] + w3 * f3[j] + w4 * f4[j] + w5 * f5[j]


@compiled
def add_taps(out: Array, f: Array, offsets: Array, w: Array) -> None:
    """``out[j] += Σ_t w[t] · f[offsets[t] + j]``, a block of j at a time."""
    taps = offsets.shape[0]
    for j0 in range(0, out.shape[0], BLOCK):
        block = out[j0 : j0 + BLOCK]
        t = 0
        while t + 6 <= taps:
            add_6_taps(block, f, offsets[t : t + 6], w[t : t + 6], j0)
            t += 6
        if t + 3 <= taps:
            add_3_taps(block, f, offsets[t : t + 3], w[t : t + 3], j0)
            t += 3
        while t < taps:
            add_tap(block, f, offsets[t] + j0, w[t])
            t += 1


@compiled
def dot(y: Array, f: Array, o0: int) -> Any:
    """``Σ_j y[j] · f[o0 + j]``."""
    n = y.shape[0]
    f0 = f[o0 : o0 + n]
    total = y.dtype.type(0)
    for j in range(n):
        total += y[j] * f0[j]
    return total


@compiled
def add_4_dots(w: Array, y: Array, f: Array, o: Array, j0: int) -> None:
    """Four taps' sums, each number of y read once."""
    n = y.shape[0]
    f0, f1 = f[o[0] + j0 : o[0] + j0 + n], f[o[1] + j0 : o[1] + j0 + n]
    f2, f3 = f[o[2] + j0 : o[2] + j0 + n], f[o[3] + j0 : o[3] + j0 + n]
    w0 = y.dtype.type(0)
    w1, w2, w3 = w0, w0, w0
    for j in range(n):
        w0 += y[j] * f0[j]
        w1 += y[j] * f1[j]
        w2 += y[j] * f2[j]
        w3 += y[j] * f3[j]
    w[0] += w0
    w[1] += w1
    w[2] += w2
    w[3] += w3


@compiled
def add_dots(w: Array, y: Array, f: Array, offsets: Array) -> None:
    """``w[t] += Σ_j y[j] · f[offsets[t] + j]``, a block of j at a time."""
    taps = offsets.shape[0]
    for j0 in range(0, y.shape[0], BLOCK):
        block = y[j0 : j0 + BLOCK]
        t = 0
        while t + 4 <= taps:
            add_4_dots(w[t : t + 4], block, f, offsets[t : t + 4], j0)
            t += 4
        while t < taps:
            w[t] += dot(block, f, offsets[t] + j0)
            t += 1


@compiled
def fill(frame: Array, x: Array, sizes: tuple[int, ...], at0: Array, at1: Array, at2: Array, step: int) -> None:
    """The input into its places."""
    width = sizes[2]
    for i0 in range(sizes[0]):
        for i1 in range(sizes[1]):
            if at0[i0] < 0 or at1[i1] < 0:
                continue
            base, row = at0[i0] + at1[i1], x[(i0 * sizes[1] + i1) * width : (i0 * sizes[1] + i1 + 1) * width]
            first = 0
            while first < width and at2[first] < 0:
                first += 1
            if step == 1 and first < width:
                last = width
                while at2[last - 1] < 0:
                    last -= 1
                frame[base + at2[first] : base + at2[first] + last - first] = row[first:last]
            elif step > 1:
                for i in range(first, width):
                    if at2[i] >= 0:
                        frame[base + at2[i]] = row[i]


@compiled
def collect(x: Array, frame: Array, sizes: tuple[int, ...], at0: Array, at1: Array, at2: Array) -> None:
    """The input out of its places, zeros where there is none."""
    width = sizes[2]
    for i0 in range(sizes[0]):
        for i1 in range(sizes[1]):
            row = x[(i0 * sizes[1] + i1) * width : (i0 * sizes[1] + i1 + 1) * width]
            base = at0[i0] + at1[i1]
            seen = at0[i0] >= 0 and at1[i1] >= 0
            for i in range(width):
                row[i] = frame[base + at2[i]] if seen and at2[i] >= 0 else 0


@compiled
def spread(row: Array, y: Array, sizes: tuple[int, ...]) -> None:
    """y' out of y: output rows on rows of the frame."""
    _, _, _, p0, p1, p2, _, q1, q2 = sizes
    for i0 in range(p0):
        for i1 in range(p1):
            at, of = (i0 * q1 + i1) * q2, (i0 * p1 + i1) * p2
            row[at : at + p2] = y[of : of + p2]


@compiled
def gather(y: Array, row: Array, sizes: tuple[int, ...]) -> None:
    """y out of y'."""
    _, _, _, p0, p1, p2, _, q1, q2 = sizes
    for i0 in range(p0):
        for i1 in range(p1):
            at, of = (i0 * q1 + i1) * q2, (i0 * p1 + i1) * p2
            y[of : of + p2] = row[at : at + p2]


@compiled
def to_output(
    x: Array,
    w: Array,
    b: Array,
    y: Array,
    sizes: tuple[int, ...],
    at0: Array,
    at1: Array,
    at2: Array,
    step: int,
    taps: Array,
    volume: int,
    n: int,
    first: int,
    last: int,
) -> None:
    """x ``(N·g, c, ΠI)``, w ``(g, o, c·ΠK)``, b ``(g, o)`` → y ``(N·g, o, ΠP)``."""
    frames = np.zeros(x.shape[1] * volume, x.dtype)
    row = np.empty(n, x.dtype)
    for unit in range(first, last):
        group = unit % w.shape[0]
        for c in range(x.shape[1]):
            fill(frames[c * volume : (c + 1) * volume], x[unit, c], sizes, at0, at1, at2, step)
        for o in range(w.shape[1]):
            row[:] = b[group, o]
            add_taps(row, frames, taps, w[group, o])
            gather(y[unit, o], row, sizes)


@compiled
def to_input(
    w: Array,
    y: Array,
    x: Array,
    sizes: tuple[int, ...],
    at0: Array,
    at1: Array,
    at2: Array,
    step: int,
    shifts: Array,
    starts: Array,
    phase: int,
    finite: bool,
    first: int,
    last: int,
) -> None:
    """w ``(g, c, ΠK in order of phases, o)``, y ``(N·g, o, ΠP)`` → x ``(N·g, c, ΠI)``."""
    outputs = y.shape[1]
    front = shifts.max()
    rows = np.zeros(outputs * (front + phase), y.dtype)
    offsets = np.empty(shifts.shape[0] * outputs, np.int64)
    for t in range(shifts.shape[0]):
        for o in range(outputs):
            offsets[t * outputs + o] = o * (front + phase) + front - shifts[t]
    frame = np.empty((starts.shape[0] - 1) * phase, y.dtype)
    for unit in range(first, last):
        for o in range(outputs):
            spread(rows[o * (front + phase) + front : (o + 1) * (front + phase)], y[unit, o], sizes)
        for c in range(w.shape[1]):
            frame[:] = 0
            weights = w[unit % w.shape[0], c].reshape(-1)
            for r in range(starts.shape[0] - 1):
                some = slice(starts[r] * outputs, starts[r + 1] * outputs)
                if finite:
                    add_taps(frame[r * phase : (r + 1) * phase], rows, offsets[some], weights[some])
                else:
                    for t in range(starts[r], starts[r + 1]):
                        for o in range(outputs):
                            place(frame[r * phase + shifts[t] :], y[unit, o], weights[t * outputs + o], sizes)
            collect(x[unit, c], frame, sizes, at0, at1, at2)


@compiled
def place(frame: Array, y: Array, w: Any, sizes: tuple[int, ...]) -> None:
    """One tap of `to_input` where its placements are, and nowhere else."""
    _, _, _, p0, p1, p2, _, q1, q2 = sizes
    for i0 in range(p0):
        for i1 in range(p1):
            at, of = (i0 * q1 + i1) * q2, (i0 * p1 + i1) * p2
            for i in range(p2):
                frame[at + i] += w * y[of + i]


@compiled
def dot_placements(frame: Array, y: Array, sizes: tuple[int, ...]) -> Any:
    """One tap of `to_weight` over its placements, and nothing else."""
    _, _, _, p0, p1, p2, _, q1, q2 = sizes
    total = y.dtype.type(0)
    for i0 in range(p0):
        for i1 in range(p1):
            at, of = (i0 * q1 + i1) * q2, (i0 * p1 + i1) * p2
            for i in range(p2):
                total += frame[at + i] * y[of + i]
    return total


@compiled
def to_weight(
    x: Array,
    y: Array,
    w: Array,
    sizes: tuple[int, ...],
    at0: Array,
    at1: Array,
    at2: Array,
    step: int,
    taps: Array,
    volume: int,
    n: int,
    first: int,
    last: int,
) -> None:
    """x ``(N·g, c, ΠI)``, y ``(N·g, o, ΠP)`` → w of each image ``(N·g, o, c·ΠK)``."""
    frames = np.zeros(x.shape[1] * volume, x.dtype)
    row = np.zeros(n, x.dtype)
    for unit in range(first, last):
        for c in range(x.shape[1]):
            fill(frames[c * volume : (c + 1) * volume], x[unit, c], sizes, at0, at1, at2, step)
        for o in range(y.shape[1]):
            spread(row, y[unit, o], sizes)
            sums = w[unit, o]
            sums[:] = 0
            add_dots(sums, row, frames, taps)
            for t in range(taps.shape[0]):
                if not np.isfinite(sums[t]):
                    sums[t] = dot_placements(frames[taps[t] :], y[unit, o], sizes)
