"""Sums and means over intervals of unequal length, one axis at a time.

    sum_intervals   y = S_1 · … · S_D · x            (S x)[p] = Σ_{⌊pI/P⌋ ≤ i < ⌈(p+1)I/P⌉} x[i] along one axis
    mean_intervals  y = D · S · x                    D = 1/length, axis by axis as torch divides; the sum comes first
    spread_means    x = Sᵀ · D · y                   Sᵀ is S with the sizes exchanged: see `geometry.Intervals`

Even divisions are a reshape and one sum.  The others gather every interval's positions, repeating its last one up to a
common length, and leave the repetitions out of the sum: a matrix of ones and zeros would do the same, but 0·∞ would
carry what is not finite from one interval into all others.

Shapes: x ``(N, C, *I)``, y ``(N, C, *P)``.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Axes, Intervals, divides, longest
from manualconv.kernels.precision import single
from manualconv.torch_internals import hides_memory, shaped


def bounds(length: int, parts: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """First position of each interval and the one after its last, ``(P,)``."""
    p = torch.arange(parts, device=device)
    return p * length // parts, ((p + 1) * length + parts - 1) // parts


def positions(length: int, parts: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Every interval's positions, ``(P, L)``, its last one repeated, and which are no repetition."""
    start, end = (side.unsqueeze(1) for side in bounds(length, parts, device))
    at = start + torch.arange(longest(length, parts), device=device)
    return torch.minimum(at, end - 1), at < end


def gathered(x: Tensor, at: Tensor, axis: int) -> Tensor:
    """``(…, I, …)`` and positions ``(P, L)`` → ``(…, P, L, …)``."""
    return x.index_select(axis, at.reshape(-1)).reshape(*x.shape[:axis], *at.shape, *x.shape[axis + 1 :])


def divided(x: Tensor, intervals: Intervals) -> Tensor:
    """An even division's windows side by side, ``(N, C, *I)`` → ``(N, C, P_1, I_1/P_1, P_2, …)``."""
    pairs = ((p, i // p) for i, p in zip(intervals.input_size, intervals.output_size))
    return x.reshape(*x.shape[:2], *(size for pair in pairs for size in pair))


def _sum_along(x: Tensor, axis: int, length: int, parts: int) -> Tensor:
    """One axis: ``(…, I, …)`` → ``(…, P, …)``."""
    at, counts = positions(length, parts, x.device)
    counts = counts.reshape(*counts.shape, *(1,) * (x.dim() - axis - 1))
    return torch.where(counts, gathered(x, at, axis), 0).sum(axis + 1)


def _repeated(y: Tensor, times: Axes) -> Tensor:
    """Each entry `times` times along each axis: ``(N, C, *P)`` → ``(N, C, *(P·times))``."""
    lead, size = y.shape[:2], y.shape[2:]
    apart = y.reshape(*lead, *(n for p in size for n in (p, 1)))
    wide = apart.expand(*lead, *(n for p, m in zip(size, times) for n in (p, m)))
    return shaped(wide.clone(memory_format=torch.contiguous_format), (*lead, *(p * m for p, m in zip(size, times))))


def sum_intervals(x: Tensor, intervals: Intervals) -> Tensor:
    """``(N, C, *I)`` → ``(N, C, *P)``: the sum over each interval."""
    if intervals.is_empty:
        return x.new_zeros((*x.shape[:2], *intervals.output_size))
    if intervals.is_even:
        return divided(x, intervals).sum(tuple(range(3, 3 + 2 * intervals.ndim, 2)))
    if intervals.reversed().is_even:
        return _repeated(x, tuple(p // i for i, p in zip(intervals.input_size, intervals.output_size)))
    for axis, (length, parts) in enumerate(zip(intervals.input_size, intervals.output_size), 2):
        if not (isinstance(length, int) and isinstance(parts, int) and length == parts):
            x = _sum_along(x, axis, length, parts)
    return x


def _averaged(y: Tensor, intervals: Intervals) -> Tensor:
    """y over the lengths of the intervals; a global mean divides once, all others axis by axis."""
    if intervals.is_global:
        return y / prod(intervals.input_size)
    for axis, (length, parts) in enumerate(zip(intervals.input_size, intervals.output_size)):
        if isinstance(parts, int) and parts == 0:
            continue
        if divides(parts, length):
            y = y / (length // parts)
        else:
            start, end = bounds(length, parts, y.device)
            y = y / (end - start).reshape(-1, *(1,) * (intervals.ndim - axis - 1))
    return y


def _finished(t: Tensor, dtype: torch.dtype, intervals: Intervals) -> Tensor:
    """In the dtype and the layout asked for."""
    kept = intervals.channels_last and not hides_memory(t)
    return t.to(dtype).contiguous(memory_format=torch.channels_last if kept else torch.contiguous_format)


def mean_intervals(x: Tensor, intervals: Intervals) -> Tensor:
    """``(N, C, *I)`` → ``(N, C, *P)``: the mean over each interval, of half precision in float32."""
    total = sum_intervals(single(x), intervals)
    return _finished(_averaged(total, intervals), x.dtype, intervals)


def spread_means(y: Tensor, intervals: Intervals) -> Tensor:
    """``(N, C, *P)`` → ``(N, C, *I)``: each entry's share added to every position of its interval."""
    share = _averaged(single(y), intervals)
    return _finished(sum_intervals(share, intervals.reversed()), y.dtype, intervals)
