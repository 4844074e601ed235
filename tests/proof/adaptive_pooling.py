"""Adaptive pooling as questions: means over intervals by whose lengths everything is divisible, maxima without ties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from manualconv import definitions, functional
from manualconv.testing.cases import AdaptivePooling
from manualconv.testing.cases.tensors import unshared

#: A function of tensors, the tensors, a cotangent, and what the loops say.
Question = tuple[Callable[..., Tensor], tuple[Tensor, ...], Tensor, Callable[[], list[Any]]]
#: Divisible by every number of positions in an interval of a drawn axis.
DIVISIBLE = 2520.0


def _dyadic(length: int, parts: int) -> int:
    """The number of intervals nearest to `parts` that all have one, two or four positions."""
    found = {}
    for q in range(1, 8):
        lengths = {len(definitions.interval((p,), (length,), (q,))) for p in range(q)}
        if lengths <= {1, 2, 4}:
            found[q] = abs(q - parts)
    return min(found, key=lambda q: found[q])


def smaller(case: AdaptivePooling) -> AdaptivePooling:
    """One sample and channel of few numbers, whose difference quotients with step 1 are exact."""
    sizes = tuple(min(i, 4 if case.ndim < 3 else 3) for i in case.input_size)
    return replace(
        case,
        input_size=sizes,
        output_size=tuple(_dyadic(i, p) for i, p in zip(sizes, case.output_size)),
        batch=None if case.batch is None else 1,
        channels=1,
        layouts=unshared(case.layouts),
    )


def smaller_distinct(case: AdaptivePooling) -> AdaptivePooling:
    """The same without ties."""
    return replace(smaller(case), fill="distinct")


def averaged(case: AdaptivePooling) -> Question:
    """Values and gradient of the mean."""
    x, cotangent = (DIVISIBLE**case.ndim * t for t in (case.input(), case.cotangent()))
    layer = getattr(functional, f"adaptive_avg_pool{case.ndim}d")

    def loops() -> list[Any]:
        results = [
            definitions.adaptive_avg_pool(x.numpy(), case.output_size),
            definitions.adaptive_avg_pool_gradient(cotangent.numpy(), case.input_size),
        ]
        return [t[0] for t in results] if case.batch is None else results

    return lambda t: layer(t, case.output_size), (case.unbatch(x),), case.unbatch(cotangent), loops


def highest(case: AdaptivePooling) -> Question:
    """Values and gradient of the maximum."""
    x, cotangent = case.input(), case.cotangent()
    layer = getattr(functional, f"adaptive_max_pool{case.ndim}d")

    def loops() -> list[Any]:
        values, winner = definitions.adaptive_max_pool(x.numpy(), case.output_size)
        back = definitions.adaptive_max_pool_gradient(cotangent.numpy(), winner, case.input_size)
        return [t[0] for t in (values, back)] if case.batch is None else [values, back]

    return lambda t: layer(t, case.output_size), (case.unbatch(x),), case.unbatch(cotangent), loops
