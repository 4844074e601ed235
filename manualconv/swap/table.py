"""Every spelling of every operation of ours, in one table; and the functions of torch's that only call others.

torch has up to a dozen names for one operation: ``torch.relu``, ``torch.relu_``, ``Tensor.relu``, ``Tensor.relu_``,
``F.relu`` with and without ``inplace``.  `TABLE` leads from each callable, as a torch-function mode receives it, to
ours with the same signature.  An operation is here if ours covers all that torch's can be asked for; a new one is
added in `TABLE` and nowhere else.  tests/swap/test_table.py asks torch for all its names and finds each here, or says
why not.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.torch_internals import UNDERSCORED

Operation = Callable[..., Any]


# ------------------------------------------------------------------------------------ ours with torch's signatures


def _to_out(ours: Operation) -> Operation:
    """The form that takes ``out=``."""

    @wraps(ours)
    def spelled(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Any:
        y = ours(*args, **kwargs)
        # A product by one checks, resizes and fills `out` by torch's rules for it.
        return y if out is None else torch.mul(y, 1, out=out)

    return spelled


def _in_place(ours: Operation) -> Operation:
    """The form that overwrites its input."""

    @wraps(ours)
    def spelled(input: Tensor) -> Tensor:
        y = ours(input)
        if not torch.can_cast(y.dtype, input.dtype):
            raise RuntimeError(
                f"result type {y.dtype} can't be cast to the desired output type {input.dtype}: "
                f"{ours.__name__}_ writes into its input; use {ours.__name__}"
            )
        return input.copy_(y)

    return spelled


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

    return _to_out(spelled)


def _raw_softmax(ours: Operation) -> Operation:
    """``torch._softmax``: half precision may be widened."""

    @wraps(ours)
    def spelled(input: Tensor, dim: int, half_to_float: bool) -> Any:
        return ours(input, dim, dtype=torch.float32 if half_to_float else None)

    return _to_out(spelled)


def _max_pool2d_with_indices(
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
    y = functional.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices=True)
    return y if out is None else tuple(torch.mul(part, 1, out=place) for part, place in zip(y, out))


CONVOLUTIONS = (functional.conv1d, functional.conv2d, functional.conv3d)
TRANSPOSED = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)


def _convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    *flags_of_backends: bool,
) -> Any:
    """``torch.convolution``: all six in one."""
    ndim = weight.dim() - 2
    if not 1 <= ndim <= 3:
        raise RuntimeError(f"convolution(): weight must have 3, 4 or 5 axes, but got {tuple(weight.shape)}")
    if transposed:
        return TRANSPOSED[ndim - 1](input, weight, bias, stride, padding, output_padding, groups, dilation)
    return CONVOLUTIONS[ndim - 1](input, weight, bias, stride, padding, dilation, groups)


def _convolution_mode(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: str, dilation: Any, groups: int
) -> Any:
    return _convolution(input, weight, bias, stride, padding, dilation, False, 0, groups)


def _padding(mode: str) -> Operation:
    """``reflection_pad1d`` and its kind: one function a mode."""

    def spelled(input: Tensor, padding: Any) -> Any:
        return functional.pad(input, padding, mode)

    return _to_out(spelled)


def _constant_pad(input: Tensor, pad: Any, value: Any = 0) -> Any:
    return functional.pad(input, pad, "constant", value)


def _circular_pad(input: Tensor, pad: Any) -> Any:
    return functional.pad(input, pad, "circular")


# ------------------------------------------------------------------------------------------------------- the table

relu, sigmoid, tanh = functional.relu, functional.sigmoid, functional.tanh
softmax, log_softmax = functional.softmax, functional.log_softmax

#: torch's callable → ours.  What has two names for one object (``F.conv2d`` is ``torch.conv2d``) is here once.
TABLE: dict[Operation, Operation] = {
    torch.conv1d: functional.conv1d,
    torch.conv2d: functional.conv2d,
    torch.conv3d: functional.conv3d,
    torch.conv_transpose1d: functional.conv_transpose1d,
    torch.conv_transpose2d: functional.conv_transpose2d,
    torch.conv_transpose3d: functional.conv_transpose3d,
    torch.convolution: _convolution,
    UNDERSCORED["convolution"]: _convolution,
    UNDERSCORED["convolution_mode"]: _convolution_mode,
    F.linear: _to_out(functional.linear),
    F.max_pool2d: functional.max_pool2d,
    F.max_pool2d_with_indices: _max_pool2d_with_indices,
    torch.max_pool2d: functional.max_pool2d,
    UNDERSCORED["max_pool2d_with_indices"]: _max_pool2d_with_indices,
    F.avg_pool2d: _to_out(functional.avg_pool2d),
    F.unfold: functional.unfold,
    F.fold: functional.fold,
    UNDERSCORED["im2col"]: _to_out(functional.unfold),
    UNDERSCORED["col2im"]: _to_out(functional.fold),
    F.pad: functional.pad,
    UNDERSCORED["pad"]: functional.pad,
    UNDERSCORED["pad_circular"]: _circular_pad,
    torch.constant_pad_nd: _constant_pad,
    **{UNDERSCORED[f"reflection_pad{ndim}d"]: _padding("reflect") for ndim in (1, 2, 3)},
    **{UNDERSCORED[f"replication_pad{ndim}d"]: _padding("replicate") for ndim in (1, 2, 3)},
    F.relu: relu,
    torch.relu: relu,
    Tensor.relu: relu,
    torch.relu_: _in_place(relu),
    Tensor.relu_: _in_place(relu),
    torch.sigmoid: _to_out(sigmoid),
    torch.special.expit: _to_out(sigmoid),
    Tensor.sigmoid: sigmoid,
    torch.sigmoid_: _in_place(sigmoid),
    Tensor.sigmoid_: _in_place(sigmoid),
    torch.tanh: _to_out(tanh),
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


# -------------------------------------------------------------------------- functions of torch's that call others


def _never(*_: Any) -> bool:
    return False


def _bodies(functions: dict[str, Any]) -> dict[Operation, Operation]:
    """The functions among these that offer themselves to a mode, without the offer: their bodies.

    A mode is off while it handles a function, so that what ``multi_head_attention_forward`` calls would not be seen.
    Called with the mode on, it would offer itself again, for ever.
    """
    namespaces: dict[int, dict[str, Any]] = {}
    found: dict[Operation, Operation] = {}
    for function in functions.values():
        if not isinstance(function, FunctionType) or function in TABLE:
            continue
        offers = [name for name in function.__code__.co_names if name.startswith("has_torch_function")]
        if offers:
            own = function.__globals__
            space = namespaces.setdefault(id(own), dict(own))
            space.update(dict.fromkeys(offers, _never))
            body = FunctionType(
                function.__code__, space, function.__name__, function.__defaults__, function.__closure__
            )
            body.__kwdefaults__ = function.__kwdefaults__
            found[function] = body
    return found


#: Every function of torch.nn.functional that is made of others, and those that run a backward pass, in which
#: hooks and recomputations are code of the block's too.
COMPOSITES: dict[Operation, Operation] = {
    **_bodies(vars(F)),
    **_bodies({"backward": Tensor.backward, "grad": torch.autograd.grad, "all": torch.autograd.backward}),
}
