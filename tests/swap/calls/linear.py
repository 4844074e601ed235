"""Calls of dense layers."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from tests.swap.calls.call import Calls

CALLS: Calls = {
    F.linear: [
        (F.linear, ((2, 3, 4), (2, 4), (2,))),
        (lambda x, w: torch._C._nn.linear(x, weight=w), ((3, 4), (2, 4))),
    ],
}
