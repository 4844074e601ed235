"""MaxUnpool1d, 2d and 3d: torch's arguments and repr; our arithmetic."""

import pytest
import torch

from tests.layers import spread_out
from tests.nn.twin import alike, twins


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_a_module_is_torch_s_in_all_but_arithmetic(ndim: int) -> None:
    x = spread_out((2, 3, 7, 6, 5)[: ndim + 2])
    y, index = getattr(torch.nn, f"MaxPool{ndim}d")(3, 2, 1, return_indices=True)(x)
    alike(twins(f"MaxUnpool{ndim}d", 3, 2, 1), y, index, x.size())
