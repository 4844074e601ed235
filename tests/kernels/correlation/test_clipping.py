"""Tap clipping: only taps that meet the input are multiplied, all of them; chosen where padding is wide."""

from itertools import product
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import manualconv
from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels.correlation import clipping, shifting
from manualconv.testing.cases import windows
from tests.kernels.correlation.three_maps import maps


@given(data=st.data())
def test_the_boxes_hold_exactly_the_placements_whose_tap_is_inside(data: st.DataObject) -> None:
    window = data.draw(windows(data.draw(st.sampled_from((1, 2)))))
    window = Window(window.input_size, window.kernel_size, (1,) * window.ndim, window.dilation, window.padding)
    inside = {
        (k, p)
        for k in product(*map(range, window.kernel_size))
        for p in product(*map(range, window.output_size))
        if all(
            0 <= q + d * j - a < i
            for q, j, d, (a, _), i in zip(p, k, window.dilation, window.padding, window.input_size)
        )
    }
    boxed = [
        ((k, others)[: window.ndim], (p, *place))
        for k, placements, _ in clipping._rows(window)
        for others, box in clipping._cuts(window)
        for p in range(placements.start, placements.stop)
        for place in product(*(range(s.start, s.stop) for s in box.placements))
    ]
    assert len(boxed) == len(set(boxed))
    assert set(boxed) == inside


def test_a_tap_in_the_padding_alone_is_not_multiplied() -> None:
    """Three taps 12 apart on 9 positions: of nine, only the one in the middle meets the input."""
    x, w, y = torch.randn(2, 3, 9, 9), torch.randn(4, 3, 3, 3), torch.randn(2, 4, 9, 9)
    window = Window((9, 9), (3, 3), (1, 1), (12, 12), ((12, 12), (12, 12)))
    products = mock.Mock(side_effect=torch.Tensor.addmm_)
    with mock.patch.object(torch.Tensor, "addmm_", lambda *operands: products(*operands)):
        z = clipping.to_output(x, w, None, window)
        w_bar = clipping.to_weight(x, y, window)
    assert products.call_count == 2 * 2  # an image and a map each
    torch.testing.assert_close(z, shifting.to_output(x, w, None, window))
    assert w_bar.count_nonzero() == 4 * 3


def test_an_infinite_weight_that_meets_padding_only_is_left_out() -> None:
    """Unrolled, it is multiplied by the padding's zeros."""
    x, w = torch.randn(1, 1, 4, 4), torch.ones(1, 1, 3, 3)
    w[..., 0, 0] = torch.inf
    window = Window((4, 4), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)))
    ours, torch_s = clipping.to_output(x, w, None, window), torch.nn.functional.conv2d(x, w, padding=1)
    assert not ours.isnan().any() and torch_s[0, 0, 0].isnan().all()
    torch.testing.assert_close(ours[..., 1:, 1:], torch_s[..., 1:, 1:])


def test_wide_padding_and_dilation_are_computed_by_it() -> None:
    choice = manualconv.choice((1, 256, 33, 33), (128, 256, 3, 3), padding=12, dilation=12)
    assert {choice[map] for map in choice.candidates} == {"clipping"}


@given(data=st.data())
def test_operands_laid_out_in_any_way_give_the_same(data: st.DataObject) -> None:
    window = Window((6, 5), (3, 2), (1, 1), (2, 3), ((2, 4), (3, 1)), 2)
    x, w = torch.randint(-9, 9, (2, 4, 6, 5)).double(), torch.randint(-9, 9, (6, 2, 3, 2)).double()
    y = torch.randint(-9, 9, (2, 6, *window.output_size)).double()
    order = data.draw(st.permutations(range(4)))

    def relaid(t: torch.Tensor) -> torch.Tensor:
        back = [order.index(axis) for axis in range(4)]
        return t.permute(order).contiguous().permute(back)

    got = maps(clipping, *map(relaid, (x, w, y)), window)
    assert all(map(torch.equal, got, maps(clipping, x, w, y, window)))
    assert all(t.is_contiguous() for t in got)


def test_a_stride_is_refused() -> None:
    with manualconv.algorithm("clipping"), pytest.raises(RuntimeError, match="stride 1 only"):
        functional.conv2d(torch.ones(1, 2, 9, 9), torch.ones(2, 2, 3, 3), stride=2)
