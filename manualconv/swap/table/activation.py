"""torch's names of activations."""

from __future__ import annotations

from functools import wraps
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.autograd import ELU
from manualconv.autograd.slots import slope_in_force
from manualconv.functional.in_place import run
from manualconv.swap.table.spelling import Operation, in_place, to_out
from manualconv.torch_internals import UNDERSCORED

relu, sigmoid, tanh = functional.relu, functional.sigmoid, functional.tanh
softmax, log_softmax = functional.softmax, functional.log_softmax


def _functional_softmax(ours: Operation) -> Operation:
    """``F.softmax``: the depth of its warning may be given."""

    @wraps(ours)
    def spelled(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
        return ours(input, dim, dtype=dtype)

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


def _overwriting(ours: Operation) -> Operation:
    """The name with an underscore, of ours with ``inplace``."""

    @wraps(ours)
    def spelled(*args: Any, **kwargs: Any) -> Any:
        return ours(*args, **kwargs, inplace=True)

    return spelled


def _in_place(ours: Operation) -> Operation:
    """The name with an underscore, of ours that keeps its output; a slope rule keeps the input."""
    plain = in_place(ours)

    @wraps(ours)
    def spelled(input: Tensor) -> Any:
        return plain(input) if slope_in_force() is None else input.copy_(ours(input.clone()))

    return spelled


def _elu(input: Tensor, alpha: Any = 1.0, scale: Any = 1.0, input_scale: Any = 1.0, *, inplace: bool = False) -> Tensor:
    """``torch._C._nn.elu``: the one behind elu, celu and selu."""
    if scale == input_scale == 1:
        return functional.elu(input, alpha, inplace)
    functional.elu(input[:0] if input.dim() else input, alpha)  # for what it refuses
    return run(ELU, input, alpha, scale, input_scale, inplace=inplace)


def _gelu_in_place(input: Tensor, *, approximate: str = "none") -> Tensor:
    # What gelu keeps must not be what is overwritten.
    return input.copy_(functional.gelu(input.clone(), approximate))


#: Ours by torch's raw names, which most take ``out=`` and have a form with an underscore.
RAW: dict[str, Operation] = {
    "elu": _elu,
    "hardsigmoid": functional.hardsigmoid,
    "hardswish": functional.hardswish,
    "hardtanh": functional.hardtanh,
    "leaky_relu": functional.leaky_relu,
    "mish": functional.mish,
    "relu6": functional.relu6,
    "silu": functional.silu,
}

TABLE: dict[Operation, Operation] = {
    **{getattr(F, name): getattr(functional, name) for name in RAW},
    **{UNDERSCORED[name]: to_out(ours) for name, ours in RAW.items()},
    **{UNDERSCORED[f"{name}_"]: _overwriting(ours) for name, ours in RAW.items()},
    F.gelu: to_out(functional.gelu),
    UNDERSCORED["gelu_"]: _gelu_in_place,
    F.softplus: to_out(functional.softplus),
    F.logsigmoid: to_out(functional.logsigmoid),
    F.celu: functional.celu,
    torch.celu: functional.celu,
    torch.celu_: _overwriting(functional.celu),
    F.selu: functional.selu,
    torch.selu: functional.selu,
    torch.selu_: _overwriting(functional.selu),
    F.threshold: functional.threshold,
    torch.threshold: to_out(functional.threshold),
    torch.threshold_: _overwriting(functional.threshold),
    F.relu: relu,
    torch.relu: relu,
    Tensor.relu: relu,
    torch.relu_: _in_place(relu),
    Tensor.relu_: _in_place(relu),
    torch.sigmoid: to_out(sigmoid),
    torch.special.expit: to_out(sigmoid),
    Tensor.sigmoid: sigmoid,
    torch.sigmoid_: _in_place(sigmoid),
    Tensor.sigmoid_: _in_place(sigmoid),
    torch.tanh: to_out(tanh),
    Tensor.tanh: tanh,
    torch.tanh_: _in_place(tanh),
    Tensor.tanh_: _in_place(tanh),
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
