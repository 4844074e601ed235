"""The maximum of each window, and the tap that it is at.

    y[p] = x[s·p + d·k(p) − a],  k(p) the first tap of the largest         maximum
    positions(k)[p] = s·p + d·k(p) − a, flat                               argmax = positions of the maximum's taps

A tie goes to the first tap in row-major order; a NaN is larger than everything and a later NaN replaces an earlier one,
as in torch's kernel.  The padding is −∞ and never wins: a window with nothing else inside takes its first tap there.
A tap is numbered in row-major order, in one byte where there are no more than 256: it stands for a position in the
graph, at an eighth of the memory.  An axis is taken at a time, by doubling: see `compiled_maximum` for the equation,
`frames` for how the planes lie; or eight windows at a time, where a stride of 2 moves small ones: `compiled_strided`.

Shapes: x ``(N, C, *I)`` → y and taps ``(N, C, *P)``; positions in ``*I`` are int64.
"""

from __future__ import annotations

import math
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.compiling import NUMBERS, is_compilable, numbers, share
from manualconv.kernels.pooling.frames import PAIRS, Frame, frame_of_window
from manualconv.kernels.pooling.interval_maximum import argmax_windows
from manualconv.kernels.pooling.selection import scatter, select
from manualconv.kernels.pooling.taps import blind, first_inside, has_blind, positions, taps_at
from manualconv.torch_internals import is_plain

#: Entries from which compiled loops save more than it costs to look for them.
LARGE = 2**16
#: Nanoseconds that they take for one entry.
ENTRY = 1.5
#: Nanoseconds for one tap of one window where these are taken eight at a time.
TAP = 0.25
#: Nanoseconds for an entry that scattering sets to zero, and for one that it adds.
CLEARED, ADDED = 0.1, 1.5
#: Numbers that torch's operations work on at a time, on the CPU: the caches hold them.
BLOCK = 2**18


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
        from manualconv.kernels.pooling.compiled_strided import is_strided, strided_maxima

        of, to, at = map(numbers, (x, y, taps))
        if is_strided(window):
            share(strided_maxima(of, window, to, at), planes, to.size * window.taps * TAP)
        else:
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
    planes = max(1, BLOCK // prod(f.size)) if x.device.type == "cpu" else len(x)
    # A comparison has vectors where its result has the dtype of what is compared.
    label = x.dtype if x.dtype in NUMBERS and window.taps <= 2**24 else taps.dtype
    for first in range(0, len(x), planes):
        some = x[first : first + planes]
        v, at = _best(_phases(some.reshape(len(some), *f.length), f), f, may_be_nan, label)
        y[first : first + planes] = v.reshape(len(some), *window.output_size)
        # By way of int32 there are vectors: six times as fast as at once.
        taps[first : first + planes] = 0 if at is None else at.reshape(len(some), *window.output_size).int()
    if not f.given:
        torch.maximum(taps, first_inside(window, x.device).to(taps.dtype), out=taps)


def _is_split(f: Frame) -> bool:
    """Whether each tap along the last axis is read at its placements alone: they lie together, phase by phase."""
    return f.every[2] > 1 and f.taps[2] <= PAIRS


def _phases(x: Tensor, f: Frame) -> list[Tensor]:
    """The padded planes ``(A, *frame)``; position ``s·q + r`` of the last axis at q of phase r, if that is split."""
    (a0, a1, a2), (i0, i1, i2), (n0, n1, n2) = f.front, f.length, f.size
    m0, m1 = min(i0, n0 - a0), min(i1, n1 - a1)
    s, d, k = (f.every[2], f.dilation[2], f.taps[2]) if _is_split(f) else (1, 1, 1)
    if s == 1 and f.given:
        return [x]
    columns = f.placements[2] + d * (k - 1) // s if s > 1 else n2
    frames = []
    for r in range(s):
        first = (r - a2) % s
        q = (a2 + first - r) // s
        count = max(0, min((i2 - first + s - 1) // s, columns - q))
        frame = x.new_empty((len(x), n0, n1, columns))
        for axis, size, front, inside in ((1, n0, a0, m0), (2, n1, a1, m1), (3, columns, q, count)):
            for at, border in ((0, front), (front + inside, size - front - inside)):
                if border > 0:
                    frame.narrow(axis, at, border).fill_(lowest(x.dtype))
        frame[:, a0 : a0 + m0, a1 : a1 + m1, q : q + count] = x[:, :m0, :m1, first : first + s * count : s]
        frames.append(frame)
    return frames


def _best(phases: list[Tensor], f: Frame, may_be_nan: bool, label: torch.dtype) -> tuple[Tensor, Tensor | None]:
    """Values and taps of all placements, an axis at a time: phases ``(A, *frame)`` → ``(A, *P)`` twice.

    Along an axis with a stride each tap is read at the placements alone, so that nothing between them is compared.
    """
    v, at, weight = phases[0], None, 1
    for axis in (3, 2, 1):
        taps, d, s, p = f.taps[axis - 1], f.dilation[axis - 1], f.every[axis - 1], f.placements[axis - 1]
        k, split = taps, axis == 3 and _is_split(f)
        if not split and (s == 1 or k > PAIRS):
            v, at = _doubled(v, at, axis, k, d, weight, may_be_nan, label)
            k = 1
        best, best_at = None, None
        for t in range(k):
            of, first, step = (phases[d * t % s], d * t // s, 1) if split else (v, d * t, s)
            read = (slice(None),) * axis + (slice(first, first + step * (p - 1) + 1, step),)
            other, other_at = of[read], None if at is None else at[read]
            if best is not None:
                other, other_at = _better(best, best_at, other, other_at, t * weight, may_be_nan, label)
            best, best_at = other, other_at
        assert best is not None
        v, at, weight = best, best_at, weight * taps
    return v, at


def _doubled(
    v: Tensor, at: Tensor | None, axis: int, k: int, d: int, weight: int, may_be_nan: bool, label: torch.dtype
) -> tuple[Tensor, Tensor | None]:
    """The best of k positions from each on, by doubling in flat rows: what reaches over an axis is left out."""
    size, run = list(v.shape), 1
    stride = [prod(size[after:]) for after in range(1, len(size) + 1)]
    v, at = v.contiguous().view(-1), None if at is None else at.contiguous().view(-1)
    while run < k:
        more = min(run, k - run)
        n = len(v) - more * d * stride[axis]
        behind = None if at is None else at[-n:]
        v, at = _better(v[:n], None if at is None else at[:n], v[-n:], behind, more * weight, may_be_nan, label)
        run += more
    size[axis] -= d * (k - 1)
    return v.as_strided(size, stride), None if at is None else at.as_strided(size, stride)


def _better(
    a: Tensor, a_at: Tensor | None, b: Tensor, b_at: Tensor | None, more: int, may_be_nan: bool, label: torch.dtype
) -> tuple[Tensor, Tensor]:
    """``a ⊕ (b, more taps on)``; taps that are None are 0.  Where b is taken, its tap is never before that of a."""
    at = torch.gt(b, a, out=a.new_empty(a.shape, dtype=label))
    if may_be_nan:
        at.logical_or_(b != b)
    if b_at is not None or more > 1:
        at.mul_(more if b_at is None else b_at + more)
    return torch.maximum(a, b), at if a_at is None else torch.maximum(at, a_at, out=at)


def select_taps(x: Tensor, taps: Tensor, window: Window) -> Tensor:
    """``y[p] = x[s·p + d·k(p) − a]``: ``(*B, *I)`` → ``(*B, *P)``; no window reads padding alone."""
    planes = taps.numel() // window.placements if is_plain(taps) else 0
    if not _loops_take(x, window, planes):
        return select(x, positions(taps, window), window.ndim)
    from manualconv.kernels.pooling.compiled_maximum import selected

    y = x.new_empty(taps.shape)
    of, at, to = map(numbers, (x, taps, y))
    share(selected(of, at, window, to), planes, to.size * ENTRY)
    return y


def scatter_taps(y: Tensor, taps: Tensor, window: Window) -> Tensor:
    """Its adjoint, ``x[i] = Σ_{p : s·p + d·k(p) − a = i} y[p]``: ``(*B, *P)`` → ``(*B, *I)``."""
    planes = taps.numel() // window.placements if is_plain(taps) else 0
    if not _loops_take(y, window, planes):
        return scatter(y, positions(taps, window), window.input_size)
    from manualconv.kernels.pooling.compiled_maximum import scattered

    x = y.new_empty((*y.shape[: y.dim() - window.ndim], *window.input_size))
    of, at, to = map(numbers, (y, taps, x))
    share(scattered(of, at, window, to), planes, to.size * CLEARED + of.size * ADDED)
    return x
