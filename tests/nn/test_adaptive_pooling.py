"""What of the adaptive pooling modules is not said of every module."""

import torch

from manualconv import nn


def test_pooling_to_the_size_that_is_there_is_a_copy() -> None:
    x = torch.ones(1, 1, 2, 2)
    y = nn.AdaptiveAvgPool2d(2)(x)
    assert torch.equal(y, x)
    assert y.data_ptr() != x.data_ptr()
