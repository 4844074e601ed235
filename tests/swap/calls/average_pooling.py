"""Calls of average pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from tests.swap.calls.call import IMAGES, Calls

POOL = {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1}
SIGNALS, VOLUMES = (2, 3, 8), (1, 2, 4, 3, 5)

CALLS: Calls = {
    torch.avg_pool1d: [
        (lambda x: torch.avg_pool1d(x, 3, 2, 1, True, False), (SIGNALS,)),
        (lambda x: F.avg_pool1d(x, kernel_size=2), (SIGNALS,)),
        (torch.nn.AvgPool1d(3, 1), (SIGNALS,)),
    ],
    F.avg_pool2d: [
        (lambda x: F.avg_pool2d(x, **POOL, ceil_mode=True, count_include_pad=False), (IMAGES,)),
        (lambda x: torch._C._nn.avg_pool2d(x, 2), (IMAGES,)),
        (torch.nn.AvgPool2d(2, divisor_override=3), (IMAGES,)),
    ],
    F.avg_pool3d: [
        (lambda x: F.avg_pool3d(x, (2, 3, 2), (1, 2, 3), (1, 1, 0), True, False), (VOLUMES,)),
        (lambda x: torch._C._nn.avg_pool3d(x, 2, divisor_override=-3), (VOLUMES,)),
        (torch.nn.AvgPool3d(2), (VOLUMES,)),
    ],
}
