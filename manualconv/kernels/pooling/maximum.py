"""The maximum of each window, and the tap that it is at.

    y[p] = x[s·p + d·k(p) − a],  k(p) the first tap of the largest         maximum
    positions(k)[p] = s·p + d·k(p) − a, flat                               argmax = positions of the maximum's taps

A tie goes to the first tap in row-major order; a NaN is larger than everything and a later NaN replaces an earlier one,
as in torch's kernel.  The padding is −∞ and never wins: a window with nothing else inside takes its first tap there.
A tap is numbered in row-major order, in one byte where there are no more than 256: it stands for a position in the
graph, at an eighth of the memory.  An axis is taken at a time, by doubling: see `compiled_maximum` for the equation,
`frames` for how the planes lie.

Shapes: x ``(N, C, *I)`` → y and taps ``(N, C, *P)``; positions in ``*I`` are int64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.compiling import is_compilable, share, values
from manualconv.kernels.pooling.frames import Frame, frame_of_window
from manualconv.kernels.pooling.interval_maximum import argmax_windows
from manualconv.kernels.pooling.selection import scatter, select
from manualconv.kernels.pooling.taps import blind, first_inside, has_blind, positions, taps_at
from manualconv.torch_internals import is_plain

#: Entries from which compiled loops save more than it costs to look for them.
LARGE = 2**16
#: Nanoseconds that they take for one entry.
ENTRY = 1.5
#: Numbers that torch's operations work on at a time, on the CPU: the caches hold them.
BLOCK = 2**17


def lowest(dtype: torch.dtype) -> float:
    """The value below all others that stands for padding."""
    return float("-inf") if dtype.is_floating_point else torch.iinfo(dtype).min


def _may_be_nan(x: Tensor) -> bool:
    """Whether x may hold a NaN, to look for at every step; for ordinary tensors in memory its sum tells."""
    if not x.is_floating_point():
        return False
    return x.device.type != "cpu" or math.isnan(x.sum().item())


def _label(window: Window) -> torch.dtype:
    """The integers that number the taps."""
    return torch.uint8 if window.taps <= 256 else torch.int32


def _loops_take(t: Tensor, window: Window, planes: int) -> bool:
    """Whether compiled loops compute it: Numba is there, and the work is large enough to pay."""
    return (
        is_plain(t)
        and planes * prod(window.input_size) >= max(LARGE, 1)
        and 1 <= window.ndim <= 3
        and prod(window.padded_size) < torch.iinfo(torch.int32).max
        and is_compilable(t)
    )


def maximum(x: Tensor, window: Window) -> tuple[Tensor, Tensor]:
    """Every window's maximum and its tap: ``(N, C, *I)`` → ``(N, C, *P)`` twice."""
    if not is_plain(x):
        index = argmax_windows(x, window)
        return select(x, index, window.ndim), taps_at(index, window)
    y = x.new_empty((*x.shape[:2], *window.output_size))
    taps = x.new_empty(y.shape, dtype=_label(window))
    if _loops_take(x, window, planes := y.shape[0] * y.shape[1]):
        from manualconv.kernels.pooling.compiled_maximum import maxima

        of, to, at = _flat(x, y, taps)
        share(maxima(of, window, to, at), planes, of.size * ENTRY)
    elif y.numel():
        _by_rows(x.flatten(0, 1), window, y.flatten(0, 1), taps.flatten(0, 1))
    return y, taps


def argmax(x: Tensor, window: Window) -> Tensor:
    """Flat input position of every window's maximum: ``(N, C, *I)`` → ``(N, C, *P)``."""
    if is_plain(x):
        return positions(maximum(x, window)[1], window)
    index = argmax_windows(x, window)
    if not has_blind(window):
        return index
    return torch.where(blind(window, x.device), positions(first_inside(window, x.device), window), index)


def _by_rows(x: Tensor, window: Window, y: Tensor, taps: Tensor) -> None:
    """By torch's operations: x ``(N·C, *I)`` → y and taps ``(N·C, *P)``, which are written to."""
    f, may_be_nan = frame_of_window(window), _may_be_nan(x)
    volume = prod(f.size)
    planes = max(1, BLOCK // volume) if x.device.type == "cpu" else len(x)
    size, lead, width = f.size[3 - window.ndim :], 3 - window.ndim, f.size[2] // (1 + f.halved)
    sides = [side for a, i, n in zip(f.front[lead:], f.length[lead:], size) for side in (n - i - a, a)][::-1]
    step = (f.every[0] * f.size[1] * width, f.every[1] * width, 1 if f.halved else f.every[2])
    strides = (volume // (1 + f.halved), *step[lead:])
    for first in range(0, len(x), planes):
        some = x[first : first + planes]
        frame = some if f.given else torch.constant_pad_nd(some, sides, lowest(x.dtype))
        v, at = _best(frame.contiguous().view(-1), f, may_be_nan, taps.dtype)
        y[first : first + planes] = v.as_strided((len(some), *window.output_size), strides)
        taps[first : first + planes] = at.as_strided((len(some), *window.output_size), strides)
    if not f.given:
        torch.maximum(taps, first_inside(window, x.device).to(taps.dtype), out=taps)


def _best(frame: Tensor, f: Frame, may_be_nan: bool, label: torch.dtype) -> tuple[Tensor, Tensor]:
    """Values and taps at the positions of placements, in flat rows; behind the last one they end."""
    v, at, inner, weight = frame, torch.zeros_like(frame, dtype=label), 1, 1
    for axis in (2, 1, 0):
        k, d, halved, run = f.taps[axis], f.dilation[axis], axis == 2 and f.halved, 1
        halves = (frame[0::2].contiguous(), frame[1::2].contiguous()) if halved else ()
        v, none = (halves[0], at[: len(halves[0])]) if halves else (v, at)
        at = none
        while run < k:
            more = 1 if halves else min(run, k - run)
            shift = d * run // 2 if halves else more * d * inner
            b, b_at = (halves[d * run % 2], none) if halves else (v, at)
            n = len(b) - shift
            a, b = v[:n], b[shift:]
            later = (b > a) | (b != b) if may_be_nan else b > a
            # at + later·(b_at − at): integers wrap round and back, and multiply faster than torch selects.
            step = (b_at[shift:] - at[:n]).add_(run if halves else more * weight)
            at = step.mul_(later.view(label) if label == torch.uint8 else later).add_(at[:n])
            v, run = torch.maximum(a, b), run + more
        inner *= f.size[axis] // 2 if halves else f.size[axis]
        weight *= k
    return v, at


def _flat(*tensors: Tensor) -> Iterator[Any]:
    """Their numbers in order, for loops."""
    return (values(t).view(-1).numpy() for t in tensors)


def select_taps(x: Tensor, taps: Tensor, window: Window) -> Tensor:
    """``y[p] = x[s·p + d·k(p) − a]``: ``(*B, *I)`` → ``(*B, *P)``; no window reads padding alone."""
    planes = taps.numel() // window.placements if is_plain(taps) else 0
    if not _loops_take(x, window, planes):
        return select(x, positions(taps, window), window.ndim)
    from manualconv.kernels.pooling.compiled_maximum import selected

    y = x.new_empty(taps.shape)
    of, at, to = _flat(x, taps, y)
    share(selected(of, at, window, to), planes, to.size * ENTRY)
    return y


def scatter_taps(y: Tensor, taps: Tensor, window: Window) -> Tensor:
    """Its adjoint, ``x[i] = Σ_{p : s·p + d·k(p) − a = i} y[p]``: ``(*B, *P)`` → ``(*B, *I)``."""
    planes = taps.numel() // window.placements if is_plain(taps) else 0
    if not _loops_take(y, window, planes):
        return scatter(y, positions(taps, window), window.input_size)
    from manualconv.kernels.pooling.compiled_maximum import scattered

    x = y.new_empty((*y.shape[: y.dim() - window.ndim], *window.input_size))
    of, at, to = _flat(y, taps, x)
    share(scattered(of, at, window, to), planes, to.size * ENTRY)
    return x
