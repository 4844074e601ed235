"""Calls of adaptive and fractional pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from manualconv.torch_internals import UNDERSCORED
from tests.swap.calls.call import IMAGES, ROWS, Calls
from tests.swap.calls.max_pooling import first

VOLUMES = (1, 2, 3, 5, 4)
#: One number for each sample, channel and axis.
PLACED = {
    2: torch.linspace(0, 0.9, 16).double().reshape(2, 4, 2),
    3: torch.linspace(0, 0.9, 6).double().reshape(1, 2, 3),
}

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
    F.adaptive_max_pool1d: [
        (lambda x: F.adaptive_max_pool1d(x, 3), (ROWS,)),
        (lambda x: first(F.adaptive_max_pool1d(x, (3,), return_indices=True)), (ROWS,)),
        (torch.nn.AdaptiveMaxPool1d(5), (ROWS,)),
    ],
    F.adaptive_max_pool2d: [
        (lambda x: F.adaptive_max_pool2d(x, (None, 3)), (IMAGES,)),
        (lambda x: first(F.adaptive_max_pool2d(x, 1, return_indices=True)), (IMAGES,)),
    ],
    F.adaptive_max_pool3d: [(lambda x: F.adaptive_max_pool3d(x, (2, None, 3)), (VOLUMES,))],
    F.adaptive_max_pool1d_with_indices: [(lambda x: first(F.adaptive_max_pool1d_with_indices(x, 3)), (ROWS,))],
    F.adaptive_max_pool2d_with_indices: [(lambda x: first(F.adaptive_max_pool2d_with_indices(x, 3)), (IMAGES,))],
    F.adaptive_max_pool3d_with_indices: [(lambda x: first(F.adaptive_max_pool3d_with_indices(x, 2)), (VOLUMES,))],
    torch.adaptive_max_pool1d: [(lambda x: first(torch.adaptive_max_pool1d(x, 3)), (ROWS,))],
    UNDERSCORED["adaptive_max_pool2d"]: [(lambda x: first(torch._C._nn.adaptive_max_pool2d(x, (4, 3))), (IMAGES,))],
    UNDERSCORED["adaptive_max_pool3d"]: [(lambda x: first(torch._C._nn.adaptive_max_pool3d(x, 2)), (VOLUMES,))],
    F.fractional_max_pool2d: [
        (lambda x: F.fractional_max_pool2d(x, (2, 3), (3, 2), _random_samples=PLACED[2]), (IMAGES,)),
        (
            lambda x: first(
                F.fractional_max_pool2d(x, 2, None, (0.5, 0.6), return_indices=True, _random_samples=PLACED[2])
            ),
            (IMAGES,),
        ),
        (torch.nn.FractionalMaxPool2d(2, 3, _random_samples=PLACED[2]), (IMAGES,)),
    ],
    F.fractional_max_pool3d: [
        (lambda x: F.fractional_max_pool3d(x, (1, 2, 2), (2, 3, 2), _random_samples=PLACED[3]), (VOLUMES,))
    ],
    F.fractional_max_pool2d_with_indices: [
        (lambda x: first(F.fractional_max_pool2d_with_indices(x, 2, 3, _random_samples=PLACED[2])), (IMAGES,))
    ],
    F.fractional_max_pool3d_with_indices: [
        (lambda x: first(F.fractional_max_pool3d_with_indices(x, 1, 2, _random_samples=PLACED[3])), (VOLUMES,))
    ],
    UNDERSCORED["fractional_max_pool2d"]: [
        (lambda x: first(torch._C._nn.fractional_max_pool2d(x, 2, (3, 2), PLACED[2])), (IMAGES,))
    ],
    UNDERSCORED["fractional_max_pool3d"]: [
        (lambda x: first(torch._C._nn.fractional_max_pool3d(x, 1, (2, 3, 2), PLACED[3])), (VOLUMES,))
    ],
}
