"""softmax, log_softmax against torch: values, gradients, extremes."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.cases.tensors import LAYOUTS, laid_out
from manualconv.testing.judge import error

SHAPES = st.lists(st.integers(0, 4), min_size=2, max_size=4).map(tuple)


def drawn(shape: tuple[int, ...], seed: int, layout: str = "contiguous") -> Tensor:
    """Normal numbers of standard deviation 3."""
    return laid_out(3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), layout)


@given(shape=SHAPES, seed=st.integers(0, 999), layout=st.sampled_from(LAYOUTS), data=st.data())
def test_softmax_and_its_logarithm_are_torch_s(
    shape: tuple[int, ...], seed: int, layout: str, data: st.DataObject
) -> None:
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    z, cotangent = drawn(shape, seed, layout).requires_grad_(), drawn(shape, seed + 1, layout)
    terms = shape[dim]
    size = z.detach().abs().amax(dim, keepdim=True) + 1 if z.numel() else z.detach()
    weight = cotangent.abs().sum(dim, keepdim=True) * size
    for ours, theirs in ((functional.softmax, F.softmax), (functional.log_softmax, F.log_softmax)):
        y, reference = ours(z, dim), theirs(z, dim)
        # Two evaluations of one formula: each is within the bound of the exact value.
        assert error(y, reference, size.expand_as(z) * 2) <= 2 * (terms + 2)
        (got,), (expected,) = grad(y, z, cotangent), grad(reference, z, cotangent)
        assert error(got, expected, weight.expand_as(z)) <= 2 * (terms + 2)


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
