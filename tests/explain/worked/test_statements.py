"""What the layers on paper state beside their numbers: errata, shifts, and the continuous convolution."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manualconv.explain import worked_example
from manualconv.explain.worked.errata import shifts
from manualconv.explain.worked.signal import BOX, G, convolved, integrated


def drawn(data: st.DataObject, *shape: int) -> Tensor:
    """Whole numbers from −9 to 9."""
    seed = data.draw(st.integers(0, 2**32))
    return torch.randint(-9, 10, shape, generator=torch.Generator().manual_seed(seed)).double()


@given(data=st.data(), length=st.integers(3, 9), kernel=st.integers(1, 3))
def test_shifted_inputs_give_shifted_convolutions(data: st.DataObject, length: int, kernel: int) -> None:
    """F: equivariance, away from the border; pooling is not invariant."""
    assert shifts(drawn(data, length), drawn(data, kernel))[0]
    assert shifts(torch.tensor([0.0, 0, 1, 5, 2, 0, 0, 0]), torch.ones(2))[1] is False


ERRATA = (
    "5 x 5: 24 x 24, not 23 x 23",
    "= 54.25: 54;",
    "an image of 227 (55), or padding 2 (55)",
    "3 taps 1 and 1, 4 taps 1 and 2, 5 taps 2 and 2",
    "cross-correlation, as in a layer: -48 everywhere",
    "true convolution, kernel turned: 48 everywhere",
    "db = 8; the mean is in the loss",
    "conv of the shifted is the shifted conv: yes",
    "pooling of the shifted is the same: no",
)


@pytest.mark.parametrize("words", ERRATA)
def test_errata_are_decided_by_numbers(words: str) -> None:
    """F, A5, A9."""
    assert words in worked_example("errata").text


@given(data=st.data(), short=st.integers(1, 6), long=st.integers(1, 6))
def test_the_integral_commutes_and_a_peak_of_area_one_is_neutral(data: st.DataObject, short: int, long: int) -> None:
    """A4, sampled."""
    f, g, step = drawn(data, short), drawn(data, long), 1 / 8
    assert torch.equal(integrated(f, g, step), integrated(g, f, step))
    assert torch.equal(integrated(torch.tensor([1 / step]).double(), g, step), g)


@given(count=st.integers(1, 30))
def test_a_box_by_itself_is_a_triangle(count: int) -> None:
    """A4: as high as the box is wide, and zero where they part."""
    up = torch.arange(1, count + 1).double() / count
    expected = torch.cat((up, up.flip(0)[1:]))
    assert torch.allclose(integrated(torch.ones(count).double(), torch.ones(count).double(), 1 / count), expected)


def test_the_box_of_three_adds_neighbours() -> None:
    assert convolved(BOX, G).tolist() == [1, 3, 5, 7, 5, 3]
