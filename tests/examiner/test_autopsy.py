"""A case that a process does not survive: made smaller by at most five tries, and what it takes is found."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import pytest

from manualconv.testing.catalogue import OPERATIONS
from manualconv.testing.examiner.asking import VALUE, drawn
from manualconv.testing.examiner.autopsy import TRIES, autopsy


@cache  # not while tests are collected, which every worker does
def cases() -> list[Any]:
    """Those that have several features."""
    return [
        case
        for case in drawn(OPERATIONS["conv2d"].proofs["conv2d"].cases, 300, 0)
        if case.biased and max(case.window.stride) > 1 and max(case.window.dilation) > 1 and case.window.groups > 1
    ]


def found(case: Any, dies: Any) -> tuple[Any, str, int]:
    """The smaller case, the feature, and how often it was tried."""
    tries = 0

    def tried(_: str, smaller: Any, few: bool) -> bool:
        nonlocal tries
        tries += 1
        return bool(dies(smaller))

    outcome, feature = autopsy(pickle.dumps(("conv2d", case, False)), "hangs", VALUE, tried)
    return outcome.case, feature, tries


@pytest.mark.parametrize("number", range(5))
def test_the_feature_that_it_takes_is_found(number: int) -> None:
    case = cases()[number]
    for feature, dies in {
        "stride": lambda c: max(c.window.stride) > 1,
        "dilation": lambda c: max(c.window.dilation) > 1,
        "groups": lambda c: c.window.groups > 1,
    }.items():
        smaller, culprit, tries = found(case, dies)
        assert dies(smaller)
        assert culprit == feature
        assert tries <= TRIES
        others = (smaller.biased, smaller.window.groups > 1, max(smaller.window.dilation) > 1)
        assert sum(others) <= (feature != "stride")


def test_of_what_always_dies_the_plainest_is_kept() -> None:
    smaller, culprit, tries = found(cases()[0], lambda _: True)
    assert (smaller.biased, smaller.window.groups, set(smaller.window.stride)) == (False, 1, {1})
    assert (culprit, tries) == ("", 2)


def test_what_never_dies_again_is_kept_as_it_was() -> None:
    case, culprit, tries = found(cases()[0], lambda _: False)
    assert (case, culprit) == (cases()[0], "")
    assert tries <= TRIES
