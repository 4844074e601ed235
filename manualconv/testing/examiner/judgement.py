"""What the results should be, computed by the definitions where the target cannot look: in another process.

`judged` gets the results alone and answers with the difference.  Whole numbers are compared exactly where an operation
is a sum of products; other numbers within the roundings of their sum,

    e = |y − y64| / (u·S) ≤ K + 2,     S = Σ|x|·|w|,  K terms,

and where it is no such sum, within a multiple of what torch itself is off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.geometry import per_axis
from manualconv.testing.adapters import bound
from manualconv.testing.catalogue import OPERATIONS, Question
from manualconv.testing.examiner.features import recorded
from manualconv.testing.judge import ROUNDING
from manualconv.testing.laws.operation import Kind, real

#: Of torch's own error, and the roundings that are nobody's fault.
TIMES, FLOOR = 8, 64
#: In float32 three digits of a smooth operation are seen by the definitions; how many more, the roundings' laws say.
COARSEST = 2.0**-10


@dataclass(frozen=True)
class Difference:
    """Where a result is wrong: the slot (0 the value, then the gradients), the place, both numbers, how many places."""

    slot: int
    index: tuple[int, ...]
    got: float
    expected: float
    wrong: int
    of: int
    note: str = ""


def question_of(label: str, case: Any, small: bool) -> Question:
    """The question that a case of a proof asks."""
    proof = proofs()[label]
    found: Question = proof.question(proof.smaller(case) if small else case)
    return found


def proofs() -> dict[str, Any]:
    """Of every operation, by their labels."""
    return {label: proof for each in OPERATIONS.values() for label, proof in each.proofs.items()}


def judged(label: str, case: Any, small: bool, kind: Kind, results: Sequence[Tensor], tier: str) -> Difference | None:
    """The first difference between results and what they should be, if there is one."""
    question = question_of(label, case, small)
    if kind.name.startswith("real "):
        dtype = getattr(torch, kind.name.removeprefix("real "))
        exact = answers(question, functional, real(question, dtype), torch.float64)[: len(results)]
        bounds = _bounds(question, label, dtype, exact, tier)
        wrong: list[Tensor | str] = [(g.double() - e).abs() > bound for g, e, bound in zip(results, exact, bounds)]
        return _first(wrong, results, exact, kind.first)
    if kind.name == "numbers":
        *inputs, cotangent = (torch.from_numpy(array) for array in kind.arrays)
        question = replace(question, inputs=tuple(inputs), cotangent=cotangent)
        expected = answers(question, functional, inputs, torch.float64)[: len(results)]
    else:
        expected = [torch.from_numpy(np.asarray(t)) for t in question.loops()[: len(results)]]
    room = min(question.roundings * ROUNDING[getattr(torch, kind.base)], COARSEST)
    return _first([_off(g, e, room, tier) for g, e in zip(results, expected)], results, expected, kind.first)


def answers(question: Question, library: Any, inputs: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """A library's value and gradients, in a dtype."""
    count = len(inputs) - question.constants
    moved = [t.to(dtype) if t.is_floating_point() else t for t in inputs]
    leaves = [t.detach().requires_grad_() if n < count else t for n, t in enumerate(moved)]
    y = question.of(library)(*leaves)
    if y.shape != question.cotangent.shape:  # the cotangent has that of a wrong result
        return [y.detach()]
    return [y.detach(), *grad(y, leaves[:count], question.cotangent.to(y.dtype), materialize_grads=True)]


def _off(got: Tensor, expected: Tensor, room: float, tier: str) -> Tensor | str:
    """Which entries are wrong; a sentence where shapes are."""
    if got.shape != expected.shape:
        return f"has the shape {tuple(got.shape)}, should have {tuple(expected.shape)}"
    got, expected = got.double(), expected.double()
    same = (got == expected) | (got.isnan() & expected.isnan())
    if tier != "direct":
        u = {"fast": ROUNDING[torch.float32], "bf16": ROUNDING[torch.bfloat16], "f16": ROUNDING[torch.float16]}[tier]
        far: Tensor = (got - expected).norm() > 16 * u * expected.norm()
        return ~same & far
    return ~same & ~((got - expected).abs() <= room * (1 + expected.abs()))


def _first(
    wrong: Sequence[Tensor | str], results: Sequence[Tensor], expected: Sequence[Tensor], first: int
) -> Difference | None:
    for slot, where in list(enumerate(wrong))[first:]:
        if isinstance(where, str):
            return Difference(slot, (), float("nan"), float("nan"), 1, 1, where)
        if where.any():
            index = tuple(int(i) for i in where.nonzero()[0])
            numbers = float(results[slot][index]), float(expected[slot][index])
            return Difference(slot, index, *numbers, int(where.sum()), where.numel())
    return None


def _bounds(question: Question, label: str, dtype: torch.dtype, exact: Sequence[Tensor], tier: str) -> list[Tensor]:
    """How far each result may be from the exact one."""
    u = ROUNDING[dtype]
    if is_a_sum(label):
        inputs = real(question, dtype)
        sizes = answers(
            _positive(question, question.cotangent.abs()), functional, [t.abs() for t in inputs], torch.float64
        )
        ones = _positive(question, torch.ones_like(question.cotangent))
        terms = answers(ones, functional, [torch.ones_like(t) for t in inputs], torch.float64)
        least = averaged(question)
        # Twice in float64: the judge rounds as well.
        twice = 2 if dtype == torch.float64 else 1
        allowed = [(k.abs().clamp(min=least) + 2) * s.abs() * u * twice for k, s in zip(terms, sizes)]
        tiny = torch.finfo(dtype).tiny * torch.finfo(dtype).eps
        largest = torch.finfo(dtype).max  # what no number of the dtype can be is not compared
        allowed = [(bound + tiny).masked_fill(e.abs() > largest, torch.inf) for bound, e in zip(allowed, exact)]
        return [_widened(bound, e, dtype, tier) for bound, e in zip(allowed, exact)]
    theirs = answers(question, F, real(question, dtype), dtype)
    found = []
    for t, e in zip(theirs, exact):
        scale = e.abs().max() if e.numel() else e.sum()
        room = (t.double() - e).abs().max() if e.numel() else e.sum()
        found.append((TIMES * torch.nan_to_num(room, posinf=0.0) + FLOOR * u * (scale + 1)).expand(e.shape))
    return found


def averaged(question: Question) -> int:
    """Terms of a mean, which is 1 for ones and does not count them; 0 of other sums."""
    call = recorded(question.of, question.inputs)
    if call is None or not call[0].startswith("avg_pool"):
        return 0
    return prod(per_axis(bound(*call)["kernel_size"], int(call[0][-2])))


def _widened(bound: Tensor, exact: Tensor, dtype: torch.dtype, tier: str) -> Tensor:
    """Halves may be summed in halves only where they are asked for as such; a fast algorithm's error is by norm."""
    if tier == "fast":
        by_norm: Tensor = bound + 16 * ROUNDING[dtype] * exact.norm()
        return by_norm
    inside = {"bf16": torch.bfloat16, "f16": torch.float16}.get(tier)
    return bound if inside is None else bound * max(1.0, ROUNDING[inside] / ROUNDING[dtype])


def _positive(question: Question, cotangent: Tensor) -> Question:
    return replace(question, cotangent=cotangent)


def is_a_sum(label: str) -> bool:
    """Whether an operation is linear in each of its tensors: a sum of products."""
    operation = OPERATIONS.get(label.split(",")[0])
    return operation is not None and next(iter(operation.examples.values())).multilinear
