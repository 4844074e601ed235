"""The results that errors are measured against.

In float32 torch's float64 is exact enough.  In float64 the reference has no rounding at all: operands are fixed-point
numbers of 32 bits, x = x′ + x″ in halves of 16, and

    y = Σᵢⱼ conv(xᵢ, wⱼ)          each with products of 32 bits, of which 2²¹ add up in 53 bits

so that torch's own direct convolution of halves is exact in any order.  Four runs, forward and backward, meet every
pair of halves of (x, w), (x, ȳ) and (w, ȳ) once; their results are added with the errors of the additions kept.

Source: Ozaki, Ogita, Oishi and Rump, *Error-free transformations of matrix multiplication* (2012).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

#: A result without rounding: a tensor and what is to be added to it.
Exact = tuple[Tensor, Tensor]
HALF = 16
#: Which half of x, w and ȳ each run takes; every pair of columns holds every pair of halves once.
RUNS = ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0))


def fixed(t: Tensor) -> Tensor:
    """A float64 tensor rounded to multiples of 2⁻³² of its largest number's power of two."""
    unit = 2.0 ** (_exponent(t) - 2 * HALF)
    return (t / unit).round() * unit


def halves(t: Tensor) -> tuple[Tensor, Tensor]:
    """``fixed`` numbers as the sum of two with 16 bits each."""
    unit = 2.0 ** (_exponent(t) - HALF)
    upper = (t / unit).round() * unit
    return upper, t - upper


def _exponent(t: Tensor) -> int:
    return math.frexp(float(t.abs().max()))[1]


def exact_sums(run: Callable[[Sequence[Tensor]], tuple[Tensor, ...]], operands: Sequence[Tensor]) -> list[Exact]:
    """Results of a map bilinear in each pair of three operands, (x, w, ȳ) ↦ (y, x̄, w̄), without rounding.

    Args:
        run: y and the gradients by torch, in float64.
        operands: x, w and ȳ, `fixed`.
    """
    pieces = [halves(t) for t in operands]
    runs = [run([piece[half] for piece, half in zip(pieces, chosen)]) for chosen in RUNS]
    return [_added(parts) for parts in zip(*runs)]


def _added(parts: Sequence[Tensor]) -> Exact:
    """Knuth's sum of two numbers and its error, part by part."""
    total, rest = parts[0], torch.zeros_like(parts[0])
    for part in parts[1:]:
        new = total + part
        virtual = new - total
        rest = rest + ((total - (new - virtual)) + (part - virtual))
        total = new
    return total, rest


def relative_error(got: Sequence[Tensor], exact: Sequence[Exact]) -> float:
    """The largest relative L2 error among the tensors; NaN if one holds a NaN."""
    errors = []
    for result, (total, rest) in zip(got, exact):
        distance = float(((result.detach().double() - total) - rest).norm())
        errors.append(distance / max(float(total.norm()), 1e-300))
    return math.nan if any(map(math.isnan, errors)) else max(errors)
