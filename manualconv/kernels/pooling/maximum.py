"""Where each window has its maximum.

Taps are compared in row-major order and a later one must be strictly larger, so that a tie goes to the first; a NaN
is larger than everything and a later NaN replaces an earlier one, as in torch's kernel.  The padding is −∞ and never
wins: the index starts at the first tap inside the input.

Shapes: x ``(N, C, *I)`` → flat positions in ``*I``, ``(N, C, *P)``, int64.
"""

from __future__ import annotations

import math
from functools import lru_cache
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.compiling import is_compilable, share, values
from manualconv.kernels.movement.windows import taps
from manualconv.kernels.pooling.interval_maximum import argmax_windows
from manualconv.torch_internals import is_plain, is_traced

#: Entries from which compiled loops save more than it costs to look for them.
LARGE = 2**16
#: Nanoseconds that they take for one entry.
ENTRY = 1.5


def lowest(dtype: torch.dtype) -> float:
    """The value below all others that stands for padding."""
    return float("-inf") if dtype.is_floating_point else torch.iinfo(dtype).min


def _row_major(size: Axes) -> Axes:
    """Strides of a contiguous tensor of this size."""
    strides, step = [], 1
    for length in reversed(size):
        strides.append(step)
        step = step * length
    return tuple(reversed(strides))


def _first(window: Window, axis: int, device: torch.device) -> Tensor:
    """The position on one axis of each placement's first tap behind the left padding, ``(P,)``."""
    s, d, (a, _) = window.stride[axis], window.dilation[axis], window.padding[axis]
    start = torch.arange(window.output_size[axis], device=device) * s - a
    return torch.where(start < 0, start + d * ((d - 1 - start) // d), start)


def _first_inside(window: Window, device: torch.device) -> Tensor:
    """The flat input position of each window's first tap that is not padding, ``(*P,)``."""
    strides = _row_major(window.input_size)
    total = torch.zeros((), dtype=torch.int64, device=device)
    for axis in range(window.ndim):
        total = total.unsqueeze(-1) + _first(window, axis, device) * strides[axis]
    return total


def has_blind(window: Window) -> bool:
    """Whether some window reads padding alone: an axis shorter than the dilation d fits between two of its taps.

    The first tap behind the padding, of a placement that starts at s·p − a < 0, reads position (s·p − a) mod d.
    """
    return max(window.dilation) > 1 and any(
        d > 1 and a > 0 and d > i and any((s * p - a) % d >= i for p in range(-(-a // s)))
        for i, s, d, (a, _) in zip(window.input_size, window.stride, window.dilation, window.padding)
    )


def blind(window: Window, device: torch.device) -> Tensor:
    """Which windows read padding alone, ``(*P,)``."""
    hidden = torch.zeros((), dtype=torch.bool, device=device)
    for axis, length in enumerate(window.input_size):
        hidden = hidden.unsqueeze(-1) | (_first(window, axis, device) >= length)
    return hidden


def _may_be_nan(x: Tensor) -> bool:
    """Whether x may hold a NaN, to look for tap by tap; for ordinary tensors in memory its sum tells."""
    if not x.is_floating_point():
        return False
    return not is_plain(x) or x.device.type != "cpu" or math.isnan(x.sum().item())


def _narrowest(largest: int) -> torch.dtype:
    """The smallest integers that hold `largest`: the comparisons are as fast as memory."""
    return next(
        kind for kind in (torch.uint8, torch.int16, torch.int32, torch.int64) if largest <= torch.iinfo(kind).max
    )


def _loops_take(x: Tensor, window: Window) -> bool:
    """Whether compiled loops compute it: Numba is there, and the work is large enough to pay.

    Where windows do not overlap, tap by tap already reads each number only once.
    """
    return (
        x.numel() >= max(LARGE, 1)
        and is_plain(x)
        and (LARGE == 0 or any(k > s for k, s in zip(window.kernel_size, window.stride)))
        and 1 <= window.ndim <= 3
        and prod(window.padded_size) < torch.iinfo(torch.int32).max
        and all(a >= 0 and b >= 0 for a, b in window.padding)
        and is_compilable(x)
    )


def _by_loops(x: Tensor, window: Window) -> Tensor:
    """By doubling, plane by plane; see `compiled_maximum`."""
    from manualconv.kernels.pooling.compiled_maximum import argmax as planes

    index = x.new_empty((*x.shape[:2], *window.output_size), dtype=torch.int64)
    x, flat = values(x).flatten(0, 1).flatten(1), index.view(-1, window.placements)
    share(planes(x.numpy(), window, flat.numpy()), x.shape[0], x.numel() * ENTRY)
    return index


@lru_cache(1024)
def _reads(window: Window) -> tuple[Axes, list[int], list[tuple[slice, ...]]]:
    """The steps between positions in memory; for each tap how far it is from the first one, and what it reads."""
    strides = _row_major(window.input_size)
    offsets = [sum(d * j * t for j, d, t in zip(k, window.dilation, strides)) for k in taps(window)]
    return strides, offsets, [window.tap(k, lead=2) for k in taps(window)]


def argmax(x: Tensor, window: Window) -> Tensor:
    """Flat input position of every window's maximum: ``(N, C, *I)`` → ``(N, C, *P)``."""
    if is_traced(x):
        return argmax_windows(x, window)
    if _loops_take(x, window):
        return _by_loops(x, window)
    if window.is_padded:
        x = torch.constant_pad_nd(x, window.frame, lowest(x.dtype))
    strides, offsets, slices = _reads(window)
    narrow = _narrowest(offsets[-1]) if is_plain(x) else torch.int32
    shift = x.new_zeros((), dtype=narrow)
    may_be_nan = _may_be_nan(x)
    best = x[slices[0]].contiguous()
    for offset, tap in zip(offsets[1:], slices[1:]):
        value = x[tap].contiguous()
        better = value > best
        if may_be_nan:
            better = better | (value != value)
        # Positions grow with the taps, so the last improvement is the largest: no branch, no select.
        step = better.view(narrow) if narrow == torch.uint8 else better.to(narrow)
        shift = torch.maximum(shift, step * offset)
        best = torch.maximum(best, value)
    origin = sum(a * t for (a, _), t in zip(window.padding, strides))
    corner = _corner(window, strides, x.device) - origin
    index = corner + shift
    if not window.is_padded:
        return index.expand(best.shape).contiguous()
    return torch.where(best <= lowest(best.dtype), _first_inside(window, x.device), index)


def _corner(window: Window, strides: Axes, device: torch.device) -> Tensor:
    """``Σ s·p·stride``: where each window starts, counted from the padded origin, ``(*P,)``."""
    total = torch.zeros((), dtype=torch.int64, device=device)
    for s, p, stride in zip(window.stride, window.output_size, strides):
        total = total.unsqueeze(-1) + torch.arange(p, device=device) * (s * stride)
    return total
