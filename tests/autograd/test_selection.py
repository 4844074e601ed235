"""Select and Scatter: each is the other's derivative, in reverse and forward mode and under vmap."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import forward_ad, grad

from manualconv.autograd import Scatter, Select
from manualconv.testing.cases.tensors import filled

SEEDS = st.integers(0, 999)


def drawn(seed: int, *shape: int) -> torch.Tensor:
    """Small integers as float64."""
    return filled("small", shape, torch.Generator().manual_seed(seed)).double()


def places(seed: int, *shape: int) -> torch.Tensor:
    """Flat positions into a 3×4 image, often the same one."""
    return torch.randint(12, shape, generator=torch.Generator().manual_seed(seed))


@given(seed=SEEDS)
def test_each_is_the_other_s_gradient_and_its_own_tangent(seed: int) -> None:
    x, y, index = drawn(seed, 2, 3, 3, 4), drawn(seed + 1, 2, 3, 2, 5), places(seed, 2, 3, 2, 5)
    x.requires_grad_()
    y.requires_grad_()
    assert torch.equal(grad(Select.call(x, index, 2), x, y)[0], Scatter.call(y, index, (3, 4)))
    assert torch.equal(grad(Scatter.call(y, index, (3, 4)), y, x)[0], Select.call(x, index, 2))
    x, y = x.detach(), y.detach()
    with forward_ad.dual_level():
        along = Select.call(forward_ad.make_dual(drawn(seed + 2, 2, 3, 3, 4), x), index, 2)
        assert torch.equal(forward_ad.unpack_dual(along).tangent, Select.call(x, index, 2))
        along = Scatter.call(forward_ad.make_dual(drawn(seed + 3, 2, 3, 2, 5), y), index, (3, 4))
        assert torch.equal(forward_ad.unpack_dual(along).tangent, Scatter.call(y, index, (3, 4)))


@given(seed=SEEDS, x_at=st.sampled_from((0, 1, 4, None)), index_at=st.sampled_from((0, 2, 4, None)))
def test_a_mapped_axis_is_one_more_leading_axis(seed: int, x_at: int | None, index_at: int | None) -> None:
    if x_at is None and index_at is None:
        x_at = 3
    images = [drawn(seed + n, 2, 3, 3, 4) for n in range(3)]
    indices = [places(seed + n, 2, 3, 2, 5) for n in range(3)]
    x = images[0] if x_at is None else torch.stack(images, x_at)
    index = indices[0] if index_at is None else torch.stack(indices, index_at)
    got = torch.vmap(Select.call, (x_at, index_at, None))(x, index, 2)
    pairs = [(images[0 if x_at is None else n], indices[0 if index_at is None else n]) for n in range(3)]
    assert torch.equal(got, torch.stack([Select.call(a, i, 2) for a, i in pairs]))
    scattered = torch.vmap(Scatter.call, (0, index_at, None))(got, index, (3, 4))
    expected = [Scatter.call(Select.call(a, i, 2), i, (3, 4)) for a, i in pairs]
    assert torch.equal(scattered, torch.stack(expected))
