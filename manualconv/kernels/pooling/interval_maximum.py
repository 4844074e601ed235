"""Where each of a set of places has its maximum: one axis after the other, the last axis first.

    j(i)  = the first of the largest  x[…, i, ·]          for every i of the axes before
    i*    = the first i of the largest  x[…, i, j(i)]      and so on; the flat position is i*·stride + j(i*)

Whole rows are compared: the first row that holds the maximum wins, and in it the first position.  So ties go to
the first in row-major order.  A NaN is larger than everything and the last one of a row wins, and the last row that has
one, as in torch's kernel.  ΣL comparisons instead of ΠL.

The places are given per axis, as the positions of each interval: ``(P, L)`` for all samples and channels alike, or
``(N, C, P, L)``.  A position may be repeated, next to itself: the first one counts.

Shapes: x ``(N, C, *I)`` → flat positions in ``*I``, ``(N, C, *P)``, int64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Axes, Intervals, Window, divides
from manualconv.kernels.pooling.intervals import gathered, positions
from manualconv.torch_internals import is_plain


def _may_be_nan(x: Tensor) -> bool:
    """Whether x may hold a NaN; for ordinary tensors in memory its sum tells."""
    return not is_plain(x) or x.device.type != "cpu" or math.isnan(x.sum().item())


def _along(at: Tensor, axis: int, ndim: int) -> Tensor:
    """Positions ``([N, C,] P, L)`` as a tensor that goes with ``(N, C, …, P, L, …)``; `axis` is that of P."""
    lead = at.shape[:-2] or (1, 1)
    return at.reshape(*lead, *(1,) * (axis - 2), *at.shape[-2:], *(1,) * (ndim + 1 - axis))


def _taken(x: Tensor, at: Tensor, axis: int, even: bool) -> Tensor:
    """``(N, C, …, I, …)`` → ``(N, C, …, P, L, …)``."""
    if at.dim() == 2:
        parts, length = at.shape
        if even:  # an even division has all positions, in order
            return x.reshape(*x.shape[:axis], parts, length, *x.shape[axis + 1 :])
        return gathered(x, at, axis)
    parts, length = at.shape[-2:]
    flat = _along(at, axis, x.dim() - 2).flatten(axis, axis + 1)
    size = (*x.shape[:axis], parts * length, *x.shape[axis + 1 :])
    return x.gather(axis, flat.expand(size)).reshape(*x.shape[:axis], parts, length, *x.shape[axis + 1 :])


def _largest(v: Tensor, axis: int, may_be_nan: bool) -> tuple[Tensor, Tensor]:
    """Value and place of the first maximum along an axis, which stays with length 1; of the last NaN if any."""
    best, tap = v.max(axis, keepdim=True)
    if may_be_nan:
        order = torch.arange(v.shape[axis], device=v.device).reshape(-1, *(1,) * (v.dim() - axis - 1))
        last = torch.where(v.isnan(), order, -1).amax(axis, keepdim=True)
        tap = torch.where(last < 0, tap, last)
    return best, tap


def argmax_places(x: Tensor, places: Sequence[Tensor], even: Sequence[bool] = ()) -> Tensor:
    """The flat position of the maximum over the product of one interval per axis: ``(N, C, *I)`` → ``(N, C, *P)``.

    `even` says for which axes the places are all positions, in order.
    """
    ndim, size = len(places), x.shape[2:]
    may_be_nan = _may_be_nan(x)
    best, index = x, None
    for axis in reversed(range(2, 2 + ndim)):
        at = places[axis - 2]
        v = _taken(best, at, axis, bool(even) and even[axis - 2])
        at = _along(at, axis, ndim).expand(v.shape)
        if not (isinstance(v.shape[axis + 1], int) and v.shape[axis + 1] == 1):
            v, tap = _largest(v, axis + 1, may_be_nan)
            at = at.gather(axis + 1, tap)
        best, at = v.squeeze(axis + 1), at.squeeze(axis + 1)
        behind = 0 if index is None else index.gather(axis, at)
        index = at * prod(size[axis - 1 :]) + behind
    assert index is not None
    return index


def argmax_intervals(x: Tensor, intervals: Intervals) -> Tensor:
    """The flat position of every interval's maximum: ``(N, C, *I)`` → ``(N, C, *P)``."""
    if intervals.is_empty:
        return x.new_zeros((*x.shape[:2], *intervals.output_size), dtype=torch.int64)
    sizes = list(zip(intervals.input_size, intervals.output_size))
    even = [divides(parts, length) for length, parts in sizes]
    return argmax_places(x, [positions(length, parts, x.device)[0] for length, parts in sizes], even)


def argmax_windows(x: Tensor, window: Window) -> Tensor:
    """The flat position of every window's maximum, in a graph that is the same for all kernel sizes.

    Taps in the padding are read as the first or last one inside, which counts once.
    """
    places = []
    for i, k, s, d, (a, _), p in zip(
        window.input_size, window.kernel_size, window.stride, window.dilation, window.padding, window.output_size
    ):
        start = (torch.arange(p, device=x.device) * s - a).unsqueeze(1)
        first = torch.where(start < 0, start + d * ((d - 1 - start) // d), start)
        last = start + d * ((i - 1 - start) // d)
        # A window that reads padding alone has its first tap behind its last one: any position does.
        at = torch.minimum(torch.maximum(start + torch.arange(k, device=x.device) * d, first), last)
        places.append(at.clamp(0, i - 1))
    return argmax_places(x, places)


def fractional_starts(sample: Tensor, length: int, parts: int, kernel: int) -> Tensor:
    """Where windows of `kernel` positions start, ``(N, C)``, ``⌊(p + u)·α⌋ − ⌊u·α⌋``, and the last at I − K.

    α = (I − K)/(P − 1), in the dtype of u and rounded after every operation, as torch's kernel.
    """
    last = sample.new_full((*sample.shape, min(parts, 1)), length - kernel, dtype=torch.int64)
    if parts <= 1:
        return last
    alpha = sample.new_tensor(length - kernel) / sample.new_tensor(parts - 1)
    u = sample.unsqueeze(-1)
    p = torch.arange(parts - 1, device=sample.device).to(sample.dtype)
    start = ((p + u) * alpha).to(torch.int64) - (u * alpha).to(torch.int64)
    # A sample outside 0 ≤ u < 1 must not lead outside the input.
    return torch.cat([start.clamp(0, length - kernel), last], -1)


def argmax_fractional(x: Tensor, samples: Tensor, kernel_size: Axes, output_size: Axes) -> Tensor:
    """The flat position of the maximum of every fractionally placed window: ``(N, C, *I)`` → ``(N, C, *P)``.

    `samples` is ``(N, C, D)``, one number for each axis: of images the last axis comes first, of volumes the first.
    """
    ndim = len(kernel_size)
    if x.numel() == 0 or prod(output_size) == 0:
        return x.new_zeros((*x.shape[:2], *output_size), dtype=torch.int64)
    places = []
    for axis, (length, parts, kernel) in enumerate(zip(x.shape[2:], output_size, kernel_size)):
        sample = samples[: x.shape[0], :, ndim - 1 - axis if ndim == 2 else axis]
        start = fractional_starts(sample, length, parts, kernel)
        places.append(start.unsqueeze(-1) + torch.arange(kernel, device=x.device))
    return argmax_places(x, places)
