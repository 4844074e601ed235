"""Correlation tap by tap, only where the tap meets the input: products with padding are left out.

Along one axis, tap ``k`` of placement ``p`` reads ``i = p + d·k − a``, which is inside for

    max(0, a − d·k) ≤ p < min(P, I + a − d·k)                       placements p(k), positions i(k) = p(k) + d·k − a

and in several axes on the box of these.  With ``X_k = x[i(k)]`` and ``Y_k = y[p(k)]`` as matrices of as many columns as
the box has placements, and ``W_k`` of shape ``(O, C)``, the trilinear form is ``Σ_k ⟨W_k·X_k, Y_k⟩`` and

    to_output:  Y_k += W_k·X_k          to_input:  X_k += W_kᵀ·Y_k          to_weight:  W_k = Y_k·X_kᵀ

This saves the products that meet zeros: of three taps at ``a = d`` the share ``1 − (1 − 2a/3P)^D``, and most of them
for a window that is wide beside its input.  Nothing is unrolled: the columns of all axes but the first are cut out once
for each tap, and the taps of the first axis read rows of that cut in place; on one axis nothing is copied at all.  The
work goes image by image and group by group, so that a cut stays in the caches.  Padding is never multiplied: an
infinite weight times a zero of the padding is NaN where windows are unrolled, and is left out here.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; stride 1, any padding.

Source: accumulating kn2row is Anderson, Vasudevan, Keane and Gregg, arXiv 1709.03395; the boxes are its windows' edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation.cost import CALL, COPY, Sizes
from manualconv.torch_internals import shaped

Slices = tuple[slice, ...]


class Box(NamedTuple):
    """Where taps meet the input: their placements, and the positions that these read, per axis."""

    placements: Slices
    positions: Slices


def _met(window: Window, axis: int, k: int) -> tuple[slice, slice]:
    """p(k) and i(k) along an axis; both empty where the tap meets padding only."""
    shift = window.dilation[axis] * k - window.padding[axis][0]
    first = max(0, -shift)
    last = max(first, min(window.output_size[axis], window.input_size[axis] - shift))
    return slice(first, last), slice(first + shift, last + shift)


def _cuts(window: Window) -> Iterator[tuple[int, Box]]:
    """The number k', row-major, of every tap of all axes but the first that meets the input, and its box."""
    axes = range(1, window.ndim)
    for k, tap in enumerate(product(*(range(window.kernel_size[axis]) for axis in axes))):
        met = [_met(window, axis, j) for axis, j in zip(axes, tap)]
        if all(p.stop > p.start for p, _ in met):
            yield k, Box(tuple(p for p, _ in met), tuple(i for _, i in met))


def _rows(window: Window) -> list[tuple[int, slice, slice]]:
    """Every tap of the first axis that meets the input, its placements and positions."""
    found = [(k, *_met(window, 0, k)) for k in range(window.kernel_size[0])]
    return [row for row in found if row[1].stop > row[1].start]


def _pairs(window: Window, axis: int) -> tuple[int, int]:
    """How many taps of an axis meet the input, and how many pairs of tap and placement do.

    Without a loop, since a cost is asked for before it is known whether the kernel is short: with
    ``B(x) = Σ_k max(0, x − d·k)`` the pairs with ``p + d·k < x`` are ``B(x) − B(x − P)``, and those that meet the input
    are the difference of ``x = I + a`` and ``x = a``.
    """
    (a, _), d, k = window.padding[axis], window.dilation[axis], window.kernel_size[axis]
    i, p = window.input_size[axis], window.output_size[axis]

    def below(x: int) -> int:
        taps = min(k, max(0, -(-x // d)))
        return taps * x - d * (taps * (taps - 1) // 2)

    taps = min(k, (i + a - 1) // d + 1) - max(0, (a - p) // d + 1) if i and p else 0
    return max(0, taps), below(i + a) - below(i + a - p) - below(a) + below(a - p)


#: The products of the definition but for zeros, added up tap by tap.
accuracy = "exact"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    if not sizes.dtype.is_floating_point:
        return f"no {sizes.dtype}"
    return "stride 1 only" if any(s != 1 for s in sizes.window.stride) else None


def cost(map: str, sizes: Sizes) -> float:
    """The products that meet the input, a cut of x and y for every tap of all axes but the first, and the sums."""
    window = sizes.window
    each = [_pairs(window, axis) for axis in range(window.ndim)]
    (rows, height), boxes, inner = each[0], prod(taps for taps, _ in each[1:]), prod(pairs for _, pairs in each[1:])
    channels, outputs = sizes.channels // window.groups, sizes.outputs // window.groups
    met = sizes.batch * window.groups * channels * outputs * height * inner
    cut = inner * (sizes.channels * window.input_size[0] + sizes.outputs * window.output_size[0])
    summed = 0 if map == "weight" else height * inner * (sizes.channels if map == "input" else sizes.outputs)
    moved = sizes.batch * (cut * (window.ndim > 1) + summed) * sizes.item
    calls = sizes.batch * window.groups * boxes * (rows + 3)
    columns = height * inner / max(rows * boxes, 1)
    return sizes.product(met, min(channels, outputs), columns) + moved * COPY + calls * CALL


def _filters(w: Tensor, window: Window) -> Tensor:
    """``W_k`` of every tap and group: ``(O, C/g, *K)`` → ``(K₀, ΠK', g, O/g, C/g)``."""
    size = (window.kernel_size[0], -1, window.groups, w.shape[0] // window.groups, w.shape[1])
    return w.movedim((0, 1), (-2, -1)).contiguous().reshape(size)


def _images(t: Tensor, window: Window) -> Iterator[tuple[int, Tensor]]:
    """Every image's channels of each group, with the number of the group: ``(C/g, *I)``."""
    blocks = t.reshape(t.shape[0] * window.groups, t.shape[1] // window.groups, *t.shape[2:])
    for n, block in enumerate(blocks.unbind(0)):
        yield n % window.groups, block


def _cut(t: Tensor, box: Slices) -> Tensor:
    """The columns of a box, ``(C, I₀, *I')`` → ``(C, I₀, *box)``, copied together unless they are all there are."""
    return t[(slice(None), slice(None)) + box].contiguous()  # noqa: RUF005  (a star in an index needs Python 3.11)


def _is_whole(t: Tensor, box: Slices) -> bool:
    return all(s.stop - s.start == size for s, size in zip(box, t.shape[2:]))


def _read(t: Tensor, rows: slice) -> Tensor:
    """Some rows of a cut as a matrix ``(C, rows·Π box)``, a view."""
    return t[:, rows].flatten(1)


def _spread(
    source: Tensor, target: Tensor, filters: Tensor, taps: list[tuple[int, slice, slice]], box: tuple[Slices, Slices]
) -> None:
    """``target[to(k)] += W_k·source[from(k)]`` for the taps k of the first axis, on the columns of one cut."""
    columns, whole = _cut(source, box[0]), _is_whole(target, box[1])
    into = target[(slice(None), slice(None)) + box[1]]
    total = target if whole else torch.zeros_like(into, memory_format=torch.contiguous_format)
    for k, read, written in taps:
        _read(total, written).addmm_(filters[k], _read(columns, read))
    if not whole:
        into.add_(total)


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, (g o), p(k)] = b[(g o)] + Σ_k Σ_c x[n, (g c), i(k)] · w[(g o), c, k]``."""
    size = (x.shape[0], w.shape[0], *window.output_size)
    start = x.new_zeros(()) if b is None else b.reshape(-1, *(1,) * window.ndim)
    y = start.expand(size).clone(memory_format=torch.contiguous_format)
    taps, filters = [(k, i, p) for k, p, i in _rows(window)], _filters(w, window)
    for (g, x_n), (_, y_n) in zip(_images(x.contiguous(), window), _images(y, window)):
        for k, box in _cuts(window):
            _spread(x_n, y_n, filters[:, k, g], taps, (box.positions, box.placements))
    return y


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i(k)] = Σ_k Σ_o w[(g o), c, k] · y[n, (g o), p(k)]``."""
    x = y.new_zeros((y.shape[0], w.shape[1] * window.groups, *window.input_size))
    taps, filters = _rows(window), _filters(w, window).mT
    for (g, x_n), (_, y_n) in zip(_images(x, window), _images(y.contiguous(), window)):
        for k, box in _cuts(window):
            _spread(y_n, x_n, filters[:, k, g], taps, (box.placements, box.positions))
    return x


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_n Σ_p(k) x[n, (g c), i(k)] · y[n, (g o), p(k)]``."""
    outputs, channels = y.shape[1] // window.groups, x.shape[1] // window.groups
    first, taps = window.kernel_size[0], window.taps // window.kernel_size[0]
    planes = x.new_zeros((first, taps, window.groups, outputs, channels))
    for (g, x_n), (_, y_n) in zip(_images(x.contiguous(), window), _images(y.contiguous(), window)):
        for k, box in _cuts(window):
            rows, columns = _cut(y_n, box.placements), _cut(x_n, box.positions)
            for row, p, i in _rows(window):
                planes[row, k, g].addmm_(_read(rows, p), _read(columns, i).mT)
    w = planes.reshape(window.taps, y.shape[1], channels).movedim(0, -1)
    return shaped(w.contiguous(), (y.shape[1], channels, *window.kernel_size))
