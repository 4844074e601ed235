"""Unfold and Fold in three dimensions, which torch's have not."""

import torch

from manualconv import nn
from tests.layers import spread_out


def test_a_volume_is_unfolded_and_folded_back() -> None:
    x = spread_out((1, 2, 4, 2, 6))
    columns = nn.Unfold((2, 1, 3), stride=(2, 1, 3))(x)
    assert columns.shape == (1, 12, 8)
    assert torch.equal(nn.Fold((4, 2, 6), (2, 1, 3), stride=(2, 1, 3))(columns), x)
