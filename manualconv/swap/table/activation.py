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
from manualconv.functional import rectifiers, sigmoidal
from manualconv.functional.in_place import run
from manualconv.swap.table.spelling import Operation, in_place, to_out
from manualconv.torch_internals import UNDERSCORED, underscored

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


#: Ours entry by entry, by torch's names: those that tensors have as methods, and those of torch.nn.functional alone.
_ALL = {
    name: getattr(functional, name) for name in functional.__all__ if name in {**vars(rectifiers), **vars(sigmoidal)}
}
METHODS: dict[str, Operation] = {name: ours for name, ours in _ALL.items() if hasattr(Tensor, name)}
FUNCTIONS: dict[str, Operation] = {
    name: ours for name, ours in _ALL.items() if hasattr(F, name) and name not in METHODS
}

#: What the slot of a slope is reached by.
ENTRYWISE: dict[Operation, Operation] = {
    **{getattr(F, name): ours for name, ours in FUNCTIONS.items()},
    # Most have a raw form, which takes ``out=``, and one with an underscore.
    **{form: to_out(FUNCTIONS[name]) for name, form in underscored(*FUNCTIONS).items()},
    **{
        form: _overwriting(FUNCTIONS[name[:-1]])
        for name, form in underscored(*(f"{name}_" for name in FUNCTIONS)).items()
    },
    UNDERSCORED["elu"]: to_out(_elu),
    UNDERSCORED["elu_"]: _overwriting(_elu),
    UNDERSCORED["gelu_"]: _gelu_in_place,
    torch.celu: functional.celu,
    torch.celu_: _overwriting(functional.celu),
    torch.selu: functional.selu,
    torch.selu_: _overwriting(functional.selu),
    torch.threshold: to_out(functional.threshold),
    torch.threshold_: _overwriting(functional.threshold),
    **{getattr(torch, name): to_out(ours) for name, ours in METHODS.items()},
    **{getattr(Tensor, name): ours for name, ours in METHODS.items()},
    **{
        getattr(place, f"{name}_"): _in_place(ours)
        for name, ours in METHODS.items()
        for place in (torch, Tensor)
        if hasattr(place, f"{name}_")
    },
    F.relu: functional.relu,
    torch.relu: functional.relu,
    torch.special.expit: to_out(functional.sigmoid),
}

TABLE: dict[Operation, Operation] = {
    **ENTRYWISE,
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
