"""The suite's own exam: every planted fault is noticed, and no right implementation is complained about.

``make faults`` prints the whole matrix, law by fault; here a fault's trial ends at the first law that notices it.
"""

from typing import Any

import pytest

from manualconv.testing.faults.exam import Exam
from manualconv.testing.laws.law import Implementation
from tests.faults.trial import EXAMS

FAULTS = [pytest.param(exam, name, id=f"{exam.family}: {name}") for exam in EXAMS for name in exam.faults]
RIGHT = [pytest.param(exam, name, id=f"{exam.family}: {name}") for exam in EXAMS for name in exam.right]
GROUPS = {
    "convolution": {
        *("axes", "padding", "dilation", "stride remainder", "kernel flip", "groups", "bias", "particular shapes"),
        *("layout", "memory", "custom Function", "numerics"),
    },
    "max pooling": {"max pooling"},
    "batch norm": {"batch norm"},
    "batch norm modules": {"batch norm modules"},
}
#: How many are planted at least.
MANY = {"convolution": 86, "max pooling": 15, "batch norm": 15, "batch norm modules": 5}


@pytest.mark.parametrize(("exam", "name"), FAULTS)
def test_a_planted_fault_is_noticed(exam: Exam, name: str) -> None:
    assert exam.notices(name)


@pytest.mark.parametrize(("exam", "name"), RIGHT)
def test_a_right_implementation_is_not_complained_about(exam: Exam, name: str) -> None:
    assert list(exam.complaints(exam.right[name], cases=8)) == []


@pytest.mark.parametrize("exam", EXAMS, ids=lambda exam: exam.family)
def test_every_group_of_faults_is_planted(exam: Exam) -> None:
    assert {fault.group for fault in exam.faults.values()} == GROUPS[exam.family]
    assert len(exam.faults) >= MANY[exam.family]


@pytest.mark.parametrize(("exam", "start"), [(EXAMS[0], "N1 the output"), (EXAMS[-1], "C1 linear")])
def test_a_complaint_names_the_law_and_the_case(exam: Exam, start: str) -> None:
    def square(x: Any, *_: Any) -> Any:
        return x * x

    said = next(exam.complaints(Implementation(square)))
    assert said.startswith(start)
    assert "(window=" in said or "Normalization(" in said
