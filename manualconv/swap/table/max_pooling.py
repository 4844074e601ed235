"""torch's names of max pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.swap.table.spelling import Operation
from manualconv.torch_internals import UNDERSCORED


def _with_indices(ours: Operation) -> Operation:
    """The form that always gives the indices, too."""

    def spelled(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = True,
        *,
        out: Sequence[Tensor] | None = None,
    ) -> Any:
        y = ours(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices=True)
        return y if out is None else tuple(torch.mul(part, 1, out=place) for part, place in zip(y, out))

    return spelled


TABLE: dict[Operation, Operation] = {
    F.max_pool1d: functional.max_pool1d,
    F.max_pool2d: functional.max_pool2d,
    F.max_pool3d: functional.max_pool3d,
    F.max_pool1d_with_indices: _with_indices(functional.max_pool1d),
    F.max_pool2d_with_indices: _with_indices(functional.max_pool2d),
    F.max_pool3d_with_indices: _with_indices(functional.max_pool3d),
    torch.max_pool1d: functional.max_pool1d,
    torch.max_pool2d: functional.max_pool2d,
    torch.max_pool3d: functional.max_pool3d,
    torch.max_pool1d_with_indices: _with_indices(functional.max_pool1d),
    UNDERSCORED["max_pool2d_with_indices"]: _with_indices(functional.max_pool2d),
    UNDERSCORED["max_pool3d_with_indices"]: _with_indices(functional.max_pool3d),
}
