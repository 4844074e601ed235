"""The suite's own exam: every planted fault is noticed, and no right implementation is complained about.

``make faults`` prints the whole matrix, law by fault; here a fault's trial ends at the first law that notices it.
"""

from __future__ import annotations

import pytest

from tests.faults.bank import FAULTS, FUNCTION, Fault
from tests.faults.trial import RIGHT_ONES, complaint, complaints
from tests.laws.implementations import Implementation
from tests.laws.law import LAWS

GROUPS = {
    "axes",
    "padding",
    "dilation",
    "stride remainder",
    "kernel flip",
    "groups",
    "bias",
    "particular shapes",
    "layout",
    "memory",
    "custom Function",
    "numerics",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_noticed(fault: Fault) -> None:
    assert next(complaints(Implementation(fault.conv, fault.promises), fault.noticed_by), None) is not None


@pytest.mark.parametrize("right", RIGHT_ONES.values(), ids=RIGHT_ONES)
def test_a_right_implementation_is_not_complained_about(right: Implementation) -> None:
    assert list(complaints(right, cases=8)) == []


def test_every_group_of_faults_is_planted() -> None:
    assert {fault.group for fault in FAULTS.values()} == GROUPS
    assert len(FAULTS) >= 45


def test_a_complaint_names_the_law_and_the_case() -> None:
    name, law = next(iter(LAWS.items()))
    text = complaint(law, Implementation(lambda x, w, b, *_: x * x, FUNCTION))
    assert text is not None
    assert name in text
    assert "Convolution(" in text
