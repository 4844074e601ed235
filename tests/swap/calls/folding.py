"""Calls of unfold and fold."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from manualconv.torch_internals import UNDERSCORED
from tests.swap.calls.call import IMAGES, Calls

CALLS: Calls = {
    F.unfold: [(lambda x: F.unfold(x, (3, 2), (1, 2), (1, 0), (2, 1)), (IMAGES,)), (torch.nn.Unfold(2), (IMAGES,))],
    F.fold: [(lambda y: F.fold(y, (6, 5), (3, 2), (1, 2), (1, 0), (2, 1)), ((2, 12, 9),))],
    UNDERSCORED["im2col"]: [(lambda x: torch._C._nn.im2col(x, (3, 2), (1, 2), (1, 0), (2, 1)), (IMAGES,))],
    UNDERSCORED["col2im"]: [(lambda y: torch._C._nn.col2im(y, (6, 5), (3, 2), (1, 2), (1, 0), (2, 1)), ((2, 12, 9),))],
}
