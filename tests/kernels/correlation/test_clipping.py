"""Tap clipping: a tap that meets the padding alone is not multiplied."""

from unittest import mock

import torch
from hypothesis import given

from manualconv.geometry import Window
from manualconv.kernels.correlation import clipping, shifting
from manualconv.testing.cases import windows


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


@given(window=windows(2, cut=True))
def test_the_cost_counts_the_taps_and_the_products_that_meet_the_input(window: Window) -> None:
    window = Window(window.input_size, window.kernel_size, (1, 1), window.dilation, window.padding)
    for axis in range(2):
        met = [clipping._met(window, axis, k)[0] for k in range(window.kernel_size[axis])]
        lengths = [placements.stop - placements.start for placements in met]
        assert clipping._pairs(window, axis) == (sum(n > 0 for n in lengths), sum(lengths))
