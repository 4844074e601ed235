"""What the results should be, computed by the definitions where the target cannot look: in another process.

`judged` gets the results alone and answers with the difference.  Whole numbers are compared exactly where an operation
is a sum of products; how far other numbers may be off, `manualconv.testing.examiner.exactness` says.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manualconv import functional
from manualconv.testing.catalogue import OPERATIONS, Proof, Question
from manualconv.testing.examiner import exactness
from manualconv.testing.examiner.exactness import answers
from manualconv.testing.examiner.outcome import Accuracy
from manualconv.testing.judge import ROUNDING
from manualconv.testing.laws.operation import Kind, held
from manualconv.testing.laws.operation.asked import room

#: Of whose roundings a tier admits so many, by norm.
TIERS = {"fast": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
ADMITTED = 16


@dataclass(frozen=True)
class Difference:
    """Where a result is wrong: the slot (0 the value, then the gradients), the place, both numbers, how many places.

    Attributes:
        note: in words, where it is no number that is wrong.
        remark: what the error looks like.
        room: how far from it would have been right.
        shape: what a result should have, whose shape is wrong.
    """

    slot: int
    index: tuple[int, ...]
    got: float
    expected: float
    wrong: int
    of: int
    note: str = ""
    remark: str = ""
    room: float = 0.0
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Judgement:
    """The first difference between results and what they should be, if there is one, and how exact they are."""

    difference: Difference | None
    accuracy: Accuracy | None = None


@contextmanager
def as_drawn() -> Iterator[None]:
    """Of cases that are drawn on purpose torch warns, in the target's process and in the judge's."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using a target size")
        yield


def proofs_of(operation: str) -> dict[str, Proof]:
    """Of an operation, by their labels; where one proof is of all dimensions, the operation's part of it."""
    sibling = OPERATIONS.get(f"{operation[:-2]}2d")
    own = OPERATIONS[operation].proofs or ({} if sibling is None else sibling.proofs)
    if all(label.partition(",")[0] == operation for label in own):
        return dict(own)
    axes = int(operation[-2])
    return {
        label: replace(proof, cases=proof.cases.filter(lambda case: case.ndim == axes)) for label, proof in own.items()
    }


def question_of(label: str, case: Any, small: bool) -> Question:
    """The question that a case of a proof asks."""
    proof = proofs()[label]
    found: Question = proof.question(proof.smaller(case) if small else case)
    return found


def proofs() -> dict[str, Any]:
    """Of every operation, by their labels."""
    return {label: proof for each in OPERATIONS.values() for label, proof in each.proofs.items()}


@as_drawn()
def judged(label: str, case: Any, small: bool, kind: Kind, results: Sequence[Tensor], tier: str) -> Judgement:
    """What is wrong with results, if anything is."""
    question = question_of(label, case, small)
    if kind.name.startswith("real "):
        return _judged_by_roundings(question, label, getattr(torch, kind.name.removeprefix("real ")), results, tier)
    if kind.name == "numbers":
        *inputs, cotangent = (torch.from_numpy(array) for array in kind.arrays)
        question = replace(question, inputs=tuple(inputs), cotangent=cotangent)
        expected = answers(question, functional, inputs, torch.float64)[: len(results)]
    else:
        expected = [torch.from_numpy(np.asarray(t)) for t in question.loops()[: len(results)]]
    off = room(question.roundings + kind.more, getattr(torch, kind.base))
    wrong = [_off(g, e, off, tier) for g, e in zip(results, expected)]
    return Judgement(_first(wrong, results, expected, kind.first))


def _judged_by_roundings(
    question: Question, label: str, dtype: torch.dtype, results: Sequence[Tensor], tier: str
) -> Judgement:
    """Of numbers with all digits that a dtype holds."""
    bare = held(replace(question, of=question.alone or question.of), dtype)
    exact, scales = exactness.scales(bare, label, dtype, tier)
    wrong: list[Tensor | str] = []
    for got, e, scale in zip(results, exact, scales):
        shapes = f"has the shape {tuple(got.shape)}, should have {tuple(e.shape)}"
        wrong.append(scale.wrong(got, e) if got.shape == e.shape else shapes)
    difference = _first(wrong, results, exact, 0)
    if difference is None:
        return Judgement(None, exactness.measured(bare, dtype, results, exact, scales))
    if difference.note:
        return Judgement(difference)
    slot, at = difference.slot, difference.index
    remark = exactness.looks_like(results[slot], exact[slot], scales[slot], dtype)
    room = float((scales[slot].unit * scales[slot].allowed)[at])
    return Judgement(replace(difference, remark=remark, room=room))


def _off(got: Tensor, expected: Tensor, room: float, tier: str) -> Tensor | str:
    """Which entries are wrong; a sentence where shapes are."""
    if got.shape != expected.shape:
        return f"has the shape {tuple(got.shape)}, should have {tuple(expected.shape)}"
    got, expected = got.double(), expected.double()
    same = (got == expected) | (got.isnan() & expected.isnan())
    if tier != "direct":
        far: Tensor = (got - expected).norm() > ADMITTED * ROUNDING[TIERS[tier]] * expected.norm()
        return ~same & far
    return ~same & ~((got - expected).abs() <= room * (1 + expected.abs()))


def _first(
    wrong: Sequence[Tensor | str], results: Sequence[Tensor], expected: Sequence[Tensor], first: int
) -> Difference | None:
    for slot, where in list(enumerate(wrong))[first:]:
        if isinstance(where, str):
            shape = tuple(expected[slot].shape)
            return Difference(slot, (), float("nan"), float("nan"), 1, 1, where, shape=shape)
        if where.any():
            index = tuple(int(i) for i in where.nonzero()[0])
            numbers = float(results[slot][index]), float(expected[slot][index])
            return Difference(slot, index, *numbers, int(where.sum()), where.numel())
    return None
