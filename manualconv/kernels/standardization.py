"""Mean, variance and the standardised tensor, in two passes.

    μ = Σ x / m          v = Σ (x − μ)² / m          r = (v + ε)^(−½)          x̂ = r·(x − μ)

The variance is that of the centred entries: Σx²/m − μ² loses all its digits where the mean is large beside the
deviation.  Half precision is computed in float32, whose results have it.

Shapes: x and x̂ ``(*I)``; μ, v and r with size 1 on the axes summed over.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Axes
from manualconv.torch_internals import is_plain

WIDENED = {torch.float16: torch.float32, torch.bfloat16: torch.float32}


def count(x: Tensor, axes: Axes) -> int:
    """``m``: how many entries share a mean."""
    return prod([x.shape[axis] for axis in axes])


def standardize(x: Tensor, axes: Axes, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``x̂, r, μ, v``."""
    x = x.to(WIDENED.get(x.dtype, x.dtype))
    mean = x.mean(axes, keepdim=True)
    centred = x - mean
    variance = (centred * centred).mean(axes, keepdim=True)
    r = (variance + eps).rsqrt()
    return (centred.mul_(r) if is_plain(x) else centred * r), r, mean, variance
