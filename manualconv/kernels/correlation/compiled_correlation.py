"""Where the numbers of a correlation stand for the loops of `loops`, and the loops of its three maps on them.

Arrays are flat but for a leading axis of units, one for each image and group, and an axis of channels of a group.
Offsets into a frame are those of `Plan`; −1 marks a position that no tap reads.  Importing this file imports Numba.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from manualconv.geometry import Window
from manualconv.kernels.correlation.compiled_loops import Array, to_input, to_output, to_weight

Run = Callable[[int, int], object]


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
