"""torch's names of max pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.swap.table.spelling import Operation, filled, to_out
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
        ties: str = "first",
    ) -> Any:
        y = ours(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices=True, ties=ties)
        return filled(y, out)

    return spelled


def _unpool(ours: Operation) -> Operation:
    """The form that is told the output's size alone."""

    def spelled(
        input: Tensor, indices: Tensor, output_size: Sequence[int], stride: Any = None, padding: Any = None
    ) -> Any:
        axes = len(output_size)
        # A kernel of which one window is the output wherever it stands: any size is a size that fits.
        kernel = tuple(
            size - length + 1 for size, length in zip(output_size, input.shape[input.dim() - axes :], strict=True)
        )
        return ours(input, indices, kernel, 1, 0, output_size)

    return to_out(spelled)


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
    F.max_unpool1d: functional.max_unpool1d,
    F.max_unpool2d: functional.max_unpool2d,
    F.max_unpool3d: functional.max_unpool3d,
    UNDERSCORED["max_unpool2d"]: _unpool(functional.max_unpool2d),
    UNDERSCORED["max_unpool3d"]: _unpool(functional.max_unpool3d),
}
