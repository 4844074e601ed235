"""Calls of power-average pooling."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from tests.swap.calls.call import IMAGES, Calls

SIGNALS, VOLUMES = (2, 3, 8), (1, 2, 4, 3, 5)

CALLS: Calls = {
    F.lp_pool1d: [
        (lambda x: F.lp_pool1d(x, 2, 3, stride=2, ceil_mode=True), (SIGNALS,)),
        (torch.nn.LPPool1d(2, 3), (SIGNALS,)),
    ],
    F.lp_pool2d: [
        (lambda x: F.lp_pool2d(x, 4.0, (3, 2), 2), (IMAGES,)),
        (lambda x: F.lp_pool2d(x, math.inf, (3, 2)), (IMAGES,)),
        (torch.nn.LPPool2d(2, 3), (IMAGES,)),
    ],
    F.lp_pool3d: [
        (lambda x: F.lp_pool3d(x, 2.0, (2, 3, 2)), (VOLUMES,)),
        (torch.nn.LPPool3d(2, 2), (VOLUMES,)),
    ],
}
