"""What activations take: a tensor of a dtype that torch's kernel takes, and numbers."""

from __future__ import annotations

from math import inf
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import check_tensor, kind, real, scalar_type
from manualconv.kernels.precision import WIDENED


def check_floating(name: str, input: Any, kernel: str, complex_too: bool = False) -> None:
    """A tensor of floating point numbers, or torch's error for its kernel."""
    check_tensor(name, input)
    if not (input.is_floating_point() or (complex_too and input.is_complex())):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_type(input)}' [{name}: .float() first]")


def check_real(name: str, input: Any, boolean: str = "Boolean inputs not supported for {}") -> None:
    """A tensor of ordered numbers: neither booleans nor complex."""
    check_tensor(name, input)
    if input.dtype == torch.bool:
        raise NotImplementedError(f"{boolean.format(name)} [{name} of numbers: .int() first]")
    if input.is_complex():
        raise NotImplementedError(
            f"clamp is not supported for complex types [{name} needs an order: .real and .imag, or .abs()]"
        )


def check_comparable(name: str, input: Any, kernel: str) -> None:
    """A tensor of ordered numbers, or torch's error for its kernel."""
    check_tensor(name, input)
    if input.dtype == torch.bool or input.is_complex():
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_type(input)}' [{name} compares numbers]")


def number(name: str, key: str, place: int, value: Any) -> float:
    """A number for all entries, as torch's argument parser takes it."""
    return real(name, key, place, value, "Number")


#: What torch calls the types that it turns numbers into, where the tensor is not of float64.
_SCALARS = {
    torch.float32: "float",
    torch.float16: "c10::Half",
    torch.bfloat16: "c10::BFloat16",
    torch.uint8: "uint8_t",
    torch.int8: "int8_t",
    torch.int16: "int16_t",
    torch.int32: "int",
    torch.int64: "int64_t",
}


def check_fits(key: str, value: Any, dtype: torch.dtype) -> None:
    """No number beyond those of a dtype; infinity and NaN are floating point numbers too."""
    if dtype not in _SCALARS or not isinstance(value, (int, float)):
        return
    kind_of = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
    if kind_of.min <= value <= kind_of.max or (dtype.is_floating_point and (value != value or abs(value) == inf)):
        return
    raise RuntimeError(
        f"value cannot be converted to type {_SCALARS[dtype]} without overflow [{key}={value}: numbers of {dtype} "
        f"end at {kind_of.max}; input.double() has larger ones]"
    )


def check_single(key: str, value: Any, dtype: torch.dtype) -> None:
    """The same of a number that is computed with: in float32 for half precision."""
    check_fits(key, value, WIDENED.get(dtype, dtype))


def limits(low: Any, high: Any, input: Tensor) -> tuple[float, float]:
    """Two numbers, ``min_val ≤ max_val``, and none below zero for entries that have no sign; torch compares first."""
    if low > high:
        raise ValueError(f"min_val cannot be greater than max_val [hardtanh: min_val={low} > max_val={high}]")
    low, high = number("hardtanh", "min_val", 2, low), number("hardtanh", "max_val", 3, high)
    if low <= -1 and input.dtype in (torch.uint8, torch.uint16, torch.uint32, torch.uint64):
        raise RuntimeError(
            f"cannot do hardtanh on an unsigned type with negative limits [min_val={low}, {input.dtype}: "
            "min_val=0, or a signed dtype]"
        )
    return low, high


def check_alpha(alpha: float) -> None:
    """CELU divides by alpha."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU [z/alpha; alpha=1 is elu]")


def check_approximate(approximate: Any) -> None:
    """``'none'`` or ``'tanh'``."""
    if not isinstance(approximate, str):
        raise TypeError(f"gelu(): argument 'approximate' must be str, not {kind(approximate)} ['none' or 'tanh']")
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh. [approximate={approximate!r}]")


def checked_image(input: Tensor) -> Tensor:
    """The input, if it has the three or four axes of an image."""
    check_tensor("softmax", input)
    if input.dim() not in (3, 4):
        raise ValueError(
            f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead [(C, H, W) or (N, C, H, W)]"
        )
    return input
