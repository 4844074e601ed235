"""Flatten: from feature maps ``(N, C, H, W)`` to the vectors ``(N, C·H·W)`` of a fully connected layer.

A relabelling of axes; its derivative is the inverse relabelling, which torch's own view operations are.
"""

from __future__ import annotations

import torch
from torch import Tensor


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join axes `start_dim` … `end_dim` into one, as torch.flatten (a view where that is possible)."""
    return torch.flatten(input, start_dim, end_dim)
