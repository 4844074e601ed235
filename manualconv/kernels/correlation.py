"""The three maps of the trilinear form, each by the algorithm that suits its size.

    T(x, w, y) = Σ x[n, (g c), s·p + d·k − a] · w[(g o), c, k] · y[n, (g o), p]

Every algorithm is one file with the same three names; this file chooses.  Half-precision operands are widened to
float32 for the whole map and rounded once at the end, whatever the algorithm.
"""

from __future__ import annotations

from math import prod
from typing import Protocol

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels import lowering, shifting

#: Unrolled windows larger than this leave every cache and start to crowd memory: one tap at a time instead.
LARGEST_LOWERING = 32 * 2**20

WIDENED = {torch.float16: torch.float32, torch.bfloat16: torch.float32}


class Algorithm(Protocol):
    """What a file that computes the three maps offers."""

    def to_output(self, x: Tensor, w: Tensor, window: Window) -> Tensor: ...  # noqa: D102
    def to_input(self, w: Tensor, y: Tensor, window: Window) -> Tensor: ...  # noqa: D102
    def to_weight(self, x: Tensor, y: Tensor, window: Window) -> Tensor: ...  # noqa: D102


def _algorithm(batch: int, channels: int, item: int, window: Window) -> Algorithm:
    # Traced sizes may be symbolic; a branch on one would pin the graph to it.
    if torch.compiler.is_compiling():
        return lowering
    taps = prod(window.kernel_size)
    unrolled = batch * channels * taps * prod(window.output_size) * item
    return lowering if taps == 1 or unrolled <= LARGEST_LOWERING else shifting


def to_output(x: Tensor, w: Tensor, window: Window) -> Tensor:
    """∂T/∂y, convolution: x ``(N, C, *I)``, w ``(O, C/g, *K)`` → ``(N, O, *P)``."""
    wide = WIDENED.get(x.dtype, x.dtype)
    algorithm = _algorithm(x.shape[0], x.shape[1], wide.itemsize, window)
    return algorithm.to_output(x.to(wide), w.to(wide), window).to(x.dtype)


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """∂T/∂x, transposed convolution: w ``(O, C/g, *K)``, y ``(N, O, *P)`` → ``(N, C, *I)``."""
    wide = WIDENED.get(y.dtype, y.dtype)
    algorithm = _algorithm(y.shape[0], w.shape[1] * window.groups, wide.itemsize, window)
    return algorithm.to_input(w.to(wide), y.to(wide), window).to(y.dtype)


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """∂T/∂w, correlation of x with y: x ``(N, C, *I)``, y ``(N, O, *P)`` → ``(O, C/g, *K)``."""
    wide = WIDENED.get(x.dtype, x.dtype)
    algorithm = _algorithm(x.shape[0], x.shape[1], wide.itemsize, window)
    return algorithm.to_weight(x.to(wide), y.to(wide), window).to(x.dtype)
