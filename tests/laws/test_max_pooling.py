"""Every law of max pooling holds for ours, and for torch's: what torch breaks is no law."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from manualconv import functional
from manualconv.testing.cases import poolings
from tests.laws.max_pooling import LAWS
from tests.layers import spread_out

EXAMPLES = max(25, settings.default.max_examples // 8)
BY_HAND = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
REFEREE = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
CASES = st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True))


def by_hand(x: Tensor, kernel_size: Any, *numbers: Any) -> tuple[Tensor, Tensor]:
    """Ours."""
    return BY_HAND[len(kernel_size)](x, kernel_size, *numbers, return_indices=True)


def split(x: Tensor, kernel_size: Any, *numbers: Any) -> tuple[Tensor, Tensor]:
    """Ours, with ties shared."""
    return BY_HAND[len(kernel_size)](x, kernel_size, *numbers, return_indices=True, ties="split")


def referee(x: Tensor, kernel_size: Any, *numbers: Any) -> tuple[Tensor, Tensor]:
    """torch's, on contiguous images: the positions of its channels_last volumes of −∞ are those of other windows."""
    return REFEREE[len(kernel_size)](x.contiguous(), kernel_size, *numbers, return_indices=True)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@settings(max_examples=EXAMPLES)
@given(case=CASES)
def test_max_pooling_by_hand_obeys(law: object, case: object) -> None:
    law(by_hand, case)  # type: ignore[operator]


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@settings(max_examples=10)
@given(case=CASES)
def test_the_referee_obeys(law: object, case: object) -> None:
    law(referee, case)  # type: ignore[operator]


@settings(max_examples=10)
@given(case=CASES)
def test_shared_ties_obey_all_laws_but_that_of_the_winner(case: object) -> None:
    for name, law in LAWS.items():
        if not name.startswith(("P14", "P15", "P22")):  # of cotangents: see tests/autograd/test_ties.py
            law(split, case)


def test_the_catalogue_is_complete() -> None:
    """P16 and P18 are the mean's, P19 is adaptive pooling's, P21 stands below."""
    assert {name.split()[0] for name in LAWS} == {f"P{n}" for n in (*range(1, 16), 17, 20, 22)}


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_p21_a_difference_quotient_is_right_away_from_ties(ndim: int) -> None:
    x = spread_out((1, 2, 4, 5, 3)[: ndim + 2]).requires_grad_()
    assert gradcheck(lambda x: BY_HAND[ndim](x, 2, 1, 1), x)
    tied = torch.zeros(1, 1, *(2,) * ndim, dtype=torch.float64, requires_grad=True)
    assert not gradcheck(lambda x: BY_HAND[ndim](x, 2), tied, raise_exception=False)
