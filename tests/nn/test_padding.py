"""What padding modules refuse."""

import pytest
import torch

from manualconv import nn


def test_circular_padding_counts_the_input_s_axes_as_torch_does() -> None:
    for ndim in (1, 2, 3):
        for layers in (nn, torch.nn):
            with pytest.raises(ValueError, match=rf"expected {ndim + 1}D or {ndim + 2}D input \(got 6D input\)"):
                getattr(layers, f"CircularPad{ndim}d")(1)(torch.ones(1, 1, 2, 2, 2, 2))
