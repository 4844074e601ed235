"""Dense layers."""

from __future__ import annotations

from torch import Tensor


def linear(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """``Σ_c x[n, c]·w[o, c] + b[o]``."""
    return (x.unsqueeze(-2) * w).sum(-1) + b
