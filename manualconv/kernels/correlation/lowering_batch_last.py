"""Correlation by lowering with the batch innermost: one matrix product for the whole batch, in every group.

As `lowering`, on tensors ``(C, *I, N)``.  Every tap then reads runs of ``Q·N`` neighbouring numbers (Q the last output
axis, at stride 1), so that unrolling costs what copying memory costs however short the rows are, and the placements of
all images are the columns of one matrix V of shape ``(C/g·ΠK, ΠP·N)`` per group:

    to_output:  Y = W·V              to_input:  x = crop(overlap_add(Wᵀ·Y))             to_weight:  W = Y·Vᵀ

The price is that x and y are transposed on the way in and out.  V is never whole in memory: one kernel row of taps is
unrolled, multiplied and dropped before the next.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; any number of spatial axes, none for a linear layer.

Source: cuda-convnet's layout (Krizhevsky, arXiv 1404.5997).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation import direct
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.movement.windows import Scratch, crop, overlap_add, pad, windows
from manualconv.torch_internals import is_plain, is_traced, shaped

#: The products of the definition, added up in another order.
accuracy = "exact"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    return None


def cost(map: str, sizes: Sizes) -> float:
    """That of the matrix products, where this one is the fastest of them."""
    return direct.cost("lowering_batch_last", map, sizes)


def batch_last(x: Tensor) -> Tensor:
    """``(N, C, *S)`` as a contiguous ``(C, *S, N)``, by one matrix transposition."""
    rows = x.reshape(x.shape[0], prod(x.shape[1:]))
    return rows.mT.contiguous().reshape(*x.shape[1:], x.shape[0])


def batch_first(x: Tensor, batch: int, size: tuple[int, ...]) -> Tensor:
    """``(C, *S, N)`` in any grouping as a fresh contiguous ``(N, *size)``, by one matrix transposition."""
    rows = x.reshape(prod(size), batch)
    return shaped(rows.mT.clone(memory_format=torch.contiguous_format), (batch, *size))


def _frame(x: Tensor, window: Window) -> Tensor:
    """The padded input, batch innermost: ``(N, C, *I)`` → ``(C, *(I + a + b), N)``."""
    return pad(batch_last(x), window, lead=1)


def _unrolled(frame: Tensor, k: int | None, window: Window, scratch: Scratch | None) -> Tensor:
    """V of kernel row k: padded ``(C, *I', N)`` → ``(g, C/g·ΠK/K₀, ΠP·N)``."""
    v = windows(frame, window, lead=1)
    if k is not None:
        v = v.select(1, k)
    v = v.contiguous() if scratch is None else scratch.take(tuple(v.shape)).copy_(v)
    channels = frame.shape[0] // window.groups
    return v.reshape(window.groups, channels * _row_taps(k, window), prod(window.output_size) * frame.shape[-1])


def _row_taps(k: int | None, window: Window) -> int:
    """ΠK/K₀: taps in one kernel row."""
    return window.taps if k is None else prod(window.kernel_size[1:])


def _kernel_rows(window: Window, *tensors: Tensor) -> Sequence[int | None]:
    """Positions on the first kernel axis; None stands for all at once, in a graph or without an axis."""
    return range(window.kernel_size[0]) if window.ndim and not any(map(is_traced, tensors)) else [None]


def _columns(y: Tensor, window: Window) -> Tensor:
    """Y: ``(N, O, *P)`` → ``(g, O/g, ΠP·N)``."""
    return batch_last(y).reshape(window.groups, y.shape[1] // window.groups, prod(y.shape[2:]) * y.shape[0])


def _filters(w: Tensor, k: int | None, window: Window) -> Tensor:
    """W of kernel row k: ``(O, C/g, *K)`` → ``(g, O/g, C/g·ΠK/K₀)``."""
    row = w if k is None else w.select(2, k)
    return row.reshape(window.groups, w.shape[0] // window.groups, w.shape[1] * _row_taps(k, window))


def _scratch(*tensors: Tensor) -> Scratch | None:
    """Shared memory for the kernel rows, where writing in place is safe."""
    return Scratch(tensors[0]) if is_plain(*tensors) else None


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, (g o), p] = b[(g o)] + Σ_{c,k} x[n, (g c), s·p + d·k − a] · w[(g o), c, k]``."""
    frame, scratch = _frame(x, window), _scratch(x, w)
    y = None if b is None else b.reshape(window.groups, w.shape[0] // window.groups, 1)
    for k in _kernel_rows(window, x, w):
        filters, v = _filters(w, k, window), _unrolled(frame, k, window, scratch)
        if k and y is not None and scratch is not None:
            y.baddbmm_(filters, v)
        else:
            y = torch.bmm(filters, v) if y is None else torch.baddbmm(y, filters, v)
    assert y is not None
    return batch_first(y, x.shape[0], (w.shape[0], *window.output_size))


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_{o,k,p : s·p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""
    channels, columns, scratch = w.shape[1] * window.groups, _columns(y, window), _scratch(w, y)
    planes = (channels, *window.kernel_size[1:], *window.output_size, y.shape[0])
    frame: Tensor | None = None
    for k in _kernel_rows(window, w, y):
        filters = _filters(w, k, window).mT
        out = None if scratch is None else scratch.take((window.groups, filters.shape[1], columns.shape[2]))
        v = torch.bmm(filters, columns, out=out)
        if k is None and window.ndim:
            v = v.reshape(channels, *window.kernel_size, *window.output_size, y.shape[0])
            frame = overlap_add(v, window, lead=1)
            continue
        v = v.reshape(planes)
        if window.is_pointwise:  # a slice of everything would be an alias: see `overlap_add`
            frame = v.reshape(channels, *window.padded_size, y.shape[0])
            continue
        if frame is None:
            frame = v.new_zeros((channels, *window.padded_size, y.shape[0]))
        for tap in product(*map(range, window.kernel_size[1:])):
            # v[:] would be one view too many for the batching that gradcheck uses.
            # add_, since += on an index also copies the slice onto itself.
            assert k is not None
            frame[window.tap((k, *tap), lead=1)].add_(v[(slice(None),) + tap] if tap else v)  # noqa: RUF005  (3.10)
    assert frame is not None
    return batch_first(crop(frame, window, lead=1), y.shape[0], (channels, *window.input_size))


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), s·p + d·k − a] · y[n, (g o), p]``."""
    frame, columns, scratch = _frame(x, window), _columns(y, window), _scratch(x, y)
    # (V·Yᵀ)ᵀ rather than Y·Vᵀ: the tall factor first runs half as long again as fast in the usual BLAS.
    rows = [torch.bmm(_unrolled(frame, k, window, scratch), columns.mT).mT for k in _kernel_rows(window, x, y)]
    size = (y.shape[1], x.shape[1] // window.groups)
    if len(rows) == 1:
        return shaped(rows[0].contiguous(), (*size, *window.kernel_size))
    return torch.stack([row.reshape(*size, *window.kernel_size[1:]) for row in rows], 2)
