"""Calls of convolution and its transpose."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.torch_internals import UNDERSCORED
from tests.swap.calls.call import Calls

WEIGHTS = {
    1: ((2, 4, 8), (4, 2, 3), (4,)),
    2: ((2, 4, 5, 4), (4, 2, 3, 2), (4,)),
    3: ((1, 2, 3, 4, 3), (2, 1, 2, 3, 1), (2,)),
}


def generic(transposed: bool, *flags: bool) -> Callable[..., Tensor]:
    """``torch.convolution``, or the one with an underscore, in two dimensions."""
    apply = UNDERSCORED["convolution"] if flags else torch.convolution
    return lambda x, w, b: apply(
        x, w, b, [2, 1], [1, 0], [1, 2], transposed, [1, 0] if transposed else [0, 0], 2, *flags
    )


CALLS: Calls = {
    torch.conv1d: [(lambda x, w, b: torch.conv1d(x, w, b, 2, 1, 2, 2), WEIGHTS[1])],
    torch.conv2d: [
        (lambda x, w, b: F.conv2d(x, w, bias=b, stride=[2, 1], padding=(1, 2), groups=2), WEIGHTS[2]),
        (
            lambda x, w, b: torch.conv2d(input=x, weight=w, bias=b, padding="same", groups=2),
            ((2, 4, 5, 4), (4, 2, 3, 1), (4,)),
        ),
        (lambda x, w: torch.conv2d(x[0], w, groups=2), WEIGHTS[2][:2]),
    ],
    torch.conv3d: [(lambda x, w, b: F.conv3d(x, w, b, (1, 2, 1), 1, 1, 2), WEIGHTS[3])],
    torch.conv_transpose1d: [(lambda x, w: F.conv_transpose1d(x, w, None, 2, 1, 1), WEIGHTS[1][:2])],
    torch.conv_transpose2d: [
        (
            lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3), (1, 0), (1, 2), 2, (1, 2)),
            ((2, 4, 3, 2), (4, 3, 3, 2), (6,)),
        )
    ],
    torch.conv_transpose3d: [(lambda x, w: torch.conv_transpose3d(x, w, groups=2), WEIGHTS[3][:2])],
    torch.convolution: [(generic(False), WEIGHTS[2]), (generic(True), ((2, 4, 3, 2), (4, 3, 3, 2), (6,)))],
    UNDERSCORED["convolution"]: [
        (generic(False, False, False, False, False), WEIGHTS[2]),
        (generic(True, False, False, False, False), ((2, 4, 3, 2), (4, 3, 3, 2), (6,))),
    ],
    UNDERSCORED["convolution_mode"]: [
        (
            lambda x, w, b: torch._convolution_mode(x, w, b, [1, 1], "same", [1, 2], 2),
            ((2, 4, 5, 4), (4, 2, 3, 1), (4,)),
        )
    ],
}
