"""Unfold and Fold: torch's arguments, repr and results; our arithmetic, in three dimensions too."""

import torch
from hypothesis import given

from manualconv import nn
from manualconv.geometry import Window
from manualconv.testing.cases import windows
from tests.layers import spread_out


@given(window=windows(2, symmetric=True))
def test_a_module_computes_what_torch_s_does(window: Window) -> None:
    numbers = (window.kernel_size, window.dilation, tuple(a for a, _ in window.padding), window.stride)
    image = spread_out((2, 3, *window.input_size)).mul(99).round()
    columns = spread_out((2, 3 * window.taps, window.placements)).mul(99).round()
    results = []
    for layers in (nn, torch.nn):
        x, v = image.clone().requires_grad_(), columns.clone().requires_grad_()
        unfolded, folded = layers.Unfold(*numbers)(x), layers.Fold(window.input_size, *numbers)(v)
        results.append((unfolded, folded, *torch.autograd.grad([unfolded, folded], [x, v], [columns, image])))
    assert all(map(torch.equal, *results))


def test_a_volume_is_unfolded_and_folded_back() -> None:
    x = spread_out((1, 2, 4, 2, 6))
    columns = nn.Unfold((2, 1, 3), stride=(2, 1, 3))(x)
    assert columns.shape == (1, 12, 8)
    assert torch.equal(nn.Fold((4, 2, 6), (2, 1, 3), stride=(2, 1, 3))(columns), x)
