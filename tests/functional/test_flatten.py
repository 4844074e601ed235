"""flatten: torch's, and its gradient the inverse relabelling."""

import pytest
import torch

from manualconv import functional


@pytest.mark.parametrize(
    ("start", "end", "shape"), [(0, -1, (24,)), (1, -1, (2, 12)), (1, 2, (2, 6, 2)), (-2, -1, (2, 3, 4))]
)
def test_axes_join_and_come_apart_again(start: int, end: int, shape: tuple[int, ...]) -> None:
    x = torch.arange(24.0).reshape(2, 3, 2, 2).requires_grad_()
    y = functional.flatten(x, start, end)
    assert y.shape == shape
    assert torch.equal(y, torch.flatten(x, start, end))
    assert torch.equal(functional.flatten(x), torch.flatten(x))
    cotangent = torch.arange(24.0).reshape(shape)
    (x_bar,) = torch.autograd.grad(y, x, cotangent)
    assert torch.equal(x_bar, cotangent.reshape(x.shape))
