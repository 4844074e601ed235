"""Tables of what the loops of `loops` copy and compute, and weights in the order in which they are read.

Every window has three axes here, the missing ones of length 1.  The tables are made once a layer, so that the loops
know nothing of strides, phases and borders.  Importing this file imports Numba.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise, product
from math import prod
from typing import NamedTuple

import numpy as np

from manualconv.geometry import Window
from manualconv.kernels.correlation.compiled_sums import SUMS, VECTOR, Array
from manualconv.kernels.correlation.loops import Bands

Three = tuple[int, int, int]


class Plan(NamedTuple):
    """One map of a window, for the loops: tables of what is copied and computed, band by band.

    Attributes:
        size, volume, result: numbers in one channel of what is read, of its frame, and of what is written.
        fills, fill_ends: rows of a frame: position of the first, that of what is read, their length, how many they are;
            where each band's end.
        row_in, step_in: from one such row to the next in what is read, and from one number to the next.
        runs, run_ends: position in what is written and rows of placements; position in a frame, columns, position of
            the first tap in `at`, number of taps; the same four of the part whose numbers alternate with these, or 0;
            where each band's end.
        row, row_out, step_out: from one row of placements to the next in a frame, in what is written, and from one
            number to the next there.
        longest, most: numbers of the longest run, and runs of the band that has most.
        in_place: whether what is read is its own frame.
        at, terms: where a frame holds what each tap of each channel reads at the first placement; how many there are.
            Behind them four more, for the last block.
        blocks: outputs of each block, and the first of them.
        sums: numbers of all blocks of outputs and taps.
    """

    size: int
    volume: int
    result: int
    fills: Array
    fill_ends: Array
    row_in: int
    step_in: int
    runs: Array
    run_ends: Array
    row: int
    row_out: int
    step_out: int
    longest: int
    most: int
    in_place: bool
    at: Array
    terms: int
    blocks: Array
    sums: int


class _Axes(NamedTuple):
    """A window's numbers on three axes."""

    size: Three
    kernel: Three
    stride: Three
    dilation: Three
    low: Three
    result: Three

    @classmethod
    def of(cls, window: Window) -> _Axes:
        """Axes of length 1 in front of the window's own."""
        ones, zeros = (1,) * (3 - window.ndim), (0,) * (3 - window.ndim)
        lows = zeros + tuple(a for a, _ in window.padding)
        sizes = (window.input_size, window.kernel_size, window.stride, window.dilation)
        i, k, s, d = (ones + each for each in sizes)
        return cls(i, k, s, d, lows, ones + window.output_size)  # type: ignore[arg-type]

    @property
    def reach(self) -> Three:
        """How many places the last tap of each axis reads beyond its placement: ⌊d·(K − 1)/s⌋."""
        return tuple(d * (k - 1) // s for k, s, d in zip(self.kernel, self.stride, self.dilation))  # type: ignore[return-value]


def _blocks(outputs: int) -> list[tuple[int, int]]:
    """Outputs by four while there are, then two, then one: each with the first."""
    fours = [(4, o) for o in range(0, outputs - 3, 4)]
    rest = [(two, outputs & ~3) for two in (outputs & 2,) if two]
    return fours + rest + [(one, outputs - 1) for one in (outputs & 1,) if one]


@dataclass(frozen=True)
class _Part:
    """One phase of what is written: ``s·p + e`` for p from first to last − 1, and where its taps stand in `at`."""

    e: Three
    step: Three
    first: Three
    last: Three
    begin: int
    taps: int


def _plan(
    size: Three,
    residues: list[Three],
    step_in: Three,
    reach: Three,
    back: bool,
    parts: list[_Part],
    result: Three,
    at: Callable[[Three], list[int]],
    channels: int,
    outputs: int,
    item: int,
    units: int,
) -> Plan:
    """The tables.  A frame begins at its band's first placement, or its reach before that where taps read `back`."""
    start = _three(min(part.first[axis] for part in parts) for axis in range(3))
    grid = _three(max(1, max(part.last[axis] for part in parts) - start[axis]) for axis in range(3))
    bands = Bands.of(grid, reach, channels * len(residues) * item, units, outputs, item)
    band, places, rows, lanes = _three(bands.size), _three(bands.places), bands.rows, VECTOR // item
    fills, runs, fill_ends, run_ends = list[tuple[int, ...]](), list[tuple[int, ...]](), [0], [0]
    for corner in map(_three, product(*(range(begin, begin + g, m) for begin, g, m in zip(start, grid, band)))):
        origin = _three(c - r * back for c, r in zip(corner, reach))
        fills += _fills(size, residues, step_in, places, origin)
        for twins in _twins(parts):
            runs += _runs(twins, corner, band, places, rows, result)
        fill_ends.append(len(fills))
        run_ends.append(len(runs))
    positions = at(places)
    volume, blocks = len(residues) * prod(places), _blocks(outputs)
    every = [
        c * volume + one
        for part in parts
        for c in range(channels)
        for one in positions[part.begin // channels : (part.begin + part.taps) // channels]
    ]
    numbers = [(run[1] - 1) * places[2] + n for run in runs for n in (run[3], run[7]) if n] or [0]
    widest = max((8 if b == 1 else 5 if b == 2 else 3) for b, _ in blocks) * lanes
    # One band, whose frame begins where what is read does.
    begins_alike = len(fill_ends) == 2 and [fill[:2] for fill in fills[:1]] == [(0, 0)]
    is_frame = begins_alike and places == size and step_in == (1, 1, 1) and min(numbers) >= widest
    return Plan(
        prod(size),
        volume,
        prod(result),
        _table(fills, 4),
        _table(fill_ends),
        step_in[1] * size[2],
        step_in[2],
        _table(runs, 10),
        _table(run_ends),
        places[2],
        parts[0].step[1] * result[2],
        parts[0].step[2],
        max(numbers),
        max(b - a for a, b in pairwise(run_ends)),
        is_frame,
        _table(every + every[-1:] * 4),
        len(every),
        _table(blocks, 2),
        SUMS * sum(-(-len(every) // (3 if b == 4 else 5)) for b, _ in blocks),
    )


def _table(rows: Sequence[int | tuple[int, ...]], columns: int = 0) -> Array:
    """Rows of as many columns, or one row."""
    found = np.array(rows, np.int64)
    return found.reshape(-1, columns) if columns else found


def _three(numbers: Iterable[int]) -> Three:
    first, second, third = numbers
    return first, second, third


def _fills(size: Three, residues: list[Three], step: Three, places: Three, origin: Three) -> Iterator[tuple[int, ...]]:
    """The rows of a frame that have something of x: position of the first there, in x, length, how many."""
    for number, residue in enumerate(residues):
        e = [s * q + r for s, q, r in zip(step, origin, residue)]
        low = max(0, -(e[2] // step[2]))
        n = min(places[2], (size[2] - 1 - e[2]) // step[2] + 1) - low
        top = max(0, -(e[1] // step[1]))
        rows = min(places[1], (size[1] - 1 - e[1]) // step[1] + 1) - top
        for q0 in range(places[0]):
            i0, i1 = e[0] + step[0] * q0, e[1] + step[1] * top
            if n > 0 and rows > 0 and 0 <= i0 < size[0]:
                to = ((number * places[0] + q0) * places[1] + top) * places[2] + low
                yield to, (i0 * size[1] + i1) * size[2] + e[2] + step[2] * low, n, rows


def _twins(parts: list[_Part]) -> list[tuple[_Part, ...]]:
    """The parts, but as pairs where the numbers of two alternate in the rows of what is written."""
    found: list[tuple[_Part, ...]] = []
    for _, some in groupby(parts, key=lambda part: part.e[:2]):
        row = tuple(some)
        found += [row] if len(row) == 2 == row[0].step[2] else [(part,) for part in row]
    return found


def _runs(
    twins: tuple[_Part, ...], corner: Three, band: Three, places: Three, rows: int, result: Three
) -> Iterator[tuple[int, ...]]:
    """The runs of one or two parts in a band: position in the result, rows; of each part what `Plan` says."""
    found = []
    for part in twins:
        low = [max(f, c) for f, c in zip(part.first, corner)]
        high = [min(end, c + m) for end, c, m in zip(part.last, corner, band)]
        if low[2] < high[2]:
            found.append((part.step[2] * low[2] + part.e[2], low, high, part))
    if not found:
        return
    found.sort(key=lambda each: each[0])
    i2, low, high, part = found[0]
    for p0, p1 in product(range(low[0], high[0]), range(low[1], high[1], rows)):
        i0, i1 = part.step[0] * p0 + part.e[0], part.step[1] * p1 + part.e[1]
        run = [(i0 * result[1] + i1) * result[2] + i2, min(rows, high[1] - p1)]
        for _, begin, end, one in found:
            at = ((p0 - corner[0]) * places[1] + p1 - corner[1]) * places[2] + begin[2] - corner[2]
            run += [at, end[2] - begin[2], one.begin, one.taps]
        yield (*run, *(0,) * (10 - len(run)))


@lru_cache(256)
def plan_of_output(window: Window, channels: int, outputs: int, item: int, batch: int) -> Plan:
    """For what reads x where the taps are: at ``q + q(k)`` of phase ``d·k mod s``."""
    axes = _Axes.of(window)
    phases = [sorted({d * j % s for j in range(k)}) for k, s, d in zip(axes.kernel, axes.stride, axes.dilation)]

    def at(places: Three) -> list[int]:
        found = []
        for k in product(*map(range, axes.kernel)):
            reached = [divmod(d * j, s) for j, s, d in zip(k, axes.stride, axes.dilation)]
            number = 0
            for phase, (_, r) in zip(phases, reached):
                number = number * len(phase) + phase.index(r)
            for place, (q, _) in zip(places, reached):
                number = number * place + q
            found.append(number)
        return found

    residues = [_three(r - a for r, a in zip(phase, axes.low)) for phase in product(*phases)]
    zeros, ones = (0, 0, 0), (1, 1, 1)
    whole = _Part(zeros, ones, zeros, axes.result, 0, channels * window.taps)
    return _plan(
        axes.size,
        residues,
        axes.stride,
        axes.reach,
        False,
        [whole],
        axes.result,
        at,
        channels,
        outputs,
        item,
        batch * window.groups,
    )


@lru_cache(256)
def plan_of_input(window: Window, channels: int, outputs: int, item: int, batch: int) -> Plan:
    """For what reads y, phase by phase of x: ``x[s·q + r − a] = Σ_{k : d·k mod s = r} w[k] · y[q − q(k)]``."""
    axes = _Axes.of(window)
    phases = taps_by_phase(window)
    each = list(zip(axes.size, axes.low, axes.stride))
    parts, begin = [], 0
    for phase, taps in phases.items():
        if not taps:
            continue
        first = _three(-((r - a) // s) for r, (_, a, s) in zip(phase, each))
        last = _three((i - 1 + a - r) // s + 1 for r, (i, a, s) in zip(phase, each))
        e = _three(r - a for r, a in zip(phase, axes.low))
        parts.append(_Part(e, axes.stride, first, last, begin, outputs * len(taps)))
        begin += outputs * len(taps)

    def at(places: Three) -> list[int]:
        found = []
        for k in (k for taps in phases.values() for _, k in taps):
            back = [r - d * j // s for r, j, d, s in zip(axes.reach, k, axes.dilation, axes.stride)]
            found.append((back[0] * places[1] + back[1]) * places[2] + back[2])
        return found

    return _plan(
        axes.result,
        [(0, 0, 0)],
        (1, 1, 1),
        axes.reach,
        True,
        parts,
        axes.size,
        at,
        outputs,
        channels,
        item,
        batch * window.groups,
    )


@lru_cache(256)
def taps_by_phase(window: Window) -> dict[Three, list[tuple[int, Three]]]:
    """For each phase of the input the taps that reach it, ``d·k mod s``, each with its row-major number."""
    axes = _Axes.of(window)
    found: dict[Three, list[tuple[int, Three]]] = {_three(r): [] for r in product(*map(range, axes.stride))}
    for number, k in enumerate(product(*map(range, axes.kernel))):
        found[_three(d * j % s for j, d, s in zip(k, axes.dilation, axes.stride))].append((number, _three(k)))
    return found


def packed(w: Array, taps: list[list[int]]) -> Array:
    """w ``(g, o, c, ΠK)`` as `put_run` reads it, flat: by group, phase and block of outputs ``(c·taps, block)``."""
    groups, outputs = w.shape[:2]
    fours = outputs // 4 * 4
    columns = []
    for some in taps:
        rows = w[..., some].reshape(groups, outputs, -1)
        columns.append(rows[:, :fours].reshape(groups, fours // 4, 4, rows.shape[2]).swapaxes(2, 3))
        columns.append(rows[:, fours : fours + (outputs & 2)].swapaxes(1, 2))
        columns.append(rows[:, outputs - (outputs & 1) :])
    return np.concatenate([column.reshape(groups, -1) for column in columns], 1).reshape(-1)
