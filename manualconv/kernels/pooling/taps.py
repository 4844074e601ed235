"""Which tap of its window, and which position of the input: one said by the other.

    position = Σ_j (s_j·p_j + d_j·k_j − a_j)·Π_{l > j} I_l            tap = Σ_j k_j·Π_{l > j} K_l

Both are numbered in row-major order.  A window whose axis is shorter than the dilation may read padding alone: it is
blind, and its first tap behind the left padding stands for a position outside.

Shapes: taps and positions ``(N, C, *P)``; what windows have in common ``(*P,)``.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.torch_internals import is_plain

#: Placements up to which their positions are remembered for the next call.
REMEMBERED = 2**14


def _row_major(size: Axes) -> Axes:
    """Strides of a contiguous tensor of this size."""
    strides, step = [], 1
    for length in reversed(size):
        strides.append(step)
        step = step * length
    return tuple(reversed(strides))


def _start(window: Window, axis: int, device: torch.device) -> Tensor:
    """The position on one axis of each placement's tap 0, ``(P, 1 …)``, an axis for every one behind."""
    start = torch.arange(window.output_size[axis], device=device) * window.stride[axis] - window.padding[axis][0]
    return start.reshape(-1, *(1,) * (window.ndim - axis - 1))


def first_inside(window: Window, device: torch.device) -> Tensor:
    """Each window's first tap behind the left padding, ``(*P,)``."""
    total = torch.zeros((), dtype=torch.int64, device=device)
    for axis, (weight, d) in enumerate(zip(_row_major(window.kernel_size), window.dilation)):
        total = total + (d - 1 - _start(window, axis, device)).clamp(min=0) // d * weight
    return total


def _table(window: Window, device: torch.device) -> tuple[Tensor, Tensor]:
    """The flat position of each window's tap 0, ``(*P,)``, and how far each tap is from there, ``(ΠK,)``."""
    tap = torch.arange(window.taps, device=device)
    corner = shift = torch.zeros((), dtype=torch.int64, device=device)
    for axis, (step, weight) in enumerate(zip(_row_major(window.input_size), _row_major(window.kernel_size))):
        shift = shift + tap // weight % window.kernel_size[axis] * (window.dilation[axis] * step)
        corner = corner + _start(window, axis, device) * step
    return corner, shift


_remembered = lru_cache(64)(_table)


def positions(taps: Tensor, window: Window) -> Tensor:
    """The flat positions that taps read: ``(*B, *P)`` → ``(*B, *P)``, int64."""
    table = _remembered if is_plain(taps) and window.placements <= REMEMBERED else _table
    corner, shift = table(window, taps.device)
    return corner + shift.index_select(0, taps.reshape(-1).to(torch.int64)).reshape(taps.shape)


def taps_at(index: Tensor, window: Window) -> Tensor:
    """The taps that read flat positions, the other way round."""
    taps = torch.zeros((), dtype=torch.int64, device=index.device)
    for axis, (step, weight) in enumerate(zip(_row_major(window.input_size), _row_major(window.kernel_size))):
        at = index // step % window.input_size[axis]
        taps = taps + (at - _start(window, axis, index.device)) // window.dilation[axis] * weight
    return taps


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
        start, d = _start(window, axis, device), window.dilation[axis]
        hidden = hidden | (torch.where(start < 0, start % d, start) >= length)
    return hidden
