"""Correlation by lowering, image by image: unroll the windows, then multiply matrices (im2col + GEMM).

With ``V_n = windows(pad(x_n))`` read as a matrix of shape ``(C·ΠK, ΠP)`` per image n, and the weights as ``W`` of shape
``(O, C·ΠK)``, the trilinear form is ``Σ_n ⟨W·V_n, Y_n⟩`` and its three derivatives are

    to_output:  Y_n = W·V_n          to_input:  x_n = crop(overlap_add(Wᵀ·Y_n))          to_weight:  W = Σ_n Y_n·V_nᵀ

A batched product takes all images of a block at once and leaves Y in place: nothing is transposed.  The groups of one
image do as images, each with its own W; `lowering_batch_last` takes the groups of several, and short rows.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; any number of spatial axes; N or g is 1.

Source: Chellapilla, Puri and Simard, *High performance convolutional neural networks for document processing* (2006).
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation import direct
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.movement.windows import Scratch, crop, overlap_add, pad, windows
from manualconv.torch_internals import is_plain, shaped

#: Unrolled bytes of a block of images: what a core's cache holds between the copy and the product.
BLOCK_BYTES = 2 * 2**20
#: The products of the definition, added up in another order.
accuracy = "exact"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    return None if sizes.window.groups == 1 or sizes.batch == 1 else "one group, or one image"


def cost(map: str, sizes: Sizes) -> float:
    """That of the matrix products, where this one is the fastest of them."""
    return direct.cost("lowering", map, sizes)


def _blocks(t: Tensor, channels: int, window: Window) -> list[slice]:
    """The images in blocks of about `BLOCK_BYTES` unrolled; all at once where nothing may be written in place."""
    images = t.shape[0]
    if not is_plain(t):
        return [slice(0, images)]
    image = channels * window.taps * window.placements * t.element_size()
    step = max(BLOCK_BYTES // max(image, 1), 1)
    return [slice(start, start + step) for start in range(0, images, step)] or [slice(0, 0)]


def _unrolled(x: Tensor, window: Window, scratch: Scratch | None) -> Tensor:
    """V: ``(N, C, *I)`` → ``(N, C·ΠK, ΠP)``."""
    v = windows(pad(x, window), window)
    v = v.contiguous() if scratch is None else scratch.take(tuple(v.shape)).copy_(v)
    return v.reshape(x.shape[0], x.shape[1] * prod(window.kernel_size), prod(window.output_size))


def _units(t: Tensor, window: Window) -> Tensor:
    """The images, or the groups of one image, which do as images: ``(N, (g c), *S)`` → ``(N·g, c, *S)``."""
    return t if window.groups == 1 else t.reshape(window.groups, t.shape[1] // window.groups, *t.shape[2:])


def _columns(y: Tensor) -> Tensor:
    """Y: ``(N, O, *P)`` → ``(N, O, ΠP)``."""
    return y.reshape(y.shape[0], y.shape[1], prod(y.shape[2:]))


def _filters(w: Tensor, window: Window) -> Tensor:
    """W of every group: ``(O, C/g, *K)`` → ``(g, O/g, C/g·ΠK)``."""
    return w.reshape(window.groups, w.shape[0] // window.groups, prod(w.shape[1:]))


def _of(t: Tensor, units: slice) -> Tensor:
    """What belongs to a block of units: one for all, or one each."""
    return t if t.shape[0] == 1 else t[units]


def _product(w: Tensor, v: Tensor, b: Tensor | None, out: Tensor | None = None) -> Tensor:
    """``b + W·V_n`` for every image n."""
    filters = w.expand(v.shape[0], -1, -1)
    if b is None:
        return torch.bmm(filters, v) if out is None else torch.bmm(filters, v, out=out)
    return torch.baddbmm(b, filters, v) if out is None else torch.baddbmm(b, filters, v, out=out)


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, (g o), p] = b[(g o)] + Σ_{c,k} x[n, (g c), s·p + d·k − a] · w[(g o), c, k]``."""
    size, x, filters = (x.shape[0], w.shape[0], *window.output_size), _units(x, window), _filters(w, window)
    b = None if b is None else b.reshape(*filters.shape[:2], 1)
    blocks = _blocks(x, x.shape[1], window)
    if len(blocks) == 1:
        return shaped(_product(filters, _unrolled(x, window, None), b), size)
    y, scratch = x.new_empty((x.shape[0], filters.shape[1], window.placements)), Scratch(x)
    for units in blocks:
        start = None if b is None else _of(b, units)
        _product(_of(filters, units), _unrolled(x[units], window, scratch), start, out=y[units])
    return shaped(y, size)


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_{o,k,p : s·p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""
    size, filters = (y.shape[0], w.shape[1] * window.groups, *window.input_size), _filters(w, window).mT
    planes, y = (w.shape[1], *window.kernel_size, *window.output_size), _units(y, window)
    blocks = _blocks(y, w.shape[1], window)
    if len(blocks) == 1:
        v = _product(filters, _columns(y), None)
        return shaped(crop(overlap_add(v.reshape(y.shape[0], *planes), window), window).clone(), size)
    x, scratch = y.new_empty((y.shape[0], w.shape[1], *window.input_size)), Scratch(y)
    for units in blocks:
        v = scratch.take((y[units].shape[0], *planes))
        _product(_of(filters, units), _columns(y[units]), None, out=v.view(v.shape[0], -1, window.placements))
        x[units] = crop(overlap_add(v, window), window)
    return shaped(x, size)


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), s·p + d·k − a] · y[n, (g o), p]``.

    The groups of one image are not summed: so come the gradients of every sample alone (``vmap`` of ``grad``), whose
    samples stand among the groups.
    """
    size = (y.shape[1], x.shape[1] // window.groups, *window.kernel_size)
    x, y = _units(x, window), _units(y, window)
    blocks = _blocks(x, x.shape[1], window)
    scratch = Scratch(x) if len(blocks) > 1 else None

    def each(units: slice, out: Tensor | None = None) -> Tensor:
        return torch.bmm(_columns(y[units]), _unrolled(x[units], window, scratch).mT, out=out)

    if window.groups > 1:
        w = x.new_empty((x.shape[0], y.shape[1], prod(size[1:])))
        for units in blocks:
            each(units, w[units])
        return shaped(w, size)
    sums = [each(images).sum(0) for images in blocks]
    return shaped(sums[0] if len(sums) == 1 else torch.stack(sums).sum(0), size)
