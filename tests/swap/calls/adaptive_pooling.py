"""Calls of adaptive pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from manualconv.torch_internals import UNDERSCORED
from tests.swap.calls.call import IMAGES, ROWS, Calls

VOLUMES = (1, 2, 3, 5, 4)

CALLS: Calls = {
    torch.adaptive_avg_pool1d: [
        (lambda x: torch.adaptive_avg_pool1d(x, 3), (ROWS,)),
        (lambda x: F.adaptive_avg_pool1d(input=x, output_size=(5,)), (ROWS,)),
    ],
    F.adaptive_avg_pool2d: [
        (lambda x: F.adaptive_avg_pool2d(x, (None, 3)), (IMAGES,)),
        (lambda x: F.adaptive_avg_pool2d(x, output_size=1), (IMAGES,)),
        (torch.nn.AdaptiveAvgPool2d((4, 2)), (IMAGES,)),
    ],
    F.adaptive_avg_pool3d: [(lambda x: F.adaptive_avg_pool3d(x, (2, None, 3)), (VOLUMES,))],
    UNDERSCORED["adaptive_avg_pool2d"]: [(lambda x: torch._C._nn.adaptive_avg_pool2d(x, [4, 3]), (IMAGES,))],
    UNDERSCORED["adaptive_avg_pool3d"]: [(lambda x: torch._C._nn.adaptive_avg_pool3d(x, 2), (VOLUMES,))],
    UNDERSCORED["_adaptive_avg_pool2d"]: [(lambda x: torch._adaptive_avg_pool2d(x, (4, 3)), (IMAGES,))],
    UNDERSCORED["_adaptive_avg_pool3d"]: [(lambda x: torch._adaptive_avg_pool3d(x, (2, 3, 2)), (VOLUMES,))],
}
