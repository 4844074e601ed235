"""What activations take: a tensor of a dtype that torch's kernel takes, and numbers."""

from __future__ import annotations

from math import inf
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import check_input, int_of, number_of
from manualconv.functional.refusals.refusal import Refusal
from manualconv.kernels.precision import WIDENED


def check_floating(input: Any, complex_too: bool = False) -> None:
    """A tensor of floating point numbers."""
    check_input(input)
    if not (input.is_floating_point() or (complex_too and input.is_complex())):
        raise Refusal(f"input is {input.dtype}: .float() first")


def check_ordered(input: Any) -> None:
    """A tensor of ordered numbers: neither booleans nor complex."""
    check_input(input)
    if input.dtype == torch.bool or input.is_complex():
        raise Refusal(f"input is {input.dtype}, and numbers are compared: .int(), or .real, .imag and .abs()")


#: What torch turns numbers into, besides float64, to which every number fits.
_BOUNDED = frozenset(
    {
        *(torch.float32, torch.float16, torch.bfloat16),
        *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    }
)


def scalar(key: str, value: Any, dtype: torch.dtype) -> float:
    """A number for all entries, none beyond those of a dtype; infinity and NaN are floating point numbers too."""
    number: float = number_of(key, value, exactly=True)
    if dtype not in _BOUNDED or not isinstance(number, (int, float)):
        return number
    range_ = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
    special = dtype.is_floating_point and (number != number or abs(number) == inf)
    if not special and not range_.min <= number <= range_.max:
        raise Refusal(f"{key}={value}: numbers of {dtype} end at {range_.max}; input.double() has larger ones")
    return number


def computed(key: str, value: Any, dtype: torch.dtype) -> float:
    """The same of a number that is computed with: in float32 for half precision."""
    return scalar(key, value, WIDENED.get(dtype, dtype))


def limits(low: Any, high: Any, input: Tensor) -> tuple[float, float]:
    """Two numbers, ``min_val ≤ max_val``, and none below zero for entries that have no sign."""
    if isinstance(low, complex) or isinstance(high, complex):
        raise Refusal(f"min_val={low} and max_val={high} must be real numbers", TypeError)
    if input.is_floating_point():
        low, high = number_of("min_val", low, exactly=True), number_of("max_val", high, exactly=True)
    else:
        low, high = scalar("min_val", low, torch.int64), scalar("max_val", high, torch.int64)
    if low > high:
        raise Refusal(f"min_val={low} > max_val={high}")
    if low <= -1 and input.dtype in (torch.uint8, torch.uint16, torch.uint32, torch.uint64):
        raise Refusal(f"min_val={low} and {input.dtype}: min_val=0, or a signed dtype")
    return low, high


def celu_alpha(alpha: Any, dtype: torch.dtype) -> float:
    """CELU divides by alpha."""
    number = computed("alpha", alpha, dtype)
    if number == 0:
        raise Refusal("alpha=0, and z/alpha is computed; alpha=1 is elu")
    computed("1/alpha", 1 / number, dtype)
    return number


def check_approximate(approximate: Any) -> None:
    """``'none'`` or ``'tanh'``."""
    if not isinstance(approximate, str) or approximate not in ("none", "tanh"):
        raise Refusal(f"approximate={approximate!r} must be 'none' or 'tanh'")


def softmax_axis(input: Any, dim: Any) -> int:
    """An axis of a tensor."""
    check_input(input)
    axis, rank = int_of("dim", dim), max(input.dim(), 1)
    if not -rank <= axis < rank:
        raise Refusal(f"dim={axis} must be from {-rank} to {rank - 1}")
    return axis


def check_logits(z: Tensor) -> None:
    """Fractions, or nothing."""
    if not z.is_floating_point() and z.numel() > 0:
        raise Refusal(f"input is {z.dtype}, and fractions have exponentials: input.float()")


def checked_image(input: Any) -> Tensor:
    """The input, if it has the three or four axes of an image: asked for by a layer, which torch has words for."""
    if not isinstance(input, Tensor):
        raise TypeError(f"softmax(): argument 'input' must be Tensor, not {type(input).__name__}")
    if input.dim() not in (3, 4):
        raise ValueError(
            f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead [(C, H, W) or (N, C, H, W)]"
        )
    return input
