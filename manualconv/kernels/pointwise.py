"""Kernels of pointwise maps that one torch operation does not give at the speed of memory."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from manualconv.torch_internals import is_plain

#: Below this many entries one select is cheaper than a product and two sums.
SMALL = 2**14


def gate(t: Tensor, y: Tensor) -> Tensor:
    """t where not ``y ≤ 0``, else 0, for y from a ReLU: no entry below 0.

    ``sign(y)`` is the gate as a number, and multiplying is several times faster than selecting.  It is right unless a
    zero gate meets an infinity or a NaN, or y holds a NaN; the sums tell.
    """
    if is_plain(t) and t.shape == y.shape and t.numel() > SMALL and t.device.type == "cpu" and t.is_floating_point():
        kept = y.sign().mul_(t)
        if not (math.isnan(kept.sum().item()) or math.isnan(y.sum().item())):
            return kept
    return torch.where(y <= 0, 0, t)
