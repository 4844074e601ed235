"""Window sums one axis at a time, and the bias sums.

A window is a product of intervals, so its sum is a sum along each axis in turn: ΣK additions instead of ΠK.

    sum_windows:     y = S_1 · … · S_D · pad(x),        (S_j x)[p] = Σ_k x[s·p + d·k] along axis j
    spread_windows:  x = crop(S_Dᵀ · … · S_1ᵀ · y),    (S_jᵀ y)[s·p + d·k] += y[p]

Along an axis the loop runs over taps, each for all placements at once, or over placements, each with all its taps,
whichever are fewer; wide windows go by `doubling`.  A window as wide as the image, a global mean, is one reduction.
With Numba, windows that overlap are summed by `compiled_summation`, all axes while a plane is in the cache.

Shapes: x ``(N, C, *I)``, y ``(N, C, *P)``, laid out as the window says.  Half precision is widened and rounded once.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.compiling import is_compilable, numbers, share
from manualconv.kernels.movement.layout import CHANNELS_LAST
from manualconv.kernels.movement.windows import crop, overlap_add, pad, windows
from manualconv.kernels.pooling.doubling import Runs, run_sums, runs_of, spreads_of
from manualconv.kernels.pooling.frames import frame_of
from manualconv.kernels.precision import single
from manualconv.torch_internals import hides_memory, is_plain, is_traced, shaped

#: Numbers read and written from which compiled loops save more than it costs to look for them.
LARGE = 2**16
#: Nanoseconds that they take for one.
ENTRY = 1.0
#: Numbers that they may hold at a time, however few there are in all.
SMALL = 2**18
#: Threads whose memory is counted, however many there are: what computes a sum decides its last bits.
THREADS = 4


def _format(t: Tensor, window: Window) -> torch.memory_format:
    """How the results lie in memory."""
    return CHANNELS_LAST[window.ndim] if window.channels_last and not hides_memory(t) else torch.contiguous_format


def _summed(window: Window) -> list[int]:
    """The axes along which something is added up: all but those whose window is one position wide at stride 1.

    A slice of everything would be an alias there: see `overlap_add`.
    """
    return [axis for axis in range(window.ndim) if window.kernel_size[axis] > 1 or window.stride[axis] > 1]


def _along(axis: int, window: Window) -> Window:
    """The padded window of one axis alone."""
    size, k, s, d = (t[axis] for t in (window.padded_size, window.kernel_size, window.stride, window.dilation))
    return Window((size,), (k,), (s,), (d,), ((0, 0),))


def _by_placement(axis: int, window: Window) -> bool:
    """Whether there are fewer placements than taps; False where their number is traced."""
    placements = window.output_size[axis]
    return isinstance(placements, int) and placements < window.kernel_size[axis]


def _is_whole(axis: int, window: Window) -> bool:
    """Whether one placement reads everything: again, a slice would be an alias."""
    size, k, d = window.padded_size[axis], window.kernel_size[axis], window.dilation[axis]
    return bool(window.output_size[axis] == 1 and k == size and d == 1)


def _taps_along(axis: int, window: Window) -> list[tuple[slice, ...]]:
    """The slices along one axis that its taps read, behind batch, channels and the axes before it."""
    s, d, p = window.stride[axis], window.dilation[axis], window.output_size[axis]
    lead = (slice(None),) * (axis + 2)
    return [(*lead, slice(d * k, d * k + s * (p - 1) + 1, s)) for k in range(window.kernel_size[axis])]


def _placements_along(axis: int, window: Window) -> list[tuple[slice, ...]]:
    """The slices along one axis that its placements read."""
    s, d, k = window.stride[axis], window.dilation[axis], window.kernel_size[axis]
    lead = (slice(None),) * (axis + 2)
    return [(*lead, slice(s * p, s * p + d * (k - 1) + 1, d)) for p in range(window.output_size[axis])]


def _sum_along(x: Tensor, axis: int, window: Window) -> Tensor:
    """S_j: a fresh tensor, P long along the axis."""
    if is_traced(x):
        return windows(x, _along(axis, window), axis + 2).sum(axis + 2)
    if _is_whole(axis, window):
        return x.sum(axis + 2, keepdim=True)
    if _by_placement(axis, window):
        sums = [x[read].sum(axis + 2, keepdim=True) for read in _placements_along(axis, window)]
        return torch.cat(sums, axis + 2) if sums else x.narrow(axis + 2, 0, 0).clone()
    first, *others = (x[tap] for tap in _taps_along(axis, window))
    total = first + others.pop(0) if others else first.clone()
    in_place = is_plain(x)
    for other in others:
        total = total.add_(other) if in_place else total + other
    return total


def _spread_along(y: Tensor, axis: int, window: Window) -> Tensor:
    """S_jᵀ: I + a + b long along the axis."""
    if is_traced(y):
        taps = y.unsqueeze(axis + 2).expand(*y.shape[: axis + 2], window.kernel_size[axis], *y.shape[axis + 2 :])
        return overlap_add(taps, _along(axis, window), axis + 2)
    size = list(y.shape)
    size[axis + 2] = window.padded_size[axis]
    if _is_whole(axis, window):
        return y.expand(size).contiguous()
    if is_plain(y) and window.kernel_size[axis] == window.stride[axis] and window.dilation[axis] == 1:
        return _repeated_along(y, axis, window, size)
    wider = y.new_zeros(size)
    if _by_placement(axis, window):
        each = y.split(1, axis + 2) if y.shape[axis + 2] > 1 else (y,)
        for read, part in zip(_placements_along(axis, window), each):
            wider[read].add_(part)
    else:
        for tap in _taps_along(axis, window):
            wider[tap].add_(y)
    return wider


def _repeated_along(y: Tensor, axis: int, window: Window, size: list[int]) -> Tensor:
    """S_jᵀ where each window begins where another ends: nothing adds up, and positions left over are 0."""
    wider = y.new_empty(size)
    for tap in _taps_along(axis, window):
        wider[tap].copy_(y)
    covered = y.shape[axis + 2] * window.stride[axis]
    wider.narrow(axis + 2, covered, size[axis + 2] - covered).zero_()
    return wider


def _double_along(t: Tensor, axis: int, runs: Runs) -> Tensor:
    """One axis by doubling, its padding included."""
    lead, behind = t.shape[: axis + 2], t.shape[axis + 3 :]
    found = run_sums(t.reshape(prod(lead), runs.length, prod(behind)), runs)
    return shaped(found, (*lead, runs.count, *behind))


def _without(window: Window, axis: int) -> Window:
    """The window with one axis done: the placements of that axis are positions now."""

    def put(numbers: tuple[Any, ...], number: Any) -> tuple[Any, ...]:
        return *numbers[:axis], number, *numbers[axis + 1 :]

    return replace(
        window,
        input_size=put(window.input_size, window.output_size[axis]),
        kernel_size=put(window.kernel_size, 1),
        stride=put(window.stride, 1),
        dilation=put(window.dilation, 1),
        padding=put(window.padding, (0, 0)),
    )


def _loops_take(t: Tensor, window: Window) -> bool:
    """Whether compiled loops compute it: Numba is there, the work is large enough to pay, and their memory is little.

    Where windows do not overlap, nothing is read twice, and torch's operations are as fast.
    """
    if not (is_plain(t) and 1 <= window.ndim <= 3 and any(k > s for k, s in zip(window.kernel_size, window.stride))):
        return False
    planes, held = t.shape[0] * t.shape[1], prod(n + e for n, e in zip(window.input_size, window.extent))
    work = planes * (prod(window.input_size) + window.placements)
    rows = 5 * min(planes, THREADS) * held
    return work >= max(LARGE, 1) and (LARGE == 0 or rows <= max(work, SMALL)) and is_compilable(t)


def _by_loops(t: Tensor, runs: tuple[Runs, ...]) -> Tensor:
    """All axes in one pass; see `compiled_summation`."""
    from manualconv.kernels.pooling.compiled_summation import sums

    total = t.new_empty((*t.shape[:2], *(r.count for r in runs)))
    of, to = map(numbers, (t, total))
    share(sums(of, frame_of(runs), to), t.shape[0] * t.shape[1], (of.size + to.size) * ENTRY)
    return total


def sum_windows(x: Tensor, window: Window) -> Tensor:
    """``(N, C, *I)`` → ``(N, C, *P)``: the sum over each window, zeros outside."""
    axes, total, rest = _summed(window), single(x), window
    if _loops_take(total, window):
        total = _by_loops(total, tuple(runs_of(window, axis) for axis in range(window.ndim)))
        return total.to(x.dtype).contiguous(memory_format=_format(x, window))
    for axis in axes if is_plain(x) and not window.is_cut else ():
        if (runs := runs_of(window, axis)).pays:
            total, rest = _double_along(total, axis, runs), _without(rest, axis)
    total = pad(total, rest)
    for axis in _summed(rest):
        total = _sum_along(total, axis, rest)
    total = total.to(x.dtype).contiguous(memory_format=_format(x, window))
    return total if axes else total.clone()


def spread_windows(y: Tensor, window: Window) -> Tensor:
    """``(N, C, *P)`` → ``(N, C, *I)``: each entry added to every position of its window."""
    axes, spread, rest = _summed(window), single(y), window
    if _loops_take(spread, window):
        spread = _by_loops(spread, tuple(spreads_of(window, axis) for axis in range(window.ndim)))
        return spread.to(y.dtype).contiguous(memory_format=_format(y, window))
    doubled: list[tuple[int, Runs]] = []
    for axis in axes if is_plain(y) and not window.is_cut else ():
        if (runs := spreads_of(window, axis)).pays:
            rest = _without(rest, axis)
            doubled.append((axis, runs))
    for axis in reversed(_summed(rest)):
        spread = _spread_along(spread, axis, rest)
    spread = crop(spread, rest)
    for axis, runs in doubled:
        spread = _double_along(spread, axis, runs)
    spread, layout = spread.to(y.dtype), _format(y, window)
    is_own = doubled or (axes and not rest.is_padded)
    return spread.contiguous(memory_format=layout) if is_own else spread.clone(memory_format=layout)


def sum_to_bias(y: Tensor) -> Tensor:
    """``(N, O, *P)`` → ``(O,)``."""
    return y.sum([0, *range(2, y.dim())])


def spread_bias(b: Tensor, batch: int, size: Axes) -> Tensor:
    """``(O,)`` → ``(N, O, *P)``."""
    return b.reshape(1, -1, *(1,) * len(size)).expand(batch, -1, *size).clone(memory_format=torch.contiguous_format)
