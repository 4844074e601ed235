"""torch's names of padding."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.swap.table.spelling import Operation, to_out
from manualconv.torch_internals import UNDERSCORED


def _padding(mode: str) -> Operation:
    """``reflection_pad1d`` and its kind: one function a mode."""

    def spelled(input: Tensor, padding: Any) -> Any:
        return functional.pad(input, padding, mode)

    return to_out(spelled)


def _constant_pad(input: Tensor, pad: Any, value: Any = 0) -> Any:
    return functional.pad(input, pad, "constant", value)


def _circular_pad(input: Tensor, pad: Any) -> Any:
    return functional.pad(input, pad, "circular")


TABLE: dict[Operation, Operation] = {
    F.pad: functional.pad,
    UNDERSCORED["pad"]: functional.pad,
    UNDERSCORED["pad_circular"]: _circular_pad,
    torch.constant_pad_nd: _constant_pad,
    **{UNDERSCORED[f"reflection_pad{ndim}d"]: _padding("reflect") for ndim in (1, 2, 3)},
    **{UNDERSCORED[f"replication_pad{ndim}d"]: _padding("replicate") for ndim in (1, 2, 3)},
}
