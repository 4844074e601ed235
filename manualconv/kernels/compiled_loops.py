"""The loops of `loops`, for Numba: importing this file imports it.

Arrays are flat but for a leading axis of units, one for each image and group, and an axis of channels of a group.
Offsets into a frame are those of `Plan`; −1 marks a position that no tap reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from manualconv.geometry import Window
from manualconv.kernels.compiling import compiled

Array = np.ndarray[Any, np.dtype[Any]]
Run = Callable[[int, int], object]
#: Numbers of a row that are worked on at a time, with all taps: they stay in the first cache.
BLOCK = 2048


@dataclass(frozen=True)
class Plan:
    """Where things stand in a frame.

    Attributes:
        sizes: I and P and the frame's Q, three axes each, the missing ones 1.
        at0, at1, at2: per input position of an axis, its part of the flat position in the frame.
        step: the stride along the last axis, where ``at2`` goes up by 1.
        taps: ω(k), row-major.
        shifts: flat q(k), in the order of phases.
        order: which tap that is.
        starts: where each phase begins in this order, and the end.
        volume, phase: numbers in a frame and in one phase of it.
        row: numbers from the first placement to the last, on rows of the frame.
    """

    sizes: tuple[int, ...]
    at0: Array
    at1: Array
    at2: Array
    step: int
    taps: Array
    shifts: Array
    order: Array
    starts: Array
    volume: int
    phase: int
    row: int


@lru_cache(256)
def plan(
    input_size: tuple[int, ...],
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    lows: tuple[int, ...],
    padded_size: tuple[int, ...],
    output_size: tuple[int, ...],
) -> Plan:
    """The plan of a window on three axes."""
    phases = [sorted({d * j % s for j in range(k)}) for k, s, d in zip(kernel_size, stride, dilation)]
    q = [-(-i // s) for i, s in zip(padded_size, stride)]
    phase = prod(q)
    along = (q[1] * q[2], q[2], 1)
    blocks = (len(phases[1]) * len(phases[2]) * phase, len(phases[2]) * phase, phase)

    def at(axis: int) -> Array:
        numbers = {r: number for number, r in enumerate(phases[axis])}
        found = np.full(input_size[axis], -1, np.int64)
        for i in range(input_size[axis]):
            position, s = i + lows[axis], stride[axis]
            if 0 <= position < padded_size[axis] and position % s in numbers:
                found[i] = numbers[position % s] * blocks[axis] + position // s * along[axis]
        return found

    begins, shifts = [], []
    for k in product(*map(range, kernel_size)):
        reached = [
            (d * j // s, phases[axis].index(d * j % s)) for axis, (j, s, d) in enumerate(zip(k, stride, dilation))
        ]
        begins.append(sum(r * block for (_, r), block in zip(reached, blocks)))
        shifts.append(sum(place * step for (place, _), step in zip(reached, along)))
    order = np.argsort(begins, kind="stable").astype(np.int64)
    count = prod(map(len, phases))
    starts = np.searchsorted(np.sort(begins), np.arange(count + 1) * phase).astype(np.int64)
    return Plan(
        (*input_size, *output_size, *q),
        at(0),
        at(1),
        at(2),
        stride[2],
        np.array(begins, np.int64) + np.array(shifts, np.int64),
        np.array(shifts, np.int64)[order],
        order,
        starts,
        count * phase,
        phase,
        sum((p - 1) * step for p, step in zip(output_size, along)) + 1,
    )


def plan_of(window: Window) -> Plan:
    """The plan of a window, axes of length 1 in front of its own."""
    more = 3 - window.ndim
    ones, zeros = (1,) * more, (0,) * more
    return plan(
        ones + window.input_size,
        ones + window.kernel_size,
        ones + window.stride,
        ones + window.dilation,
        zeros + tuple(a for a, _ in window.padding),
        ones + window.padded_size,
        ones + window.output_size,
    )


class Correlation:
    """The three maps of a window for groups of `channels` and `outputs`: each gives what runs a range of units."""

    def __init__(self, window: Window, channels: int, outputs: int) -> None:
        self._groups, self._channels, self._outputs = window.groups, channels, outputs
        self._plan = plan_of(window)

    def _units(self, t: Array, channels: int) -> Array:
        """``(N, (g c), *S)`` → ``(N·g, c, ΠS)``."""
        return t.reshape(t.shape[0] * self._groups, channels, prod(t.shape[2:]))

    def to_output(self, x: Array, w: Array, b: Array, y: Array) -> Run:
        """Writes y."""
        p = self._plan
        x, y = self._units(x, self._channels), self._units(y, self._outputs)
        w, b = w.reshape(self._groups, self._outputs, prod(w.shape[1:])), b.reshape(self._groups, self._outputs)
        ats = (p.at0, p.at1, p.at2, p.step)
        taps = np.concatenate([p.taps + c * p.volume for c in range(self._channels)])
        return lambda first, last: to_output(x, w, b, y, p.sizes, *ats, taps, p.volume, p.row, first, last)

    def to_input(self, w: Array, y: Array, x: Array) -> Run:
        """Writes x."""
        p = self._plan
        x, y = self._units(x, self._channels), self._units(y, self._outputs)
        finite = bool(np.isfinite(w).all())
        w = w.reshape(self._groups, self._outputs, self._channels, prod(w.shape[2:]))
        # Per group and channel of x, the taps of all outputs, phase by phase.
        w = np.ascontiguousarray(w[..., p.order].transpose(0, 2, 3, 1))
        ats, phases = (p.at0, p.at1, p.at2, p.step), (p.shifts, p.starts, p.phase)
        return lambda first, last: to_input(w, y, x, p.sizes, *ats, *phases, finite, first, last)

    def to_weight(self, x: Array, y: Array, w: Array) -> Run:
        """Writes w of each image."""
        p = self._plan
        x, y, w = self._units(x, self._channels), self._units(y, self._outputs), self._units(w, self._outputs)
        ats = (p.at0, p.at1, p.at2, p.step)
        taps = np.concatenate([p.taps + c * p.volume for c in range(self._channels)])
        return lambda first, last: to_weight(x, y, w, p.sizes, *ats, taps, p.volume, p.row, first, last)


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
