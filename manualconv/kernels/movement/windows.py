"""Padding and windows: the data movement under every lowered layer, each beside its adjoint.

    windows(x)[c, k, p]     = x[c, s·p + d·k]                        a view: nothing is copied
    overlap_add(v)[c, i]    = Σ_{k,p : s·p + d·k = i} v[c, k, p]     its adjoint: ⟨windows(x), v⟩ = ⟨x, overlap_add(v)⟩
    pad(x)                  = x framed by a constant                 crop(pad(x)) = x if nothing is cut off
    crop(x)                 = x without its frame                    ⟨pad(x), y⟩ = ⟨x, crop(y)⟩ for the constant 0

A negative side of padding cuts positions off instead, and its adjoint puts zeros there.  It may cut through the whole
input into the padding of the other side: positions are added before any is cut.

The spatial axes stand between `lead` axes before them and any axes behind them: images are ``(N, C, *I)`` with lead 2,
and with the batch innermost ``(C, *I, N)`` with lead 1.

Source: Chellapilla, Puri and Simard, *High performance convolutional neural networks for document processing* (2006),
where the unrolled windows ("im2col") first made a convolution one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.torch_internals import is_traced


def pad(x: Tensor, window: Window, lead: int = 2, value: float | None = None) -> Tensor:
    """``(…, *I, …)`` → ``(…, *(I + a + b), …)``, contiguous, `value` outside; 0 if none is given."""
    if not window.is_padded:
        return x.contiguous()
    behind = [0, 0] * (x.dim() - lead - window.ndim)
    # Not a default of 0.0: Dynamo makes that an input of the graph, and cannot when only a backward reads it.
    value = 0 if value is None else value
    if window.is_cut:
        framed = torch.constant_pad_nd(x, behind + [max(side, 0) for side in window.frame], value)
        return framed[window.kept(lead)].contiguous()
    return torch.constant_pad_nd(x, behind + window.frame, value).contiguous()


def crop(x: Tensor, window: Window, lead: int = 2) -> Tensor:
    """``(…, *(I + a + b), …)`` → ``(…, *I, …)``, a view, or x itself where there is no frame."""
    # As in `pad`, is_cut is read only where is_padded holds: what a backward alone read, Dynamo could not keep.
    if not window.is_padded:
        return x
    if window.is_cut:
        behind = [0, 0] * (x.dim() - lead - window.ndim)
        x = torch.constant_pad_nd(x, behind + [max(-side, 0) for side in window.frame])
        if max(window.frame) <= 0:  # a slice of everything would be an alias: see `overlap_add`
            return x
    return x[window.inner(lead)]


def windows(x: Tensor, window: Window, lead: int = 2) -> Tensor:
    """``(…, *(I + a + b), …)`` → a view ``(…, *K, *P, …)``; taps and placements step along the same axes."""
    before, behind = x.shape[:lead], x.shape[lead + window.ndim :]
    stride = x.stride()
    axis = stride[lead : lead + window.ndim]
    taps = [d * t for d, t in zip(window.dilation, axis)]
    steps = [s * t for s, t in zip(window.stride, axis)]
    size = (*before, *window.kernel_size, *window.output_size, *behind)
    return x.as_strided(size, (*stride[:lead], *taps, *steps, *stride[lead + window.ndim :]))


def taps(window: Window) -> Iterator[Axes]:
    """Every tap ``k``, row-major."""
    return product(*map(range, window.kernel_size))


def overlap_add(v: Tensor, window: Window, lead: int = 2) -> Tensor:
    """``(…, *K, *P, …)`` → ``(…, *(I + a + b), …)``: every tap's plane added where that tap was read."""
    size = (*v.shape[:lead], *window.padded_size, *v.shape[lead + 2 * window.ndim :])
    if window.is_pointwise:
        # A slice of everything is an alias, for which the batching behind `is_grads_batched` has no rule.
        return v.reshape(size).clone(memory_format=torch.contiguous_format)
    if is_traced(v):
        for axis in range(window.ndim):  # (…, *I so far, K, *K behind, P, *P behind, …)
            v = _overlapped(v, axis, window, lead)
        return v
    x = v.new_zeros(size)
    for k in taps(window):
        # add_, since += on an index also copies the slice onto itself.
        x[window.tap(k, lead)].add_(v[(slice(None),) * lead + k])
    return x


def _overlapped(v: Tensor, axis: int, window: Window, lead: int) -> Tensor:
    """One axis added up, as one operation for all taps: ``(…, K, *K behind, P, …)`` → ``(…, I + a + b, *K behind, …)``.

    Rows of I numbers, one for each tap, are written with d numbers between them and read back as if there were none: so
    tap k is moved on by d·k positions.
    """
    at, at_p = lead + axis, lead + window.ndim
    size, s, d = window.padded_size[axis], window.stride[axis], window.dilation[axis]
    taps_, places = window.kernel_size[axis], window.output_size[axis]
    rows = v.movedim((at, at_p), (-2, -1))  # (…, K, P)
    others = rows.shape[:-2]
    rows = torch.constant_pad_nd(rows.unsqueeze(-1), [0, s - 1]).reshape(*others, taps_, places * s)
    rows = torch.constant_pad_nd(rows, [0, size - places * s + d]).reshape(*others, taps_ * (size + d))
    shifted = torch.constant_pad_nd(rows, [0, -taps_ * d]).reshape(*others, taps_, size)
    return shifted.sum(-2).movedim(-1, at)


class Scratch:
    """Memory for one block of a blocked loop, handed out again for the next.

    A fresh tensor of a megabyte costs more in page faults than in arithmetic; a loop over blocks pays once.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._held: Tensor | None = None

    def take(self, size: tuple[int, ...]) -> Tensor:
        """An uninitialised contiguous tensor; the one handed out before is overwritten."""
        needed = math.prod(size)
        if self._held is None or self._held.numel() < needed:
            self._held = self._like.new_empty(needed)
        return self._held[:needed].view(size)
