"""Depthwise correlation tap by tap, on strips of channels that stay in the second cache.

With one channel and one output a group nothing is summed over channels: tap ``k`` scales the placements that it reads.
A channel of an image is a unit u, with the tap's slice ``X_k`` of the unit's padded input and the number ``w_k`` of its
channel; the trilinear form is ``Σ_u Σ_k w_k·⟨X_k, Y⟩`` and

    to_output:  Y = Σ_k w_k·X_k          to_input:  X_k += w_k·Y          to_weight:  w_k = Σ_n ⟨X_k, Y⟩

A matrix product has one row here, and reads K windows of memory for it.  These are 2K passes over one input, which cost
little while it lies in the second cache: so units are taken in strips, and a strip's padded input is made in place.

Shapes: x ``(N, C, *I)``, w ``(C, 1, *K)``, y ``(N, C, *P)``; float32 and float64, any number of spatial axes.

Source: Howard et al., *MobileNets*, arXiv 1704.04861, whose layer this is; blocking for a cache is textbook.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.correlation.cost import CALL, COPY, Sizes
from manualconv.kernels.movement.windows import crop, pad, taps

#: Bytes of a strip's outputs: with the padded input beside them they fit in a second cache.
STRIP = 2**19
#: Nanoseconds for one product of a tap, by bytes of a number; for one of a strided tap; to begin a row of placements.
TAP, STRIDED, ROW = {4: 0.25, 8: 0.5}, 1.0, 6.0

#: The products of the definition, added up tap by tap.
accuracy = "exact"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    if sizes.dtype not in (torch.float32, torch.float64):
        return "float32 and float64 only"
    return None if sizes.window.groups == sizes.channels == sizes.outputs else "one channel and one output a group only"


def cost(map: str, sizes: Sizes) -> float:
    """Every tap's products, row by row, and the calls for each strip."""
    window, units = sizes.window, sizes.batch * sizes.channels
    tap = TAP[sizes.item] if window.stride[-1] == 1 else STRIDED
    a_tap = window.placements * tap + prod(window.output_size[:-1]) * ROW
    calls = -(-units // _units(window, sizes.item)) * (window.taps + 4)
    return units * window.taps * a_tap + (sizes.input_bytes + sizes.output_bytes) * COPY + calls * CALL


def _units(window: Window, item: int) -> int:
    """How many units make a strip."""
    return max(1, STRIP // max(1, window.placements * item))


def _strips(units: int, window: Window, item: int) -> Iterator[slice]:
    step = _units(window, item)
    yield from (slice(first, min(first + step, units)) for first in range(0, units, step))


def _flat(t: Tensor) -> Tensor:
    """``(N, C, *I)`` → ``(N·C, *I)``, units and their positions."""
    return t.flatten(0, 1)


def _numbers(w: Tensor, batch: int) -> Tensor:
    """``(C, 1, *K)`` → ``(N·C, *K, 1, …)``: each unit's, that stretch over its placements."""
    numbers = _flat(w).repeat(batch, *(1,) * (w.dim() - 2))
    return numbers[(...,) + (None,) * (w.dim() - 2)]


def _at(strip: slice, k: Axes) -> tuple[slice | int, ...]:
    """A tap of a strip's units, as an index."""
    return (strip, *k)


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, c, p] = b[c] + Σ_k x[n, c, s·p + d·k − a] · w[c, k]``."""
    start = x.new_zeros(()) if b is None else b.reshape(-1, *(1,) * window.ndim)
    y = start.expand(x.shape[0], w.shape[0], *window.output_size).clone(memory_format=torch.contiguous_format)
    units, into, numbers = _flat(x), _flat(y), _numbers(w, x.shape[0])
    for strip in _strips(len(units), window, x.element_size()):
        frame = pad(units[strip], window, lead=1)
        for k in taps(window):
            into[strip].addcmul_(frame[window.tap(k, lead=1)], numbers[_at(strip, k)])
    return y


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, c, i] = Σ_{k,p : s·p + d·k − a = i} w[c, k] · y[n, c, p]``."""
    x = y.new_empty((y.shape[0], w.shape[0], *window.input_size))
    units, into, numbers = _flat(y), _flat(x), _numbers(w, y.shape[0])
    for strip in _strips(len(units), window, y.element_size()):
        frame = y.new_zeros((strip.stop - strip.start, *window.padded_size))
        for k in taps(window):
            frame[window.tap(k, lead=1)].addcmul_(units[strip], numbers[_at(strip, k)])
        into[strip] = crop(frame, window, lead=1)
    return x


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[c, k] = Σ_{n,p} x[n, c, s·p + d·k − a] · y[n, c, p]``."""
    units, others = _flat(x), _flat(y)
    sums = x.new_empty((len(units), *window.kernel_size))
    for strip in _strips(len(units), window, x.element_size()):
        frame = pad(units[strip], window, lead=1)
        for k in taps(window):
            sums[_at(strip, k)] = (frame[window.tap(k, lead=1)] * others[strip]).flatten(1).sum(1)
    return sums.reshape(*x.shape[:2], 1, *window.kernel_size).sum(0)  # a fresh tensor, no view
