"""Correlation by minimal filtering: tiles of outputs from fewer multiplications (Winograd, Toom and Cook).

m outputs of r taps are the product of two polynomials read backwards.  One of degree ``t − 1 = m + r − 2`` is known
from its values at t points, one of them ∞, where values multiply one by one: t multiplications instead of m·r.  With
finite points ``q_i``, ``N_i(z) = Π_{j≠i} (z − q_j)`` and ``f_i = N_i(q_i)``

    Aᵀ[p, i] = q_i^p            G[i, k] = q_i^k / f_i            Bᵀ[i, ·] = coefficients of N_i

and for ∞ a one at the end, or the coefficients of Π (z − q_j).  In several axes each is applied axis by
axis.  With U = G·w, V = Bᵀ·x of every tile, M = Σ_c U·V and dM = A·dY

    to_output:  Y = Aᵀ·M          to_weight:  w = Gᵀ·(Σ dM·Vᵀ)          to_input:  Y of the kernel turned round

so that all three maps need only ``Π t / Π(m·r)`` of the multiplications: 16 of 36 for F(2×2, 3×3), 36 of 144 for
F(4×4, 3×3).  Larger tiles have larger numbers in B and A, and larger errors; with two outputs in a tile the error is as
small as that of a direct sum.  But B subtracts positions that some outputs of the tile never read: a NaN, an infinity
and the rounding of a large number reach the whole tile.  So the tier is ``'fast'`` for every tile.

Shapes: x ``(N, C, *I)``, w ``(O, C, *K)``, y ``(N, O, *P)``; stride and dilation 1, one group; K of 1 is left alone.

Source: Lavin and Gray, *Fast algorithms for convolutional neural networks*, arXiv 1509.09308; errors: Barabasz,
Anderson, Soodhalter and Gregg, *Error analysis and improving the accuracy of Winograd convolution*, arXiv 1803.10986.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.correlation.cost import CALL, COPY, Sizes
from manualconv.torch_internals import shaped

#: Where polynomials are evaluated, besides ∞.
POINTS = tuple(map(Fraction, ("0", "1", "-1", "2", "-2", "1/2", "-1/2")))
#: Outputs of a tile along an axis: asked for by name alone, and where the fast tier is admitted by bytes of a number.
SMALL_TILE, FAST_TILE = 2, {4: 4, 8: 4}
#: Transformed bytes of a block of tiles.
BLOCK_BYTES = 4 * 2**20

Matrix = list[list[Fraction]]


def _expanded(roots: list[Fraction]) -> list[Fraction]:
    """The coefficients of ``Π (z − q)``, lowest first."""
    found = [Fraction(1)]
    for q in roots:
        found = [a - q * b for a, b in zip([Fraction(0), *found], [*found, Fraction(0)])]
    return found


def _last(size: int) -> list[Fraction]:
    return [Fraction(0)] * (size - 1) + [Fraction(1)]


@cache
def transforms(m: int, r: int) -> tuple[Matrix, Matrix, Matrix]:
    """``Aᵀ`` (m×t), ``G`` (t×r) and ``Bᵀ`` (t×t) for m outputs of r taps, exactly."""
    t = m + r - 1
    q = POINTS[: t - 1]
    others = [[p for p in q if p != own] for own in q]
    f = [prod((own - p for p in rest), start=Fraction(1)) for own, rest in zip(q, others)]
    g = [*([own**k / scale for k in range(r)] for own, scale in zip(q, f)), _last(r)]
    b = [*([*_expanded(rest), Fraction(0)] for rest in others), _expanded(list(q))]
    a = [*([own**p for p in range(m)] for own in q), _last(m)]
    return [list(row) for row in zip(*a)], g, b


def _tiles(window: Window, item: int) -> Axes:
    """m of every axis: 1 where there is one tap, and nothing to transform."""
    m = FAST_TILE.get(item, SMALL_TILE) if window.accuracy == "fast" else SMALL_TILE
    return tuple(1 if k == 1 else m for k in window.kernel_size)


def _counts(window: Window, tiles: Axes) -> Axes:
    """How many tiles an axis has."""
    return tuple(-(-p // m) for p, m in zip(window.output_size, tiles))


#: An output depends on all positions of its tile.
accuracy = "fast"


def refusal(sizes: Sizes) -> str | None:
    """Why a window is not taken."""
    window = sizes.window
    if not sizes.dtype.is_floating_point:
        return f"no {sizes.dtype}"
    if window.groups != 1 or any(s != 1 for s in (*window.stride, *window.dilation)):
        return "one group, stride and dilation 1"
    if sizes.batch == 0:
        return "no samples"
    if any(k > 5 for k in window.kernel_size) or window.taps == 1:
        return "kernels of 2 to 5 taps an axis, or 1"
    if any(side < 0 or side > k - 1 for pair, k in zip(window.padding, window.kernel_size) for side in pair):
        return "padding from 0 to K - 1"
    return None


def cost(map: str, sizes: Sizes) -> float:
    """The products of the transformed positions, and both transforms."""
    window = sizes.window
    m = _tiles(window, sizes.item)
    t = tuple(a + k - 1 for a, k in zip(m, window.kernel_size))
    tiles = sizes.batch * prod(_counts(window, m))
    width = min(sizes.channels, sizes.outputs)
    products = sizes.product(prod(t) * tiles * sizes.channels * sizes.outputs, width, tiles)
    moved = prod(t) * (sizes.channels + sizes.outputs) * tiles * sizes.item
    filters = prod(t) * sizes.channels * sizes.outputs * sizes.item
    return products + (PASSES * moved + 6 * filters) * COPY + 20 * CALL


#: How often what is transformed is read and written.
PASSES = 4


def _matrix(rows: Matrix, like: Tensor) -> Tensor:
    return torch.tensor([[float(entry) for entry in row] for row in rows], dtype=like.dtype, device=like.device)


def _applied(v: Tensor, name: int, window: Window, tiles: Axes, transposed: bool = False) -> Tensor:
    """A matrix of every axis' three, along each of the leading axes: ``(*t, …)`` → ``(*t', …)``."""
    for axis, (m, k) in enumerate(zip(tiles, window.kernel_size)):
        if k == 1:
            continue
        matrix = _matrix(transforms(m, k)[name], v)
        matrix = matrix.t() if transposed else matrix
        size = v.shape
        v = matrix @ v.reshape(prod(size[:axis]), size[axis], -1)
        v = v.reshape(*size[:axis], matrix.shape[0], *size[axis + 1 :])
    return v


A, G, B = range(3)


def _kernels(window: Window, tiles: Axes, like: Tensor) -> Tensor:
    """G of every axis at once: ``(Πt, ΠK)``."""
    whole = like.new_ones((1, 1))
    for m, k in zip(tiles, window.kernel_size):
        whole = torch.kron(whole, _matrix(transforms(m, k)[G], like)) if k > 1 else whole
    return whole


def _filters(w: Tensor, window: Window, tiles: Axes) -> Tensor:
    """U: ``(O, C, *K)`` → ``(Πt, O, C)``."""
    u = _kernels(window, tiles, w) @ w.reshape(-1, window.taps).t()
    return u.reshape(-1, w.shape[0], w.shape[1])


def _framed(t: Tensor, window: Window, size: Axes, before: Axes) -> Tensor:
    """t with zeros around it, of a spatial size that whole tiles need."""
    frame = []
    for i, whole, a in reversed(list(zip(t.shape[2:], size, before))):
        frame += [a, whole - i - a]
    return torch.constant_pad_nd(t, frame).contiguous() if any(frame) else t.contiguous()


def _gathered(frame: Tensor, sides: Axes, tiles: Axes, counts: Axes) -> Tensor:
    """Every tile of a frame ``(N, C, …)``, `sides` long and `tiles` apart: ``(*sides, C, N, *counts)``."""
    n, c, *steps = frame.stride()
    size = (*sides, frame.shape[1], frame.shape[0], *counts)
    strides = (*steps, c, n, *(m * step for m, step in zip(tiles, steps)))
    return frame.as_strided(size, strides, frame.storage_offset()).contiguous()


def _blocks(batch: int, rows: int, each: int) -> Iterator[tuple[slice, slice]]:
    """Images and rows of tiles in blocks of about `BLOCK_BYTES`, `each` bytes a row of tiles of one image."""
    images = max(1, BLOCK_BYTES // max(1, each * rows))
    step = rows if images > 1 else max(1, BLOCK_BYTES // max(1, each))
    for n in range(0, batch, images):
        for row in range(0, rows, step):
            yield slice(n, min(n + images, batch)), slice(row, min(row + step, rows))


def _block_of(frame: Tensor, sides: Axes, tiles: Axes, counts: Axes, images: slice, rows: slice) -> Tensor:
    """The tiles of some images and rows: ``(*sides, C, n, rows, …)``."""
    m, side, number = tiles[0], sides[0], rows.stop - rows.start
    part = frame[images].narrow(2, m * rows.start, m * (number - 1) + side)
    return _gathered(part, sides, tiles, (number, *counts[1:]))


def _plan(channels: int, item: int, window: Window) -> tuple[Axes, Axes, Axes, int]:
    """Tiles m, their counts, their sides t, and the bytes a row of tiles takes transformed."""
    tiles = _tiles(window, item)
    counts = _counts(window, tiles)
    sides = tuple(m + k - 1 for m, k in zip(tiles, window.kernel_size))
    return tiles, counts, sides, prod(sides) * channels * prod(counts[1:]) * item


def _covered(tiles: Axes, counts: Axes, more: Axes) -> Axes:
    return tuple(m * n + e for m, n, e in zip(tiles, counts, more))


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, o, p] = b[o] + Σ_{c,k} x[n, c, p + k − a] · w[o, c, k]``."""
    tiles, counts, sides, each = _plan(max(x.shape[1], w.shape[0]), x.element_size(), window)
    u = _filters(w, window, tiles)  # (Πt, O, C)
    size = _covered(tiles, counts, tuple(k - 1 for k in window.kernel_size))
    frame = _framed(x, window, size, tuple(a for a, _ in window.padding))
    y = x.new_empty((x.shape[0], w.shape[0], *_covered(tiles, counts, (0,) * window.ndim)))
    for images, rows in _blocks(x.shape[0], counts[0], each):
        v = _block_of(frame, sides, tiles, counts, images, rows)
        v = _applied(v, B, window, tiles).reshape(len(u), x.shape[1], -1)
        tiled = (u @ v).reshape(*sides, w.shape[0], images.stop - images.start, -1, *counts[1:])
        _placed(_applied(tiled, A, window, tiles), y[images], rows, tiles)
    if tuple(y.shape[2:]) != window.output_size:
        whole = (slice(None), slice(None), *(slice(p) for p in window.output_size))
        y = y[whole].clone(memory_format=torch.contiguous_format)
    return y if b is None else y.add_(b.reshape(-1, *(1,) * window.ndim))


def _placed(tiled: Tensor, y: Tensor, rows: slice, tiles: Axes) -> None:
    """Outputs of tiles ``(*m, O, n, rows, …)`` into their places in y ``(n, O, …)``."""
    m = tiles[0]
    part = y.narrow(2, m * rows.start, m * (rows.stop - rows.start))
    n, o, *steps = part.stride()
    strides = (*steps, o, n, *(a * step for a, step in zip(tiles, steps)))
    part.as_strided(tiled.shape, strides, part.storage_offset()).copy_(tiled)


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, c, i] = Σ_{o,k′} w[o, c, K − 1 − k′] · y[n, o, i + k′ − (K − 1 − a)]``: again a convolution."""
    padding = tuple((k - 1 - a, k - 1 - b) for k, (a, b) in zip(window.kernel_size, window.padding))
    ones = (1,) * window.ndim
    turned = Window(window.output_size, window.kernel_size, ones, ones, padding, accuracy=window.accuracy)
    return to_output(y, w.transpose(0, 1).flip(tuple(range(2, w.dim()))), None, turned)


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[o, c, k] = Σ_{n,p} x[n, c, p + k − a] · y[n, o, p]``."""
    tiles, counts, sides, each = _plan(max(x.shape[1], y.shape[1]), x.element_size(), window)
    size = _covered(tiles, counts, tuple(k - 1 for k in window.kernel_size))
    frame = _framed(x, window, size, tuple(a for a, _ in window.padding))
    outputs = _framed(y, window, _covered(tiles, counts, (0,) * window.ndim), (0,) * window.ndim)
    u = x.new_zeros((prod(sides), y.shape[1], x.shape[1]))
    for images, rows in _blocks(x.shape[0], counts[0], each):
        v = _applied(_block_of(frame, sides, tiles, counts, images, rows), B, window, tiles)
        m = _applied(_block_of(outputs, tiles, tiles, counts, images, rows), A, window, tiles, transposed=True)
        u.baddbmm_(m.reshape(len(u), y.shape[1], -1), v.reshape(len(u), x.shape[1], -1).mT)
    w = u.reshape(len(u), -1).t() @ _kernels(window, tiles, x)
    return shaped(w, (y.shape[1], x.shape[1], *window.kernel_size))
