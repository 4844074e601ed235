"""Calls of average pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from tests.swap.calls.call import IMAGES, Calls

POOL = {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1}

CALLS: Calls = {
    F.avg_pool2d: [
        (lambda x: F.avg_pool2d(x, **POOL, ceil_mode=True, count_include_pad=False), (IMAGES,)),
        (lambda x: torch._C._nn.avg_pool2d(x, 2), (IMAGES,)),
    ],
}
