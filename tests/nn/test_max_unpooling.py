"""MaxUnpool1d, 2d and 3d: torch's arguments and repr; our arithmetic."""

import pytest
import torch

from manualconv import nn
from tests.layers import spread_out


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_it_is_torch_s_in_all_but_arithmetic(ndim: int) -> None:
    results = []
    x = spread_out((2, 3, 7, 6, 5)[: ndim + 2])
    for library in (nn, torch.nn):
        pool = getattr(library, f"MaxPool{ndim}d")(3, 2, 1, return_indices=True)
        unpool = getattr(library, f"MaxUnpool{ndim}d")(3, 2, 1)
        y, index = pool(x.requires_grad_())
        back = unpool(y, index, output_size=x.size())
        results.append((back, *torch.autograd.grad(back, x, spread_out(x.shape, 1))))
        assert not unpool.state_dict()
    assert all(map(torch.equal, *results))
    ours, theirs = (getattr(library, f"MaxUnpool{ndim}d")(3, stride=2) for library in (nn, torch.nn))
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
