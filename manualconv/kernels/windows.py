"""Padding and windows: the data movement under every lowered layer, each beside its adjoint.

Tensors here are *batch-last*: ``(C, *I, N)``.  With the batch innermost every tap reads runs of ``Q·N`` neighbouring
numbers (Q the last output axis, at stride 1), so copying windows costs what copying memory costs, and one matrix
product serves the whole batch.

    windows(x)[c, k, p, n]   = x[c, s·p + d·k, n]                     a view: nothing is copied
    overlap_add(v)[c, i, n]  = Σ_{k,p : s·p + d·k = i} v[c, k, p, n]  its adjoint: ⟨windows(x), v⟩ = ⟨x, overlap_add(v)⟩
    pad(x)                   = x framed by a constant                 crop(pad(x)) = x
    crop(x)                  = x without its frame                    ⟨pad(x), y⟩ = ⟨x, crop(y)⟩ for the constant 0

Source: Chellapilla, Puri and Simard, *High performance convolutional neural networks for document processing* (2006),
where the unrolled windows ("im2col") first made a convolution one matrix product.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from manualconv.geometry import Window


def batch_last(x: Tensor) -> Tensor:
    """``(N, C, *S)`` as a view ``(C, *S, N)``."""
    return x.movedim(0, -1)


def batch_first(x: Tensor) -> Tensor:
    """``(C, *S, N)`` as a fresh contiguous ``(N, C, *S)``; never a view, so that it may leave a Function's forward."""
    return x.movedim(-1, 0).clone(memory_format=torch.contiguous_format)


def pad(x: Tensor, window: Window, value: float = 0.0) -> Tensor:
    """``(C, *I, N)`` → ``(C, *(I + a + b), N)``, contiguous, `value` outside."""
    if not window.is_padded:
        return x.contiguous()
    return torch.constant_pad_nd(x, [0, 0, *window.frame], value).contiguous()


def crop(x: Tensor, window: Window) -> Tensor:
    """``(C, *(I + a + b), N)`` → ``(C, *I, N)``, a view, or x itself where there is nothing to cut off."""
    return x[window.inner(lead=1)] if window.is_padded else x


def windows(x: Tensor, window: Window) -> Tensor:
    """``(C, *(I + a + b), N)`` contiguous → a view ``(C, *K, *P, N)``; taps and placements step along the same axes."""
    axis = x.stride()[1:-1]
    taps = tuple(d * t for d, t in zip(window.dilation, axis))
    steps = tuple(s * t for s, t in zip(window.stride, axis))
    size = (x.shape[0], *window.kernel_size, *window.output_size, x.shape[-1])
    return x.as_strided(size, (x.stride(0), *taps, *steps, x.stride(-1)))


def taps(window: Window) -> product[tuple[int, ...]]:
    """Every tap ``k``, row-major."""
    return product(*map(range, window.kernel_size))


def overlap_add(v: Tensor, window: Window) -> Tensor:
    """``(C, *K, *P, N)`` → ``(C, *(I + a + b), N)``: every tap's plane added where that tap was read."""
    if window.ndim == 0:
        return v
    x = v.new_zeros((v.shape[0], *window.padded_size, v.shape[-1]))
    for k in taps(window):
        x[window.tap(k, lead=1)] += v[(slice(None),) + k]  # noqa: RUF005  (a star in an index needs Python 3.11)
    return x
