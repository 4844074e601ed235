"""One number per channel: every position multiplied by it, and the sums of products that are its adjoint.

Shapes: x, y ``(N, C, *P)``, w, b ``(C,)``.  Half-precision operands are widened to float32 and rounded once at the end.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.kernels.pooling.summation import sum_to_bias
from manualconv.kernels.precision import WIDENED


def scale_channels(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """``y[n, c, p] = w[c]·x[n, c, p] + b[c]``."""
    wide = WIDENED.get(x.dtype)
    if wide is not None:
        return scale_channels(x.to(wide), w.to(wide), None if b is None else b.to(wide)).to(x.dtype)
    along_channels = (-1, *(1,) * (x.dim() - 2))
    y = x * w.reshape(along_channels)
    return y if b is None else y + b.reshape(along_channels)


def dot_channels(x: Tensor, y: Tensor) -> Tensor:
    """``w[c] = Σ_{n,p} x[n, c, p]·y[n, c, p]``."""
    wide = WIDENED.get(x.dtype)
    if wide is not None:
        return dot_channels(x.to(wide), y.to(wide)).to(x.dtype)
    return sum_to_bias(x * y)
