"""Depthwise correlation in strips: the definition on small integers, however many units a strip has."""

from dataclasses import replace
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv.geometry import Window
from manualconv.kernels.correlation import depthwise
from manualconv.testing.cases import convolutions
from tests.kernels.correlation.three_maps import by_loops, maps


@pytest.mark.parametrize("ndim", [1, 2, 3])
@given(data=st.data(), strip=st.sampled_from((1, 300, depthwise.STRIP)), biased=st.booleans())
def test_strips_of_any_size_are_the_definition(ndim: int, data: st.DataObject, strip: int, biased: bool) -> None:
    case = replace(data.draw(convolutions(ndim, cut=data.draw(st.booleans()))), channels=1, outputs=1)
    x, w, y = case.batched(data.draw(st.sampled_from((torch.float64, torch.float32))))
    b = torch.arange(len(w), dtype=x.dtype) - 1 if biased else None
    with mock.patch.object(depthwise, "STRIP", strip):
        assert all(map(torch.equal, maps(depthwise, x, w, y, case.window, b), by_loops(x, w, y, case.window, b)))


def test_a_nan_of_the_input_stays_in_the_windows_that_saw_it() -> None:
    """The last column is read by no placement: the weight gradient has nothing of it."""
    x, y = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 3, 3)
    x[..., -1] = torch.nan
    window = Window((8, 8), (3, 3), (2, 2), (1, 1), ((0, 0), (0, 0)), 3)
    assert depthwise.to_weight(x, y, window).isfinite().all()
