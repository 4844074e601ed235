"""Window sums one axis at a time, and the bias sums.

A window is a product of intervals, so its sum is a sum along each axis in turn: ΣK additions instead of ΠK.

    sum_windows:     y = S_1 · … · S_D · pad(x),        (S_j x)[p] = Σ_k x[s·p + d·k] along axis j
    spread_windows:  x = crop(S_Dᵀ · … · S_1ᵀ · y),    (S_jᵀ y)[s·p + d·k] += y[p]

Shapes: x ``(N, C, *I)``, y ``(N, C, *P)``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.windows import crop, pad

WIDENED = {torch.float16: torch.float32, torch.bfloat16: torch.float32}


def _summed(window: Window) -> list[int]:
    """The axes along which there is anything to add up: all but those whose window is one position wide at stride 1.

    There a slice of everything would be an alias: see `overlap_add`.
    """
    return [axis for axis in range(window.ndim) if window.kernel_size[axis] > 1 or window.stride[axis] > 1]


def _taps_along(axis: int, window: Window) -> list[tuple[slice, ...]]:
    """The slices along one axis that its taps read, behind batch, channels and the axes before it."""
    s, d, p = window.stride[axis], window.dilation[axis], window.output_size[axis]
    lead = (slice(None),) * (axis + 2)
    return [(*lead, slice(d * k, d * k + s * (p - 1) + 1, s)) for k in range(window.kernel_size[axis])]


def sum_windows(x: Tensor, window: Window) -> Tensor:
    """``(N, C, *I)`` → ``(N, C, *P)``: the sum over each window, zeros outside."""
    axes = _summed(window)
    total = pad(x.to(WIDENED.get(x.dtype, x.dtype)), window)
    for axis in axes:
        first, *others = (total[tap] for tap in _taps_along(axis, window))
        total = first.clone()
        for other in others:
            total = total + other
    total = total.to(x.dtype).contiguous()
    return total if axes else total.clone()


def spread_windows(y: Tensor, window: Window) -> Tensor:
    """``(N, C, *P)`` → ``(N, C, *I)``: each entry added to every position of its window."""
    spread = y.to(WIDENED.get(y.dtype, y.dtype))
    for axis in reversed(_summed(window)):
        size = list(spread.shape)
        size[axis + 2] = window.padded_size[axis]
        wider = spread.new_zeros(size)
        for tap in _taps_along(axis, window):
            wider[tap].add_(spread)
        spread = wider
    return crop(spread, window).to(y.dtype).clone(memory_format=torch.contiguous_format)


def sum_to_bias(y: Tensor) -> Tensor:
    """``(N, O, *P)`` → ``(O,)``."""
    return y.sum([0, *range(2, y.dim())])


def spread_bias(b: Tensor, batch: int, size: Axes) -> Tensor:
    """``(O,)`` → ``(N, O, *P)``."""
    return b.reshape(1, -1, *(1,) * len(size)).expand(batch, -1, *size).clone(memory_format=torch.contiguous_format)
