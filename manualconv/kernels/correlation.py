"""The three maps of the trilinear form, each by the algorithm that suits its size.

    T(x, w, y) = Σ x[n, (g c), s·p + d·k − a] · w[(g o), c, k] · y[n, (g o), p]

Every algorithm is one file with the same three names; this file chooses.  Half-precision operands are widened to
float32 for the whole map and rounded once at the end, and the result is laid out as the window says, whatever the
algorithm.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels import lowering, lowering_batch_last, lowering_rows, matrix, shifting, summation
from manualconv.torch_internals import is_plain, is_wrapped

#: No unrolled block larger than this is ever made: one tap at a time instead.
LARGEST_BLOCK = 32 * 2**20
#: Rows shorter than this are copied one short run at a time unless the batch stands behind them.
SHORT_ROW = 16

WIDENED = {**summation.WIDENED, torch.complex32: torch.complex64}


class Algorithm(Protocol):
    """What a file that computes the three maps offers."""

    def to_output(self, x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor: ...  # noqa: D102
    def to_input(self, w: Tensor, y: Tensor, window: Window) -> Tensor: ...  # noqa: D102
    def to_weight(self, x: Tensor, y: Tensor, window: Window) -> Tensor: ...  # noqa: D102


def _algorithm(t: Tensor, other: Tensor, channels: int, window: Window) -> Algorithm:
    """By size: short rows and groups with the batch innermost; image by image; tap by tap."""
    if window.ndim == 0:
        return matrix if window.groups == 1 else lowering_batch_last
    # Traced sizes may be symbolic: a branch on one would pin the graph to it.  And where only one operand stands for
    # many, memory like the other's cannot hold their product.
    if not (is_plain(t) and is_plain(other)):
        return lowering if window.groups == 1 else lowering_batch_last
    item = t.element_size()
    image = lowering.image_bytes(channels, item, window)
    short = window.output_size[-1] < SHORT_ROW
    rows = lowering_rows.unrolled_bytes(t.shape[0], channels, item, window)
    if short and lowering_rows.takes(window) and rows <= LARGEST_BLOCK:
        return lowering_rows
    if (window.groups > 1 or short) and t.shape[0] * image <= LARGEST_BLOCK:
        return lowering_batch_last
    return lowering if window.groups == 1 and image <= LARGEST_BLOCK else shifting


def _laid_out(t: Tensor, window: Window) -> Tensor:
    """The result with its channels innermost if the window asks for that: of x, w and y alike, as in torch."""
    if not window.channels_last or (not torch.compiler.is_compiling() and is_wrapped(t)):
        return t
    return t.contiguous(memory_format=summation.CHANNELS_LAST[window.ndim])


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """∂T/∂y + b, convolution: x ``(N, C, *I)``, w ``(O, C/g, *K)``, b ``(O,)`` → ``(N, O, *P)``."""
    wide = WIDENED.get(x.dtype)
    if wide is not None:
        return to_output(x.to(wide), w.to(wide), None if b is None else b.to(wide), window).to(x.dtype)
    return _laid_out(_algorithm(x, w, x.shape[1], window).to_output(x, w, b, window), window)


def to_input(w: Tensor, y: Tensor, window: Window, b: Tensor | None = None) -> Tensor:
    """∂T/∂x + b, transposed convolution: w ``(O, C/g, *K)``, y ``(N, O, *P)``, b ``(C,)`` → ``(N, C, *I)``."""
    wide = WIDENED.get(y.dtype)
    if wide is not None:
        return to_input(w.to(wide), y.to(wide), window, None if b is None else b.to(wide)).to(y.dtype)
    x = _algorithm(y, w, w.shape[1] * window.groups, window).to_input(w, y, window)
    return _laid_out(x if b is None else x + b.reshape(-1, *(1,) * window.ndim), window)


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """∂T/∂w, correlation of x with y: x ``(N, C, *I)``, y ``(N, O, *P)`` → ``(O, C/g, *K)``."""
    wide = WIDENED.get(x.dtype)
    if wide is not None:
        return to_weight(x.to(wide), y.to(wide), window).to(x.dtype)
    if _is_one_image_in_groups(x, y, window):
        return _laid_out(lowering.to_weight_of_one_image(x, y, window), window)
    return _laid_out(_algorithm(x, y, x.shape[1], window).to_weight(x, y, window), window)


def _is_one_image_in_groups(x: Tensor, y: Tensor, window: Window) -> bool:
    """Whether the groups do as images: their rows are long, or there are too many to unroll at once."""
    if not (is_plain(x) and is_plain(y)) or x.shape[0] != 1 or window.groups == 1 or window.ndim == 0:
        return False
    large = lowering.image_bytes(x.shape[1], x.element_size(), window) > LARGEST_BLOCK
    return large or window.output_size[-1] >= SHORT_ROW
