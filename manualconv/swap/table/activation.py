"""torch's names of activations."""

from __future__ import annotations

import warnings
from functools import wraps
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.swap.table.spelling import Operation, in_place, to_out
from manualconv.torch_internals import UNDERSCORED

relu, sigmoid, tanh = functional.relu, functional.sigmoid, functional.tanh
softmax, log_softmax = functional.softmax, functional.log_softmax


def _guessed_axis(name: str, input: Tensor, dim: int | None) -> int:
    """torch's axis where none is given, with its warning."""
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=4,
    )
    return 0 if input.dim() in (0, 1, 3) else 1


def _functional_softmax(ours: Operation) -> Operation:
    """``F.softmax``: the axis may be left to torch's guess."""

    @wraps(ours)
    def spelled(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
        return ours(input, _guessed_axis(ours.__name__, input, dim), dtype=dtype)

    return spelled


def _tensor_softmax(ours: Operation) -> Operation:
    """``torch.softmax``, ``Tensor.softmax``: the dtype by position too."""

    @wraps(ours)
    def spelled(input: Tensor, dim: int, dtype: torch.dtype | None = None) -> Any:
        return ours(input, dim, dtype=dtype)

    return to_out(spelled)


def _raw_softmax(ours: Operation) -> Operation:
    """``torch._softmax``: half precision may be widened."""

    @wraps(ours)
    def spelled(input: Tensor, dim: int, half_to_float: bool) -> Any:
        return ours(input, dim, dtype=torch.float32 if half_to_float else None)

    return to_out(spelled)


TABLE: dict[Operation, Operation] = {
    F.relu: relu,
    torch.relu: relu,
    Tensor.relu: relu,
    torch.relu_: in_place(relu),
    Tensor.relu_: in_place(relu),
    torch.sigmoid: to_out(sigmoid),
    torch.special.expit: to_out(sigmoid),
    Tensor.sigmoid: sigmoid,
    torch.sigmoid_: in_place(sigmoid),
    Tensor.sigmoid_: in_place(sigmoid),
    torch.tanh: to_out(tanh),
    Tensor.tanh: tanh,
    torch.tanh_: in_place(tanh),
    Tensor.tanh_: in_place(tanh),
    F.softmax: _functional_softmax(softmax),
    torch.softmax: _tensor_softmax(softmax),
    torch.special.softmax: _tensor_softmax(softmax),
    Tensor.softmax: _tensor_softmax(softmax),
    UNDERSCORED["softmax"]: _raw_softmax(softmax),
    F.log_softmax: _functional_softmax(log_softmax),
    torch.log_softmax: _tensor_softmax(log_softmax),
    torch.special.log_softmax: _tensor_softmax(log_softmax),
    Tensor.log_softmax: _tensor_softmax(log_softmax),
    UNDERSCORED["log_softmax"]: _raw_softmax(log_softmax),
}
