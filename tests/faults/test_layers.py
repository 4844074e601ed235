"""Normalisation and max pooling sit convolution's exam: every fault is noticed, no right implementation accused.

``make faults`` prints who noticed what; here a fault's trial ends at the first law that notices it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults import batch_normalization, max_pooling
from tests.faults.exam import Exam

EXAMS = [batch_normalization.EXAM, batch_normalization.MODULES, max_pooling.EXAM]
FAULTS = [pytest.param(exam, name, id=f"{exam.family}: {name}") for exam in EXAMS for name in exam.faults]
RIGHT = [pytest.param(exam, name, id=f"{exam.family}: {name}") for exam in EXAMS for name in exam.right]


@pytest.mark.parametrize(("exam", "name"), FAULTS)
def test_a_planted_fault_is_noticed(exam: Exam, name: str) -> None:
    assert next(exam.complaints(exam.faults[name].layer), None) is not None


@pytest.mark.parametrize(("exam", "name"), RIGHT)
def test_a_right_implementation_is_not_complained_about(exam: Exam, name: str) -> None:
    assert list(exam.complaints(exam.right[name], cases=8)) == []


def test_a_complaint_names_the_law_and_the_case() -> None:
    def square(x: Any, *_: Any) -> Any:
        return x * x

    said = next(batch_normalization.EXAM.complaints(square))
    assert said.startswith("N1 the output") and "Normalization(" in said
