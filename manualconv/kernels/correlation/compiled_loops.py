"""The loops of `loops`, for Numba: importing this file imports it.

They read the tables of a `Plan`.  x, w, b and y are flat.
"""

from __future__ import annotations

import numpy as np

from manualconv.kernels.compiling import compiled
from manualconv.kernels.correlation.compiled_copies import clear, copy, gather, interleave, scatter
from manualconv.kernels.correlation.compiled_sums import SUMS, VECTOR, Array, add_dots, put_taps
from manualconv.kernels.correlation.compiled_tables import Plan

#: Blocks of 4, 2 and 1 outputs, with as many vectors or taps as fill the registers.
put_4, put_2, put_1 = put_taps(4, 3), put_taps(2, 5), put_taps(1, 8)
add_4, add_2, add_1 = add_dots(4, 3), add_dots(2, 5), add_dots(1, 5)
#: Numbers behind the end of a frame or a row that the last block may read or write: the widest block.
BEYOND = 8 * VECTOR // 4


@compiled
def fill(f: Array, begin: int, x: Array, image: int, channels: int, band: int, plan: Plan) -> None:
    """The frames of a band and of all channels of one image, but for what stays 0."""
    for c in range(channels):
        for k in range(plan.fill_ends[band], plan.fill_ends[band + 1]):
            to, of = begin + c * plan.volume + plan.fills[k, 0], image + c * plan.size + plan.fills[k, 1]
            n, rows = plan.fills[k, 2], plan.fills[k, 3]
            if plan.step_in == 1:
                copy(f, to, plan.row, x, of, plan.row_in, rows, n)
            else:
                gather(f, to, plan.row, x, of, plan.row_in, plan.step_in, rows, n)


@compiled
def put_run(
    out: Array,
    y0: int,
    pitch: int,
    w: Array,
    w0: int,
    b: Array,
    b0: int,
    f: Array,
    f0: int,
    at: Array,
    at0: int,
    taps: int,
    n: int,
    block: int,
) -> None:
    """All taps of a block of outputs at n neighbouring placements; the last vectors may overlap those before."""
    lanes = VECTOR // f.itemsize
    if block == 4:
        for j in range(0, n, 3 * lanes):
            i = max(0, min(j, n - 3 * lanes))
            put_4(out, y0 + i, pitch, w, w0, b, b0, f, f0 + i, at, at0, taps)
    elif block == 2:
        for j in range(0, n, 5 * lanes):
            i = max(0, min(j, n - 5 * lanes))
            put_2(out, y0 + i, pitch, w, w0, b, b0, f, f0 + i, at, at0, taps)
    else:
        for j in range(0, n, 8 * lanes):
            i = max(0, min(j, n - 8 * lanes))
            put_1(out, y0 + i, pitch, w, w0, b, b0, f, f0 + i, at, at0, taps)


def memory_of_runs(plan: Plan, channels: int, like: Array) -> tuple[Array, Array]:
    """A frame of all channels, and what four outputs of two longest runs take: made here, it need not be compiled."""
    frame = 0 if plan.in_place else channels * plan.volume + BEYOND
    return np.zeros(frame, like.dtype), np.empty(8 * (plan.longest + BEYOND), like.dtype)


def memory_of_sums(plan: Plan, channels: int, outputs: int, images: int, like: Array) -> tuple[Array, Array, Array]:
    """The frames of so many images, their outputs in whole vectors, and where each run of them is."""
    lanes, most = VECTOR // like.itemsize, images * plan.most
    rows = outputs * most * -(-plan.longest // lanes) * lanes
    frames = images * channels * plan.volume + BEYOND
    return np.zeros(frames, like.dtype), np.zeros(rows, like.dtype), np.empty(2 * most, np.int64)


@compiled
def correlate(
    x: Array,
    w: Array,
    b: Array,
    y: Array,
    plan: Plan,
    channels: int,
    outputs: int,
    groups: int,
    frame: Array,
    buffer: Array,
    first: int,
    last: int,
) -> None:
    """x ``(N, g, c, ΠS)``, w packed, b ``(g, o)`` → y ``(N, g, o, ΠD)``, units ``(N, g, bands)``.

    `frame`, of zeros, and `buffer` are memory: see `memory_of_runs`.
    """
    bands, lanes = plan.run_ends.shape[0] - 1, VECTOR // x.itemsize
    length = plan.longest + BEYOND
    for unit in range(first, last):
        band, u = unit % bands, unit // bands
        f, origin = x, u * channels * plan.size
        if not plan.in_place:
            if bands > 1:
                clear(frame)
            # It begins at 0; but written so, that has a type of its own, for which `fill` would be compiled again.
            fill(frame, unit - unit, x, origin, channels, band, plan)
            f, origin = frame, 0
        for run in range(plan.run_ends[band], plan.run_ends[band + 1]):
            place, rows, columns, others = plan.runs[run, 0], plan.runs[run, 1], plan.runs[run, 3], plan.runs[run, 7]
            # What is one run in a frame is one in y, too.
            joined = plan.step_out == 1 and (rows == 1 or columns == plan.row == plan.row_out)
            for block, o in plan.blocks:
                to, bias = (u * outputs + o) * plan.result + place, u % groups * outputs + o
                for half in range(2 if others else 1):
                    begin, n = plan.runs[run, 2 + 4 * half], (rows - 1) * plan.row + plan.runs[run, 3 + 4 * half]
                    t0, taps = plan.runs[run, 4 + 4 * half], plan.runs[run, 5 + 4 * half]
                    weights = u % groups * outputs * plan.terms + t0 * outputs + o * taps
                    whole = joined and n >= lanes * (3 if block == 4 else 5 if block == 2 else 8)
                    out, y0, pitch = (y, to, plan.result) if whole else (buffer, 4 * half * length, length)
                    put_run(out, y0, pitch, w, weights, b, bias, f, origin + begin, plan.at, t0, taps, n, block)
                if not whole:
                    for a in range(block):
                        i, j = to + a * plan.result, a * length
                        if others:
                            twin = j + 4 * length
                            interleave(y, i, plan.row_out, buffer, j, twin, plan.row, rows, columns, others)
                        elif plan.step_out == 1:
                            copy(y, i, plan.row_out, buffer, j, plan.row, rows, columns)
                        else:
                            scatter(y, i, plan.row_out, buffer, j, plan.row, plan.step_out, rows, columns)


@compiled
def weigh(
    x: Array,
    y: Array,
    w: Array,
    plan: Plan,
    batch: int,
    channels: int,
    outputs: int,
    groups: int,
    images: int,
    chunks: int,
    frames: Array,
    rows: Array,
    runs: Array,
    first: int,
    last: int,
) -> None:
    """x ``(N, g, c, ΠS)``, y ``(N, g, o, ΠD)`` → w of each chunk of images and bands, units ``(chunks, g)``.

    `images` of them are added up at a time, w is ``(chunks, g, blocks of sums)``; `frames` and `rows`, of zeros, and
    `runs` are memory: see `memory_of_sums`.
    """
    bands, lanes = plan.run_ends.shape[0] - 1, VECTOR // x.itemsize
    vectors = (plan.longest + lanes - 1) // lanes
    most = images * plan.most
    pitch = most * vectors * lanes
    items = (batch + images - 1) // images * bands
    for unit in range(first, last):
        chunk, g = unit // groups, unit % groups
        for item in range(items * chunk // chunks, items * (chunk + 1) // chunks):
            band, n = item % bands, item // bands * images
            many = min(images, batch - n)
            # The last vector of a run may reach beyond its image, and so beyond the last one's memory.
            in_place = plan.in_place and n + many < batch
            if bands > 1:
                clear(frames)
                clear(rows)
            count = 0
            for u in range(n * groups + g, (n + many) * groups + g, groups):
                origin = u * channels * plan.size
                if not in_place:
                    begin = (u // groups - n) * channels * plan.volume
                    fill(frames, begin, x, origin, channels, band, plan)
                    origin = begin
                for run in range(plan.run_ends[band], plan.run_ends[band + 1]):
                    place, columns = plan.runs[run, 0], plan.runs[run, 3]
                    runs[2 * count], runs[2 * count + 1] = origin + plan.runs[run, 2], count * vectors * lanes
                    for o in range(outputs):
                        to, of = o * pitch + count * vectors * lanes, (u * outputs + o) * plan.result + place
                        copy(rows, to, plan.row, y, of, plan.row_out, plan.runs[run, 1], columns)
                    count += 1
            f = x if in_place else frames
            to = unit * plan.sums
            for block, o in plan.blocks:
                if block == 4:
                    for t in range(0, plan.terms, 3):
                        add_4(w, to, rows, o * pitch, pitch, f, 0, plan.at, t, runs, count, vectors)
                        to += SUMS
                elif block == 2:
                    for t in range(0, plan.terms, 5):
                        add_2(w, to, rows, o * pitch, pitch, f, 0, plan.at, t, runs, count, vectors)
                        to += SUMS
                else:
                    for t in range(0, plan.terms, 5):
                        add_1(w, to, rows, o * pitch, pitch, f, 0, plan.at, t, runs, count, vectors)
                        to += SUMS
