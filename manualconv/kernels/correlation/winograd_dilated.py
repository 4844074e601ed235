"""Minimal filtering of dilated windows: the phases of the input are images of their own (Winograd).

At stride 1 the placements ``p = d·p' + ρ`` of one phase ρ read positions of one phase of the padded input only,

    p + d·k = d·(p' + k) + ρ            0 ≤ ρ < d

so that a window of dilation d is ΠD windows without dilation, one for each phase, with the same taps.  Cut to one size,
the phases stand beside the images of the batch: ``x_ρ[q] = x[d·q + ρ − e]``, ``y_ρ[p'] = y[d·p' + ρ]`` and

    to_output:  y_ρ = winograd.to_output(x_ρ, w)          and so the other two, w a sum over phases as over images

Padding in whole steps of d stays padding of the phases; the rest of it, e, is put before x.

Shapes: x ``(N, C, *I)``, w ``(O, C, *K)``, y ``(N, O, *P)``; stride 1, one group, some dilation above 1.

Source: `phases` and `winograd`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import prod
from typing import NamedTuple

from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.correlation import winograd
from manualconv.kernels.correlation.cost import COPY, Sizes
from manualconv.kernels.movement.phases import joined, phases


class Phase(NamedTuple):
    """How many phases d, the positions e before x, and the window of each, per axis."""

    steps: Axes
    before: Axes
    window: Window


@cache
def _phase(window: Window) -> Phase:
    """How a window falls into phases, as many on an axis as its dilation says; one where the kernel has one tap."""
    steps = tuple(1 if k == 1 else d for k, d in zip(window.kernel_size, window.dilation))
    before, size, padding = [], [], []
    for i, k, p, d, (a, _) in zip(window.input_size, window.kernel_size, window.output_size, steps, window.padding):
        read = -(-p // d) + k - 1
        low = min(max(a, 0) // d, k - 1)
        before.append(a - d * low)
        high = min(max(read - low + -(i + before[-1]) // d, 0), k - 1, read - low - 1)
        size.append(read - low - high)
        padding.append((low, high))
    inner = replace(
        window, input_size=tuple(size), dilation=(1,) * window.ndim, padding=tuple(padding), channels_last=False
    )
    return Phase(steps, tuple(before), inner)


def _sizes(sizes: Sizes) -> Sizes:
    """Those of the phases."""
    steps, _, window = _phase(sizes.window)
    return replace(sizes, batch=sizes.batch * prod(steps), window=window)


#: An output depends on all positions of its tile.
accuracy = "fast"


def refusal(sizes: Sizes) -> str | None:
    """Why a window is not taken."""
    if any(s != 1 for s in sizes.window.stride):
        return "stride 1 only"
    if all(d == 1 for d in _phase(sizes.window).steps):
        return "no dilation"
    return winograd.refusal(_sizes(sizes))


def cost(map: str, sizes: Sizes) -> float:
    """That of the phases, and x and y copied into them and out of them."""
    return winograd.cost(map, _sizes(sizes)) + 2 * (sizes.input_bytes + sizes.output_bytes) * COPY


def _apart(t: Tensor, steps: Axes, before: Axes, length: Axes) -> Tensor:
    """The phases as images: ``(N, C, *I)`` → ``(ΠD·N, C, *Q)``."""
    z = phases(t, steps, before, length)
    return z.reshape(prod(z.shape[: len(steps) + 1]), *z.shape[len(steps) + 1 :])


def _together(z: Tensor, steps: Axes, before: Axes, size: Axes) -> Tensor:
    """Back: ``(ΠD·N, C, *Q)`` → ``(N, C, *I)``."""
    return joined(z.reshape(*steps, z.shape[0] // prod(steps), *z.shape[1:]), steps, before, size)


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, o, d·p' + ρ] = b[o] + Σ_{c,k} x_ρ[n, c, p' + k] · w[o, c, k]``."""
    steps, before, phase = _phase(window)
    y = winograd.to_output(_apart(x, steps, before, phase.input_size), w, b, phase)
    return _together(y, steps, (0,) * window.ndim, window.output_size)


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x_ρ[n, c, q] = Σ_{o,k,p' : p' + k = q} w[o, c, k] · y_ρ[n, o, p']``."""
    steps, before, phase = _phase(window)
    x = winograd.to_input(w, _apart(y, steps, (0,) * window.ndim, phase.output_size), phase)
    return _together(x, steps, before, window.input_size)


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[o, c, k] = Σ_{n,ρ,p'} x_ρ[n, c, p' + k] · y_ρ[n, o, p']``."""
    steps, before, phase = _phase(window)
    placements = _apart(y, steps, (0,) * window.ndim, phase.output_size)
    return winograd.to_weight(_apart(x, steps, before, phase.input_size), placements, phase)
