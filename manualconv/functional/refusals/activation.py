"""What activations, dropout and attention take: a dtype that torch's kernel takes, and numbers."""

from __future__ import annotations

import warnings
from math import inf
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    FRACTIONS,
    WHOLE,
    check_flags,
    check_floating,
    check_input,
    int_of,
    kind,
    number_of,
)
from manualconv.functional.refusals.refusal import Refusal, asked
from manualconv.kernels.precision import WIDENED
from manualconv.torch_internals import at_trace_time, is_moving


def check_ordered(input: Any) -> None:
    """A tensor of ordered numbers: neither booleans nor complex."""
    check_input(input)
    if input.dtype == torch.bool or input.is_complex():
        raise Refusal(f"input is {input.dtype}, and numbers are compared: .int(), or .real, .imag and .abs()")


#: What torch turns numbers into, besides float64, to which every number fits.
_BOUNDED = (FRACTIONS | WHOLE) - {torch.float64}


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
    dtype = torch.float64 if input.is_floating_point() else torch.int64
    low, high = scalar("min_val", low, dtype), scalar("max_val", high, dtype)
    unsigned = input.dtype in (torch.uint8, torch.uint16, torch.uint32, torch.uint64)
    if low > high or (unsigned and (high <= -1 or (low <= -1 and not _limits_below_every_entry()))):
        raise Refusal(f"min_val={low} > max_val={high}, or negative for {input.dtype}: min_val=0, or a signed dtype")
    return low, high


@at_trace_time
def _limits_below_every_entry() -> bool:
    """Whether torch takes a limit below zero for entries that have no sign, as releases from 2.15 on do."""
    return asked(torch.nn.functional.hardtanh, (torch.zeros(1, dtype=torch.uint8, device="cpu"),), {}) is None


def celu_alpha(alpha: Any, dtype: torch.dtype) -> float:
    """CELU divides by alpha."""
    number = computed("alpha", alpha, dtype)
    if number == 0:
        raise Refusal("alpha=0, and z/alpha is computed; alpha=1 is elu")
    computed("1/alpha", 1 / number, dtype)
    return number


def shrinkage(lambd: Any, dtype: torch.dtype) -> float:
    """What softshrink takes off: a finite number, at least 0."""
    number = scalar("lambd", lambd, dtype)
    if not 0 <= number < inf:
        raise Refusal(f"lambd={number:g} must be at least 0, and finite")
    return number


def check_approximate(approximate: Any) -> None:
    """``'none'`` or ``'tanh'``."""
    if not isinstance(approximate, str) or approximate not in ("none", "tanh"):
        raise Refusal(f"approximate={approximate!r} must be 'none' or 'tanh'")


def softmax_axis(input: Any, dim: Any) -> int:
    """An axis of a tensor."""
    axis, rank = int_of("dim", dim), max(input.dim(), 1)
    if not -rank <= axis < rank:
        raise Refusal(f"dim={axis} must be from {-rank} to {rank - 1}")
    return axis


def check_logits(z: Tensor) -> None:
    """Fractions, or nothing."""
    if not z.is_floating_point() and z.numel() > 0:
        raise Refusal(f"input is {z.dtype}, and fractions have exponentials: input.float()")


def check_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool, dropout_p: float
) -> None:
    """One dtype and at least two axes; a mask that is boolean or can be added, and only one."""
    if not query.dtype == key.dtype == value.dtype or not query.is_floating_point():
        kinds = f"{query.dtype}, {key.dtype} and {value.dtype}"
        raise Refusal(f"query, key and value are {kinds}: .to() them to one, .float() makes numbers")
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise Refusal("query is (*, L, E), key (*, S, E), value (*, S, F)")
    if attn_mask is not None and (is_causal or attn_mask.dtype not in (torch.bool, torch.float32, query.dtype)):
        raise Refusal(f"a mask of {attn_mask.dtype} must be bool or of {query.dtype}, and alone: is_causal is one too")
    check_probability(dropout_p, "dropout_p")


def check_heads(query: int, key: int, value: int) -> None:
    """With grouped heads, every key and value serves as many queries."""
    if not key or not value or query % key or query % value:
        raise Refusal(f"axis -3 counts the heads: {key} and {value} of key and value must divide {query} of query")


def check_probability(p: Any, key: str = "p") -> None:
    """A number between 0 and 1."""
    if not hasattr(p, "__float__") or kind(p) == "numpy.ndarray" or not 0 <= p <= 1:
        raise Refusal(f"{key}={p!r} must be a number, 0 <= {key} <= 1")


def probability(input: Any, p: Any, training: Any) -> float:
    """The probability beside a tensor and a flag.

    A tensor of no axes is read as its number, as torch reads it: a draw for a tensor would be another one.
    """
    check_probability(p)
    check_input(input)
    check_flags(training=training)
    if isinstance(p, Tensor):
        if p.dim() > 0 or (is_moving(p) and (torch.is_grad_enabled() or not p.requires_grad)):
            raise Refusal("p is a number, which has no derivative: p.item() or p.detach()")
        p = p.item()
    return p  # type: ignore[no-any-return]


def check_drawn(input: Tensor, channels: bool) -> None:
    """What is divided by ``1 − p`` is no integer; dropout of channels needs a second axis."""
    check_floating(input, complex_too=True)
    if channels and input.dim() < 2:
        raise Refusal(f"input must be (N, C, ...), but got {tuple(input.shape)}")


def check_channels(name: str, ndim: int, input: Any) -> None:
    """Ranks ``ndim + 1`` and ``ndim + 2``; torch only warns of others from two axes on."""
    check_input(input)
    ranks, rank = (ndim + 1, ndim + 2), input.dim()
    if rank not in ranks:
        if ndim == 1:
            raise Refusal(f"input of {rank} axes must be (C, L) or (N, C, L)")
        deprecated = "which is deprecated and will result in an error in a future release"
        hint = f"[{ranks[0]}-D or {ranks[1]}-D; dropout takes any rank]"
        warnings.warn(f"{name}: Received a {rank}-D input to {name}, {deprecated} {hint}", stacklevel=5)
    if ndim == 2 and rank == 3:
        wanted = "assuming that channel-wise 1D dropout behavior is desired [(N, C, L), as torch reads it today"
        warnings.warn(f"dropout2d: Received a 3D input to dropout2d and {wanted}; dropout1d says so]", stacklevel=5)
