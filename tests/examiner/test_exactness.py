"""Accuracy is a measurement: errors in roundings, torch's beside them, the bound of a sum; what they look like."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from manualconv.testing.catalogue import Question
from manualconv.testing.examiner import exactness, judgement
from manualconv.testing.examiner.asking import drawn
from manualconv.testing.examiner.judgement import Judgement
from manualconv.testing.laws.operation import Kind, held, real

NARROW = (torch.float32, torch.float16, torch.bfloat16)


def cases(label: str) -> list[Any]:
    """A few with entries."""
    found = drawn(judgement.proofs()[label].cases, 60, 0)
    return [case for case in found if judgement.question_of(label, case, False).cotangent.numel() > 3][:8]


def judged(label: str, case: Any, inside: torch.dtype, outside: torch.dtype, tier: str = "direct") -> Judgement:
    """torch's answers computed in a precision inside, given as if in another."""
    question = held(judgement.question_of(label, case, False), outside)
    numbers = [t.double() if t.is_floating_point() else t for t in real(question, outside)]
    results = exactness.answers(question, F, numbers, inside)
    kind = Kind(f"real {str(outside).removeprefix('torch.')}")
    return judgement.judged(label, case, False, kind, [t.to(outside).double() for t in results], tier)


@pytest.mark.parametrize("inside", NARROW, ids=str)
@pytest.mark.parametrize("label", ["linear", "softmax"])
def test_a_lower_precision_inside_is_seen_and_named(label: str, inside: torch.dtype) -> None:
    named = f"as if computed in {str(inside).removeprefix('torch.')}"
    found = [judged(label, case, inside, torch.float64).difference for case in cases(label)]
    remarks = [difference.remark for difference in found if difference is not None]
    assert len(remarks) > len(found) / 2
    assert remarks.count(named) > 0.8 * len(remarks)


@pytest.mark.parametrize("dtype", [torch.float64, *NARROW], ids=str)
@pytest.mark.parametrize("label", ["linear", "softmax", "layer_norm", "tanh"])
def test_its_own_precision_passes_and_is_measured(label: str, dtype: torch.dtype) -> None:
    for case in cases(label):
        found = judged(label, case, dtype, dtype)
        assert found.difference is None
        assert found.accuracy is not None
        assert len(found.accuracy.target) >= len(found.accuracy.torch) > 0
        assert found.accuracy.used <= 1
        if label == "linear":
            question = judgement.question_of(label, case, False)
            longest = max(question.inputs[0].numel(), question.cotangent.numel())
            assert 2 <= found.accuracy.bound <= longest + 3  # K and a bias


def test_numbers_that_a_dtype_does_not_hold_are_divided_by_a_power_of_two() -> None:
    """Quotients are made whole by multiples of their divisor, which are beyond float16."""
    x, at, g = torch.tensor([216000.0, -3.0]), torch.arange(70), torch.tensor([-72000.0, 0.0])
    question = Question(lambda library: library.relu, (x, at), g, list, constants=1)
    found = held(question, torch.float16)
    assert float(found.inputs[0].max()) <= 64 and float(found.cotangent.abs().max()) <= 64
    assert torch.equal(found.inputs[0] * 2**12, x) and torch.equal(found.cotangent * 2**11, g)
    assert found.inputs[1] is at
    assert held(question, torch.float32).inputs[0] is x
    label = next(label for label in judgement.proofs() if label.startswith("adaptive_avg_pool"))
    wide = [case for case in drawn(judgement.proofs()[label].cases, 60, 0) if largest(label, case) > 65504]
    assert wide
    for case in wide[:4]:
        assert judged(label, case, torch.float16, torch.float16).difference is None


def largest(label: str, case: Any) -> float:
    """Of the cotangent's numbers."""
    cotangent = judgement.question_of(label, case, False).cotangent
    return float(cotangent.abs().max()) if cotangent.numel() else 0.0


@pytest.mark.parametrize(("tier", "inside"), [("bf16", torch.bfloat16), ("f16", torch.float16)])
def test_a_tier_that_is_asked_for_admits_its_precision(tier: str, inside: torch.dtype) -> None:
    for case in cases("linear"):
        assert judged("linear", case, inside, torch.float32, tier).difference is None


def test_the_fast_tier_measures_by_norm() -> None:
    for case in cases("linear"):
        assert judged("linear", case, torch.float32, torch.float32, "fast").difference is None
    assert any(judged("linear", case, torch.float16, torch.float32, "fast").difference for case in cases("linear"))


def test_what_a_dtype_cannot_hold_may_be_anything() -> None:
    unit = torch.tensor([torch.inf, 1.0, 1.0])
    scale = exactness.Scale(unit, torch.ones(3), torch.ones(3))
    assert scale.wrong(torch.tensor([torch.nan, torch.nan, 2.0]), torch.zeros(3).double()).tolist() == [
        False,
        True,
        True,
    ]
