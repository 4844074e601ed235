"""What the fully connected layer takes."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import kind, listed, scalar_type
from manualconv.geometry import Axes

#: What torch stores and cannot multiply.
_NO_PRODUCTS = frozenset({torch.bool, torch.uint16, torch.uint32, torch.uint64})


def check_linear_types(input: Any, weight: Any, bias: Any) -> None:
    """Tensors are tensors."""
    if isinstance(input, Tensor) and isinstance(weight, Tensor) and (bias is None or isinstance(bias, Tensor)):
        return
    for place, (key, t) in enumerate((("input", input), ("weight", weight), ("bias", bias)), 1):
        if not isinstance(t, Tensor) and not (key == "bias" and t is None):
            raise TypeError(
                f"linear(): argument '{key}' (position {place}) must be Tensor, not {kind(t)} [torch.as_tensor(...) "
                f"makes one]"
            )


def check_linear_shapes(x: Tensor, w: Tensor, b: Tensor | None) -> None:
    """x ``(*, C)``, w ``(O, C)`` or ``(C,)``, b ``(O,)`` or what spreads over ``(*, O)``; one dtype, one device."""
    size, shape = x.shape, w.shape
    if len(size) == 0 or len(shape) == 0:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {len(size)}D and {len(shape)}D [input is "
            f"(*, in_features), weight (out_features, in_features)]"
        )
    if len(shape) > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but weight is {len(shape)}D: {listed(shape)} [weight is "
            f"(out_features, in_features)]"
        )
    if w.device != x.device or w.dtype is not x.dtype:
        raise _mixed("weight", x, w)
    if b is not None and (b.device != x.device or b.dtype is not x.dtype):
        _check_scalar(x, w, b)
    if size[-1] != shape[-1]:
        raise _features(size, shape)
    if b is not None and (len(shape) == 1 or b.shape != shape[:1]):
        _check_spread(b, size, shape)
    if x.dtype in _NO_PRODUCTS and x.numel() > 0:
        raise NotImplementedError(
            f"\"addmm_impl_cpu_\" not implemented for '{scalar_type(x)}' [linear multiplies and adds: input.float() "
            f"makes numbers]"
        )


def _mixed(key: str, x: Tensor, t: Tensor) -> RuntimeError:
    """The error for a tensor on another device or of another dtype than the input."""
    if t.device != x.device:
        return RuntimeError(
            f"Expected all tensors to be on the same device, but got input is on {x.device}, different from {key} on "
            f"{t.device} [.to() moves one of them]"
        )
    return RuntimeError(
        f"mat1 and mat2 must have the same dtype, but got {scalar_type(x)} and {scalar_type(t)} [input is {x.dtype}, "
        f"{key} is {t.dtype}: .to() one of them]"
    )


def _check_scalar(x: Tensor, w: Tensor, b: Tensor) -> None:
    """A bias unlike the input: a scalar added to the products of a 1-D weight, which torch casts to their dtype."""
    if b.dim() > 0 or w.dim() != 1 or x.dim() == 2 or (b.device != x.device and b.device.type != "cpu"):
        raise _mixed("bias", x, b)
    if not torch.can_cast(torch.result_type(x, b), x.dtype):
        result = scalar_type(x.new_empty(0, dtype=torch.result_type(x, b)))
        raise RuntimeError(
            f"result type {result} can't be cast to the desired output type {scalar_type(x)} [bias is {b.dtype}, input "
            f"{x.dtype}: .to() one of them]"
        )


def _features(size: Axes, shape: Axes) -> RuntimeError:
    """The error for an input whose last axis is not the weight's."""
    rule = f"[the last axis of input must have in_features = weight.shape[-1] = {shape[-1]} entries, not {size[-1]}]"
    if len(shape) == 1:
        return RuntimeError(f"size mismatch, got input ({size[-1]}), weight {listed(shape)} {rule}")
    rows = prod(size[:-1])
    return RuntimeError(
        f"mat1 and mat2 shapes cannot be multiplied ({rows}x{size[-1]} and {shape[1]}x{shape[0]}) {rule}"
    )


def _check_spread(b: Tensor, size: Axes, shape: Axes) -> None:
    """A bias that spreads over the result ``(*, O)``; a 1-D weight has none but a scalar, and no rows to add it to."""
    if len(shape) == 1:
        if b.dim() == 0 and len(size) != 2:
            return
        raise RuntimeError(
            f"mat2 must be a matrix, got 1-D tensor [a weight of size {listed(shape)} takes a bias without axes, not "
            f"{listed(b.shape)}]"
        )
    result = (*size[:-1], shape[0])
    target = (1, *result) if len(size) == 1 else result
    spread = zip(reversed(b.shape), reversed(target))
    if b.dim() > len(target) or any(have not in (1, want) for have, want in spread):
        raise RuntimeError(
            f"The expanded size of the tensor ({shape[0]}) must match the existing size "
            f"({b.shape[-1] if b.dim() else 1}) of bias {listed(b.shape)} on the way to {listed(result)} [bias has one "
            f"number per output: ({shape[0]},)]"
        )
