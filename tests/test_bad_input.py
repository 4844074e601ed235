"""A bad call raises what the running torch raises for it, in torch's opening words, and says how to mend it."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import torch
from torch import Tensor

from tests.bad_input.calls import OURS, TORCH, Outcome, Row, opens, outcome
from tests.bad_input.table import ROWS
from tests.ledger import ERRORS, checked

SAFE = [row for row in ROWS if not row.dangerous]


def test_no_row_is_there_twice() -> None:
    assert [name for name, count in Counter(row.name for row in ROWS).items() if count > 1] == []


def check(row: Row, theirs: Outcome, ours: Outcome) -> None:
    """The one promise, on what came of the call in both libraries."""
    assert ours.error is theirs.error, f"{theirs} but {ours}"
    if not row.words:
        assert theirs.error is None
        if isinstance(theirs.value, Tensor):
            assert theirs.value.dtype == ours.value.dtype
            assert torch.equal(theirs.value, ours.value)
        return
    assert opens(theirs.message, row.words), theirs.message
    if row.theirs:
        assert ours.message == theirs.message
        return
    assert opens(ours.message, row.ours or row.words), ours.message
    missing = [part for part in row.says if part not in ours.message]
    assert not missing, ours.message
    # A fix: words in brackets at the end, besides the sizes that are printed so.
    assert "unexpected keyword" in ours.message or re.search(r"\[[^\[\]]*[a-z]{2}.*\]$", ours.message), ours.message


@pytest.mark.parametrize("row", SAFE, ids=[row.name for row in SAFE])
def test_a_bad_call_is_torch_s_error_explained(row: Row) -> None:
    with checked(row.function or "modules", ERRORS):
        check(row, outcome(row.call, TORCH), outcome(row.call, OURS))
