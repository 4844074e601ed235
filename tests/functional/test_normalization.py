"""layer_norm, group_norm and local_response_norm: half precision, and nothing."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import grad

from manualconv import functional
from tests.layers import spread_out


def test_local_response_of_half_precision_is_rounded_once() -> None:
    """torch has no kernel for images of half precision."""
    x = spread_out((2, 5, 3, 4))
    for dtype in (torch.float16, torch.bfloat16):
        exact = functional.local_response_norm(x.to(dtype).double(), 3, 0.5, 0.75, 1.0)
        y = functional.local_response_norm(x.to(dtype), 3, 0.5, 0.75, 1.0)
        assert y.dtype == dtype
        torch.testing.assert_close(y.double(), exact, rtol=torch.finfo(dtype).eps, atol=0)
    with pytest.raises(NotImplementedError):
        F.local_response_norm(x.half(), 3)


@pytest.mark.parametrize("shape", [(2, 0, 3, 2), (2, 0, 4), (0, 3, 4)])
def test_local_response_of_nothing_is_nothing_as_torch_s(shape: tuple[int, ...]) -> None:
    x = torch.ones(shape, requires_grad=True)
    y = functional.local_response_norm(x, 3)
    assert y.shape == F.local_response_norm(x, 3).shape == shape
    assert grad(y, x, torch.ones(shape))[0].shape == shape
