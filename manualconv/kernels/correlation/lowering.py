"""Correlation by lowering, image by image: unroll the windows, then multiply matrices (im2col + GEMM).

With ``V_n = windows(pad(x_n))`` read as a matrix of shape ``(C·ΠK, ΠP)`` per image n, and the weights as ``W`` of shape
``(O, C·ΠK)``, the trilinear form is ``Σ_n ⟨W·V_n, Y_n⟩`` and its three derivatives are

    to_output:  Y_n = W·V_n          to_input:  x_n = crop(overlap_add(Wᵀ·Y_n))          to_weight:  W = Σ_n Y_n·V_nᵀ

A batched product takes all images of a block at once and leaves Y in place: nothing is transposed.  One group only;
`lowering_batch_last` takes groups, and short rows.

Shapes: x ``(N, C, *I)``, w ``(O, C, *K)``, y ``(N, O, *P)``; any number of spatial axes.

Source: Chellapilla, Puri and Simard, *High performance convolutional neural networks for document processing* (2006).
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.movement.windows import Scratch, crop, overlap_add, pad, windows
from manualconv.torch_internals import is_plain, shaped

#: Unrolled bytes of a block of images: what a core's cache holds between the copy and the product.
BLOCK_BYTES = 2 * 2**20


def image_bytes(channels: int, item: int, window: Window) -> int:
    """What one image takes unrolled: the smallest block there is."""
    return channels * prod(window.kernel_size) * prod(window.output_size) * item


def _blocks(t: Tensor, channels: int, window: Window) -> list[slice]:
    """The images in blocks of about `BLOCK_BYTES` unrolled; all at once where nothing may be written in place."""
    images = t.shape[0]
    if not is_plain(t):
        return [slice(0, images)]
    step = max(BLOCK_BYTES // max(image_bytes(channels, t.element_size(), window), 1), 1)
    return [slice(start, start + step) for start in range(0, images, step)] or [slice(0, 0)]


def _unrolled(x: Tensor, window: Window, scratch: Scratch | None) -> Tensor:
    """V: ``(N, C, *I)`` → ``(N, C·ΠK, ΠP)``."""
    v = windows(pad(x, window), window)
    v = v.contiguous() if scratch is None else scratch.take(tuple(v.shape)).copy_(v)
    return v.reshape(x.shape[0], x.shape[1] * prod(window.kernel_size), prod(window.output_size))


def _columns(y: Tensor) -> Tensor:
    """Y: ``(N, O, *P)`` → ``(N, O, ΠP)``."""
    return y.reshape(y.shape[0], y.shape[1], prod(y.shape[2:]))


def _filters(w: Tensor) -> Tensor:
    """W: ``(O, C, *K)`` → ``(O, C·ΠK)``."""
    return w.reshape(w.shape[0], prod(w.shape[1:]))


def _product(w: Tensor, v: Tensor, b: Tensor | None, out: Tensor | None = None) -> Tensor:
    """``b + W·V_n`` for every image n."""
    filters = w.expand(v.shape[0], -1, -1)
    if b is None:
        return torch.bmm(filters, v) if out is None else torch.bmm(filters, v, out=out)
    start = b.reshape(-1, 1)
    return torch.baddbmm(start, filters, v) if out is None else torch.baddbmm(start, filters, v, out=out)


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, o, p] = b[o] + Σ_{c,k} x[n, c, s·p + d·k − a] · w[o, c, k]``."""
    size = (x.shape[0], w.shape[0], *window.output_size)
    blocks = _blocks(x, x.shape[1], window)
    if len(blocks) == 1:
        return shaped(_product(_filters(w), _unrolled(x, window, None), b), size)
    y, scratch = x.new_empty(size), Scratch(x)
    for images in blocks:
        _product(_filters(w), _unrolled(x[images], window, scratch), b, out=_columns(y[images]))
    return y


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, c, i] = Σ_{o,k,p : s·p + d·k − a = i} w[o, c, k] · y[n, o, p]``."""
    planes = (w.shape[1], *window.kernel_size, *window.output_size)
    blocks = _blocks(y, w.shape[1], window)
    if len(blocks) == 1:
        v = _product(_filters(w).mT, _columns(y), None)
        return crop(overlap_add(v.reshape(y.shape[0], *planes), window), window).clone()
    x, scratch = y.new_empty((y.shape[0], w.shape[1], *window.input_size)), Scratch(y)
    for images in blocks:
        v = scratch.take((y[images].shape[0], *planes))
        _product(_filters(w).mT, _columns(y[images]), None, out=v.view(v.shape[0], -1, prod(window.output_size)))
        x[images] = crop(overlap_add(v, window), window)
    return x


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[o, c, k] = Σ_{n,p} x[n, c, s·p + d·k − a] · y[n, o, p]``."""
    blocks = _blocks(x, x.shape[1], window)
    scratch = Scratch(x) if len(blocks) > 1 else None
    sums = [torch.bmm(_columns(y[images]), _unrolled(x[images], window, scratch).mT).sum(0) for images in blocks]
    w = sums[0] if len(sums) == 1 else torch.stack(sums).sum(0)
    return shaped(w, (y.shape[1], x.shape[1], *window.kernel_size))


def to_weight_of_one_image(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """`to_weight` of x ``(1, C, *I)`` in groups: each is an image of its own, and nothing is summed.

    So come the gradients of every sample alone (``vmap`` of ``grad``): the samples stand among the groups.
    """
    group, size = replace(window, groups=1), (y.shape[1], x.shape[1] // window.groups, *window.kernel_size)
    x = x.reshape(window.groups, size[1], *x.shape[2:])
    y = y.reshape(window.groups, size[0] // window.groups, *y.shape[2:])
    w, scratch = x.new_empty((window.groups, y.shape[1], prod(size[1:]))), Scratch(x)
    for groups in _blocks(x, size[1], group):
        torch.bmm(_columns(y[groups]), _unrolled(x[groups], group, scratch).mT, out=w[groups])
    return shaped(w, size)
