"""What of max pooling is no law of every implementation: shared ties, and derivatives at a tie."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from torch.autograd import gradcheck

from manualconv.testing.cases.tensors import spread_out
from manualconv.testing.laws.max_pooling import BY_HAND, LAWS, by_hand


@settings(max_examples=10)
@given(case=LAWS.cases)
def test_shared_ties_obey_all_laws_but_that_of_the_winner(case: object) -> None:
    for name, law in LAWS.items():
        if not name.startswith(("P14", "P15", "P22")):  # of cotangents: see tests/autograd/test_ties.py
            law.holds(partial(by_hand, ties="split"), case)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_p21_a_difference_quotient_is_right_away_from_ties(ndim: int) -> None:
    x = spread_out((1, 2, 4, 5, 3)[: ndim + 2]).requires_grad_()
    assert gradcheck(lambda x: BY_HAND[ndim](x, 2, 1, 1), x)
    tied = torch.zeros(1, 1, *(2,) * ndim, dtype=torch.float64, requires_grad=True)
    assert not gradcheck(lambda x: BY_HAND[ndim](x, 2), tied, raise_exception=False)
