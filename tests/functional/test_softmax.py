"""softmax, log_softmax against torch: extremes, dtypes, and an axis left out."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.testing.cases.tensors import laid_out
from manualconv.testing.judge import error


def drawn(shape: tuple[int, ...], seed: int, layout: str = "contiguous") -> Tensor:
    """Normal numbers of standard deviation 3."""
    return laid_out(3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), layout)


def test_far_out_nothing_overflows() -> None:
    z = torch.tensor([-1000.0, 0.0, 1000.0])
    assert functional.softmax(z, 0).tolist() == [0, 0, 1]
    assert functional.log_softmax(z, 0).tolist() == [-2000, -1000, 0]


def test_a_dtype_asked_for_is_the_dtype_of_the_sum() -> None:
    z = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float16)
    for ours, theirs in ((functional.softmax, F.softmax), (functional.log_softmax, F.log_softmax)):
        y = ours(z, 0, dtype=torch.float64)
        assert y.dtype == torch.float64
        assert error(y, theirs(z.double(), 0), torch.full((3,), 4.0).double()) <= 5


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
def test_an_axis_left_out_is_torch_s_with_its_warning(name: str, rank: int) -> None:
    z, results = drawn((2, 3, 4, 5)[:rank], 0), []
    for library in (functional, F):
        with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name} has been deprecated") as caught:
            results.append(getattr(library, name)(z))
        assert caught[0].filename == __file__ or library is F
    torch.testing.assert_close(*results, rtol=0, atol=1e-14)
