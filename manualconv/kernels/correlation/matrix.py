"""Correlation with zero spatial axes: the fully connected layer is three matrix products.

    to_output:  Y = X·Wᵀ + b          to_input:  X = Y·W          to_weight:  W = Yᵀ·X

Shapes: x ``(N, C)``, w ``(O, C)``, y ``(N, O)``; one group.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation import direct
from manualconv.kernels.correlation.cost import Sizes

#: The products of the definition, added up in another order.
accuracy = "exact"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    return None if sizes.window.ndim == 0 and sizes.window.groups == 1 else "dense layers only"


def cost(map: str, sizes: Sizes) -> float:
    """That of the matrix products, where this one is the fastest of them."""
    return direct.cost("matrix", map, sizes)


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, o] = b[o] + Σ_c x[n, c] · w[o, c]``."""
    return torch.mm(x, w.t()) if b is None else torch.addmm(b, x, w.t())


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, c] = Σ_o w[o, c] · y[n, o]``."""
    return torch.mm(y, w)


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[o, c] = Σ_n x[n, c] · y[n, o]``."""
    return torch.mm(y.t(), x)
