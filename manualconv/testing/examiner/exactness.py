"""How far a result may be from the exact one, and how far it is: a measurement, of which a bound follows.

A sum of K products may be off by

    e = |y − y64| / (u·S) ≤ K + 2,     S = Σ|x|·|w|,

in any order.  Of another operation the answer says itself what roundings do to it: the tensors are moved by half a
spacing of their dtype, and the exact answer moves by as much as no implementation can avoid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Any

import torch
from torch import Tensor
from torch.autograd import grad
from torch.autograd.functional import jacobian

from manualconv import functional
from manualconv.testing.catalogue import OPERATIONS, Question
from manualconv.testing.examiner.outcome import Accuracy
from manualconv.testing.judge import ROUNDING
from manualconv.testing.laws.operation import real
from manualconv.testing.referee import REFEREE

#: Of an answer that is no sum: roundings that are nobody's fault, how often the operands are moved, and of the farthest
#: that the answer moves then so many times.
FLOOR, MOVES, TIMES = 64, 4, 16
#: The roundings of a fast algorithm, by norm.
BY_NORM = 16
#: Powers of two by which an error that looks like a lower precision may differ from its rounding.
OCTAVES = 3.5


@dataclass(frozen=True)
class Scale:
    """Of each entry the unit of its error, how many are allowed, and what a rounding is of; u·S and S of a sum."""

    unit: Tensor
    allowed: Tensor
    size: Tensor

    def errors(self, got: Tensor, exact: Tensor) -> Tensor:
        """In units; 0 where a unit is so small that nothing is left of it."""
        distance = torch.nan_to_num((got.double() - exact).abs())
        return torch.where(self.unit > 0, distance / self.unit.clamp(min=1e-300), torch.zeros_like(distance))

    def wrong(self, got: Tensor, exact: Tensor) -> Tensor:
        """Entries that are too far."""
        same = (got.double() == exact) | (got.isnan() & exact.isnan())
        # Of what a dtype cannot hold the unit is infinite, and not a number is as right as infinity.
        near: Tensor = ((got.double() - exact).abs() <= self.unit * self.allowed) | self.unit.isinf()
        return ~same & ~near


def answers(question: Question, library: Any, inputs: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """A library's value and gradients, in a dtype."""
    count = len(inputs) - question.constants
    moved = [t.to(dtype) if t.is_floating_point() else t for t in inputs]
    leaves = [t.detach().requires_grad_() if n < count else t for n, t in enumerate(moved)]
    y = question.of(library)(*leaves)
    if y.shape != question.cotangent.shape:  # the cotangent has that of a wrong result
        return [y.detach()]
    return [y.detach(), *grad(y, leaves[:count], question.cotangent.to(y.dtype), materialize_grads=True)]


def scales(question: Question, label: str, dtype: torch.dtype, tier: str) -> tuple[list[Tensor], list[Scale]]:
    """The exact answers to the question's numbers with all digits of a dtype, and their scales."""
    inputs, largest = real(question, dtype), torch.finfo(dtype).max
    exact = answers(question, functional, inputs, torch.float64)
    if is_a_sum(label):
        sizes = answers(_with(question, question.cotangent.abs()), functional, [t.abs() for t in inputs], torch.float64)
        sizes = [size.abs() for size in sizes]  # a mean's divisor may be negative
        allowed = [terms + 2 for terms in _terms(question, label, inputs)]
        units = [s * ROUNDING[dtype] for s in sizes]
    else:
        units = _moved(question, inputs, exact, dtype)
        sizes = [torch.full_like(e, _largest([e])) for e in exact]
        allowed = [torch.full_like(e, TIMES) for e in exact]
    tiny = torch.finfo(dtype).tiny * torch.finfo(dtype).eps
    found = []
    for e, size, unit, units_allowed in zip(exact, sizes, units, allowed):
        # Twice in float64, in which the judge rounds too; whatever a dtype cannot hold may be anything.
        unit = (unit + tiny) * (2 if dtype == torch.float64 else 1)
        unit = torch.where(size < largest / 2, unit, torch.full_like(unit, torch.inf))
        found.append(Scale(unit, _widened(units_allowed, unit, e, dtype, tier), size))
    return exact, found


def _with(question: Question, cotangent: Tensor) -> Question:
    return replace(question, cotangent=cotangent)


def _terms(question: Question, label: str, inputs: Sequence[Tensor]) -> list[Tensor]:
    """K of every entry: what ones give, or, of a mean, how many entries it depends on."""
    ones = [torch.ones_like(t) for t in inputs]
    if not label.startswith(MEANS):
        found = answers(_with(question, torch.ones_like(question.cotangent)), functional, ones, torch.float64)
        return [k.abs() for k in found]
    if not (ones[0].numel() and question.cotangent.numel()):
        return [torch.zeros_like(t, dtype=torch.float64) for t in (question.cotangent, ones[0])]
    reads = jacobian(question.of(functional), ones[0].double(), vectorize=True) != 0
    value = question.cotangent.dim()
    return [
        reads.flatten(value).sum(-1).double() if ones[0].dim() else reads.double(),
        reads.flatten(0, value - 1).sum(0).double() if value else reads.double(),
    ]


#: Sums over a count: of ones they are 1.
MEANS = "avg_pool", "adaptive_avg_pool"


def _moved(question: Question, inputs: Sequence[Tensor], exact: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """How far the answers move with the operands, and a few roundings of their own."""
    u, farthest = ROUNDING[dtype], [torch.zeros_like(e) for e in exact]
    generator = torch.Generator().manual_seed(0)

    def nudged(t: Tensor) -> Tensor:
        signs = torch.randint(0, 2, t.shape, generator=generator) * 2 - 1
        return t.double() * (1 + u * signs) if t.is_floating_point() else t

    for _ in range(MOVES):
        there = _with(question, nudged(question.cotangent))
        for most, t, e in zip(farthest, answers(there, functional, [*map(nudged, inputs)], torch.float64), exact):
            most.copy_(torch.maximum(most, torch.nan_to_num((t - e).abs())))
    # An answer near 0 may be what is left of terms as large as other answers, or as 1, which drawn numbers are around.
    size = max(_largest(exact), 1.0)
    found = []
    for most in farthest:
        own = most.max() if most.numel() else most.sum()
        found.append((own + FLOOR / TIMES * u * size).expand(most.shape))
    return found


def _largest(tensors: Sequence[Tensor]) -> float:
    """Of all finite entries."""
    numbers = [t.double().abs() for t in tensors if t.is_floating_point() and t.numel()]
    return max((float(torch.nan_to_num(t, posinf=0.0).max()) for t in numbers), default=0.0)


def _widened(allowed: Tensor, unit: Tensor, exact: Tensor, dtype: torch.dtype, tier: str) -> Tensor:
    """Halves may be summed in halves only where they are asked for as such; a fast algorithm's error is by norm."""
    if tier == "fast":
        by_norm: Tensor = allowed + BY_NORM * ROUNDING[dtype] * exact.norm() / unit
        return by_norm
    inside = {"bf16": torch.bfloat16, "f16": torch.float16}.get(tier)
    return allowed if inside is None else allowed * max(1.0, ROUNDING[inside] / ROUNDING[dtype])


def is_a_sum(label: str) -> bool:
    """Whether an operation is linear in each of its tensors: a sum of products."""
    name = label.partition(",")[0]
    operation = OPERATIONS.get(name) or OPERATIONS.get(f"{name}2d")
    return operation is not None and next(iter(operation.examples.values())).multilinear


# ---------------------------------------------------------------------------------------------- the measurement


def measured(
    question: Question, dtype: torch.dtype, results: Sequence[Tensor], exact: Sequence[Tensor], scales: Sequence[Scale]
) -> Accuracy:
    """The errors of results and of torch's own, which is asked for nothing else."""
    found = Accuracy()
    try:
        theirs: list[Tensor] = answers(question, REFEREE, real(question, dtype), dtype)
    except Exception:  # what torch has not, or does not take
        theirs = []
    for n, (got, e, scale) in enumerate(zip(results, exact, scales)):
        counted = (scale.unit > 0) & scale.unit.isfinite() & e.isfinite()
        if not counted.any():
            continue
        errors, allowed = scale.errors(got, e)[counted], scale.allowed[counted]
        found.target += errors.tolist()
        found.bound = max(found.bound, float(allowed.max()))
        found.used = max(found.used, float((errors / allowed).max()))
        if theirs and theirs[n].shape == e.shape:
            found.torch += scale.errors(theirs[n], e)[counted].tolist()
    return found


def looks_like(got: Tensor, exact: Tensor, scale: Scale, dtype: torch.dtype) -> str:
    """Of an error that is too large: the precision in which it may have been computed."""
    counted = (scale.size > 0) & scale.unit.isfinite() & exact.isfinite()
    if not counted.any() or not got[counted].isfinite().all():
        return ""
    rounding = float(((got.double() - exact).abs() / scale.size)[counted].max())
    narrower = [each for each in ROUNDING if ROUNDING[each] > ROUNDING[dtype]]
    if not narrower or rounding == 0:
        return ""
    # A rounding or two of each operand is half of what it may be, as often as not.
    octaves = {each: abs(log2(2 * rounding / ROUNDING[each])) for each in narrower}
    nearest = min(octaves, key=lambda each: octaves[each])
    return f"as if computed in {str(nearest).removeprefix('torch.')}" if octaves[nearest] <= OCTAVES else ""
