"""torch's names of adaptive and fractional pooling."""

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
    """The form of adaptive pooling that always gives the indices, too."""

    def spelled(
        input: Tensor, output_size: Any, return_indices: bool = True, *, out: Sequence[Tensor] | None = None
    ) -> Any:
        return filled(ours(input, output_size, return_indices=True), out)

    return spelled


def _fractional_with_indices(ours: Operation) -> Operation:
    """The form of fractional pooling that always gives the indices, too."""

    def spelled(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = True,
        _random_samples: Tensor | None = None,
    ) -> Any:
        return ours(input, kernel_size, output_size, output_ratio, True, _random_samples)

    return spelled


def _fractional(ours: Operation) -> Operation:
    """The form that is given its samples."""

    def spelled(
        input: Tensor,
        kernel_size: Any,
        output_size: Any,
        random_samples: Tensor,
        *,
        out: Sequence[Tensor] | None = None,
    ) -> Any:
        return filled(ours(input, kernel_size, output_size, None, True, random_samples), out)

    return spelled


TABLE: dict[Operation, Operation] = {
    torch.adaptive_avg_pool1d: functional.adaptive_avg_pool1d,
    F.adaptive_avg_pool2d: functional.adaptive_avg_pool2d,
    F.adaptive_avg_pool3d: functional.adaptive_avg_pool3d,
    UNDERSCORED["adaptive_avg_pool2d"]: to_out(functional.adaptive_avg_pool2d),
    UNDERSCORED["adaptive_avg_pool3d"]: to_out(functional.adaptive_avg_pool3d),
    UNDERSCORED["_adaptive_avg_pool2d"]: functional.adaptive_avg_pool2d,
    UNDERSCORED["_adaptive_avg_pool3d"]: functional.adaptive_avg_pool3d,
    F.adaptive_max_pool1d: functional.adaptive_max_pool1d,
    F.adaptive_max_pool2d: functional.adaptive_max_pool2d,
    F.adaptive_max_pool3d: functional.adaptive_max_pool3d,
    F.adaptive_max_pool1d_with_indices: _with_indices(functional.adaptive_max_pool1d),
    F.adaptive_max_pool2d_with_indices: _with_indices(functional.adaptive_max_pool2d),
    F.adaptive_max_pool3d_with_indices: _with_indices(functional.adaptive_max_pool3d),
    torch.adaptive_max_pool1d: _with_indices(functional.adaptive_max_pool1d),
    UNDERSCORED["adaptive_max_pool2d"]: _with_indices(functional.adaptive_max_pool2d),
    UNDERSCORED["adaptive_max_pool3d"]: _with_indices(functional.adaptive_max_pool3d),
    F.fractional_max_pool2d: functional.fractional_max_pool2d,
    F.fractional_max_pool3d: functional.fractional_max_pool3d,
    F.fractional_max_pool2d_with_indices: _fractional_with_indices(functional.fractional_max_pool2d),
    F.fractional_max_pool3d_with_indices: _fractional_with_indices(functional.fractional_max_pool3d),
    UNDERSCORED["fractional_max_pool2d"]: _fractional(functional.fractional_max_pool2d),
    UNDERSCORED["fractional_max_pool3d"]: _fractional(functional.fractional_max_pool3d),
}
