"""Correlation by lowering, image by image: unroll the windows, then multiply matrices (im2col + GEMM).

With ``V_n = windows(pad(x_n))`` read as a matrix of shape ``(C·ΠK, ΠP)`` per image n, and the weights as ``W`` of shape
``(O, C·ΠK)``, the trilinear form is ``Σ_n ⟨W·V_n, Y_n⟩`` and its three derivatives are

    to_output:  Y_n = W·V_n          to_input:  x_n = crop(overlap_add(Wᵀ·Y_n))          to_weight:  W = Σ_n Y_n·V_nᵀ

*Rows added by the product.*  On two axes or more V of `to_input` need not be made whole.  Row k of the kernel sends
placement p of the first axis to row ``s·p + d·k`` of the frame, which is row p + q of phase r, where d·k = s·q + r.
With the last axes flat, the rows of all placements are neighbours there, a matrix in place, and the product adds to it:

    R_r[c, k', q·ΠQ + j] += Σ_o W[o, c, k, k'] · Y[o, j]            j < ΠP, k' and Q the other axes of K and P

That leaves ``ΠK'`` planes to overlap and add instead of ΠK, and K₀ times less memory.

A batched product takes all images of a block at once and leaves Y in place: nothing is transposed.  The groups of one
image do as images, each with its own W; `lowering_batch_last` takes the groups of several, and short rows.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; any number of spatial axes; N or g is 1.

Source: Chellapilla, Puri and Simard, *High performance convolutional neural networks for document processing* (2006).
"""

from __future__ import annotations

from itertools import product
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.compiling import is_compilable, numbers, share
from manualconv.kernels.correlation import direct
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.movement.windows import Scratch, crop, overlap_add, pad, windows
from manualconv.torch_internals import is_plain, shaped

#: Unrolled bytes of a block of images: what a core's cache holds between the copy and the product.
BLOCK_BYTES = 2 * 2**20
#: Numbers of an image's windows from which a loop adds them up: it is there at once, but importing a compiler is not.
LOOPED = 2**14
#: Nanoseconds that it takes for one.
ADDING = 0.4
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
    if images <= 1 or not is_plain(t):
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
    filters = w if w.shape[0] == v.shape[0] else w.expand(v.shape[0], -1, -1)
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
    channels, y = w.shape[1], _units(y, window)
    if is_plain(w, y) and (whole := channels * window.taps * window.placements) and not window.is_pointwise:
        looped = LOOPED <= whole <= BLOCK_BYTES // y.element_size() and is_compilable(y)
        if looped or window.ndim > 1:
            x = y.new_empty((y.shape[0], channels, *window.input_size))
            add = _by_loops if looped else _in_rows
            for units in _blocks(y, channels, window):
                add(_of(filters, units), _columns(_of(y, units)), _of(x, units), window)
            return x if window.groups == 1 else shaped(x, size)
    v = _product(filters, _columns(y), None).reshape(y.shape[0], channels, *window.kernel_size, *window.output_size)
    return shaped(crop(overlap_add(v, window), window).clone(), size)


def _by_loops(filters: Tensor, columns: Tensor, x: Tensor, window: Window) -> None:
    """`to_input` of a block of units, V whole: filters ``(1 or N, C·ΠK, O)``, columns ``(N, O, ΠP)`` → x."""
    from manualconv.kernels.movement.compiled_windows import fold, rows_of

    v, planes = _product(filters, columns, None), x.shape[0] * x.shape[1]
    of, to = numbers(v), numbers(x)
    table = rows_of(window)
    share(lambda first, last: fold(of, to, *table, first, last), planes, of.size * ADDING)


def _in_rows(filters: Tensor, columns: Tensor, x: Tensor, window: Window) -> None:
    """The same, whose rows of taps are added by the product."""
    (count, channels), (places, *others) = x.shape[:2], window.output_size
    s, length, row = window.stride[0], -(-window.padded_size[0] // window.stride[0]), prod(others)
    first = [divmod(window.dilation[0] * k, s) for k in range(window.kernel_size[0])]
    phases = sorted({r for _, r in first})
    taps = prod(window.kernel_size[1:])
    # (K₀, N, C·ΠK', O)
    filters = filters.reshape(-1, channels, window.kernel_size[0], taps, filters.shape[2]).movedim(2, 0).flatten(2, 3)
    sums = columns.new_zeros((len(phases), count, channels * taps, length * row))
    for each, (q, r) in zip(filters.expand(-1, count, -1, -1).unbind(0), first):
        sums[phases.index(r)].narrow(2, q * row, places * row).baddbmm_(each, columns)
    frame = columns.new_zeros((count, channels, *window.padded_size))
    for r, added in zip(phases, sums.unbind(0)):
        rows = frame[:, :, r::s] if s > 1 else frame
        planes = added.view(count, channels, *window.kernel_size[1:], length, *others).narrow(
            1 + window.ndim, 0, rows.shape[2]
        )
        for k in product(*map(range, window.kernel_size[1:])):
            read = (slice(None),) * 3 + window.tap((0, *k), lead=2)[3:]
            # add_, since += on an index also copies the slice onto itself.
            rows[read].add_(planes[(slice(None),) * 2 + k])
    x.copy_(crop(frame, window))


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
        return torch.bmm(_columns(_of(y, units)), _unrolled(_of(x, units), window, scratch).mT, out=out)

    if window.groups > 1:
        w = x.new_empty((x.shape[0], y.shape[1], prod(size[1:])))
        for units in blocks:
            each(units, w[units])
        return shaped(w, size)
    if x.shape[0] == 1:
        return shaped(each(blocks[0]), size)
    sums = [each(images).sum(0) for images in blocks]
    return shaped(sums[0] if len(sums) == 1 else torch.stack(sums).sum(0), size)
