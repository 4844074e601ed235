"""The ledger counts what passed, and tells what did not."""

from collections import Counter

import pytest

from manualconv.testing import ledger


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LEDGER", Counter())


def test_a_check_counts_once_it_has_passed() -> None:
    with ledger.checked("conv2d", ledger.EXACT):
        assert ledger.page() == []
    assert ledger.page() == [("conv2d", ledger.EXACT, 1)]


def test_a_check_that_raises_is_a_mismatch_and_still_raises() -> None:
    with pytest.raises(AssertionError), ledger.checked("conv2d", ledger.EXACT):
        raise AssertionError
    assert ledger.page() == [("conv2d", ledger.MISMATCHES, 1)]


def test_pages_add_up_to_a_table() -> None:
    for _ in range(2):
        ledger.add([("fold", ledger.FIRST, 3), ("conv2d", ledger.EXACT, 1500)])
    heads, conv2d, fold = (line.split() for line in ledger.table())
    assert heads == ["exact", "gradcheck", "gradgradcheck", "third", "order", "bad", "input", "mismatches"]
    assert conv2d == ["conv2d", "3,000", "0", "0", "0", "0", "0"]
    assert fold == ["fold", "0", "6", "0", "0", "0", "0"]


def test_an_empty_ledger_prints_nothing() -> None:
    assert ledger.table() == []
