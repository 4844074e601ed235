"""Correlation by lowering along every axis but the first: the rows of the kernel are read where they lie (MEC).

The windows of all axes but the first are unrolled, batch innermost, into ``L`` of shape ``(I', C·ΠK', ΠQ·N)``, where
I' is the padded first axis, K' the other kernel axes and Q the other output axes.  With dilation 1 along the first axis
the K₀ kernel rows of placement p are neighbours in it: ``L_p = L[s·p : s·p + K₀]`` is a matrix ``(K₀·C·ΠK', ΠQ·N)`` in
place, and neighbouring placements share memory.  With the weights as ``W`` of shape ``(O, K₀·C·ΠK')``, the trilinear
form is ``Σ_p ⟨W·L_p, Y_p⟩`` and its three derivatives are

    to_output:  Y_p = W·L_p          to_input:  L_p += Wᵀ·Y_p, rows added back          to_weight:  W = Σ_p Y_p·L_pᵀ

All placements p are one batched product.  Unrolling copies K₀ times less than im2col.  One group, dilation 1 along the
first axis; `lowering_batch_last` takes the others.

Shapes: x ``(N, C, *I)``, w ``(O, C, *K)``, y ``(N, O, *P)``; two spatial axes or more.

Source: Cho and Brand, *MEC: memory-efficient convolution for deep neural network*, ICML 2017.
"""

from __future__ import annotations

from itertools import product
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation import direct
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.correlation.lowering_batch_last import batch_first, batch_last
from manualconv.kernels.movement.windows import crop, pad
from manualconv.torch_internals import shaped

#: The products of the definition, added up in another order.
accuracy = "exact"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    if direct.reads_rows(sizes.window):
        return None
    return "two axes or more, one group, dilation 1 along the first axis"


def cost(map: str, sizes: Sizes) -> float:
    """That of the matrix products, where this one is the fastest of them."""
    return direct.cost("lowering_rows", map, sizes)


def _height(channels: int, window: Window) -> int:
    """``C·ΠK'``: rows of L that one row of the input makes."""
    return channels * prod(window.kernel_size[1:])


def _width(batch: int, window: Window) -> int:
    """``ΠQ·N``: columns of L."""
    return prod(window.output_size[1:]) * batch


def _unrolled(x: Tensor, window: Window) -> Tensor:
    """L: ``(N, C, *I)`` → ``(I', C, *K', *Q, N)``, contiguous."""
    frame = pad(batch_last(x), window, lead=1)
    channel, first, *others, _ = frame.stride()
    taps = [d * t for d, t in zip(window.dilation[1:], others)]
    steps = [s * t for s, t in zip(window.stride[1:], others)]
    size = (window.padded_size[0], x.shape[1], *window.kernel_size[1:], *window.output_size[1:], x.shape[0])
    return frame.as_strided(size, (first, channel, *taps, *steps, 1)).contiguous()


def _placements(rows: Tensor, height: int, width: int, window: Window) -> Tensor:
    """``L_p`` for every p, a view of L: ``(P₀, K₀·C·ΠK', ΠQ·N)``; neighbours overlap."""
    size = (window.output_size[0], window.kernel_size[0] * height, width)
    return rows.as_strided(size, (window.stride[0] * height * width, width, 1))


def _filters(w: Tensor) -> Tensor:
    """W: ``(O, C, *K)`` → ``(O, K₀·C·ΠK')``."""
    return w.movedim(2, 1).reshape(w.shape[0], prod(w.shape[1:]))


def _columns(y: Tensor) -> Tensor:
    """``Y_p`` for every p: ``(N, O, P₀, *Q)`` → a view ``(P₀, O, ΠQ·N)``."""
    return batch_last(y).reshape(y.shape[1], y.shape[2], prod(y.shape[3:]) * y.shape[0]).movedim(1, 0)


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, o, p] = b[o] + Σ_{c,k} x[n, c, s·p + d·k − a] · w[o, c, k]``."""
    height, width = _height(x.shape[1], window), _width(x.shape[0], window)
    v = _placements(_unrolled(x, window), height, width, window)
    filters = _filters(w).expand(v.shape[0], -1, -1)
    y = torch.bmm(filters, v) if b is None else torch.baddbmm(b.reshape(-1, 1), filters, v)
    return batch_first(y.movedim(0, 1), x.shape[0], (w.shape[0], *window.output_size))


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, c, i] = Σ_{o,k,p : s·p + d·k − a = i} w[o, c, k] · y[n, o, p]``."""
    channels, columns = w.shape[1], _columns(y)
    height, width = _height(channels, window), _width(y.shape[0], window)
    rows = y.new_zeros((window.padded_size[0], height, width))
    filters = w.movedim((2, 0), (0, -1)).reshape(window.kernel_size[0], 1, height, w.shape[0])
    for k in range(window.kernel_size[0]):
        rows[window.tap((k,), lead=0)].baddbmm_(filters[k].expand(columns.shape[0], -1, -1), columns)
    planes = rows.reshape(
        rows.shape[0], channels, *window.kernel_size[1:], *window.output_size[1:], y.shape[0]
    ).movedim(0, 1)
    return batch_first(crop(_folded(planes, window), window, lead=1), y.shape[0], (channels, *window.input_size))


def _folded(planes: Tensor, window: Window) -> Tensor:
    """Undo the unrolling of all axes but the first: ``(C, I', *K', *Q, N)`` → ``(C, I', *I'', N)``."""
    both = (slice(None), slice(None))
    frame = planes.new_zeros((*planes.shape[:2], *window.padded_size[1:], planes.shape[-1]))
    for k in product(*map(range, window.kernel_size[1:])):
        read = both + window.tap((0, *k), lead=1)[2:]
        # add_, since += on an index also copies the slice onto itself.
        frame[read].add_(planes[both + k])
    return frame


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[o, c, k] = Σ_{n,p} x[n, c, s·p + d·k − a] · y[n, o, p]``."""
    height, width = _height(x.shape[1], window), _width(x.shape[0], window)
    v = _placements(_unrolled(x, window), height, width, window)
    # (V·Yᵀ)ᵀ rather than Y·Vᵀ: the tall factor first runs half as long again as fast in the usual BLAS.
    w = torch.bmm(v, _columns(y).mT).sum(0)  # (K₀·C·ΠK', O)
    w = w.reshape(window.kernel_size[0], x.shape[1], prod(window.kernel_size[1:]), y.shape[1])
    return shaped(w.permute(3, 1, 0, 2).contiguous(), (y.shape[1], x.shape[1], *window.kernel_size))
