"""Sums and spreads: linear maps, each the other's derivative."""

from collections.abc import Callable

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import forward_ad, grad

from manualconv.autograd import SpreadBias, SpreadWindows, SumToBias, SumWindows
from manualconv.testing.cases import Convolution, convolutions
from tests.test_by_hand import Operators

CASES = st.sampled_from((2, 1, 3)).flatmap(lambda ndim: convolutions(ndim, groups=(1,)))
Linear = Callable[[Tensor], Tensor]


def pairs(case: Convolution, seed: int) -> list[tuple[Linear, Linear, Tensor, Tensor]]:
    """(map, adjoint, an argument, a cotangent) for the four maps."""
    x, _, y = case.batched(seed=seed)
    y = y[:, :1].expand(-1, x.shape[1], *y.shape[2:])
    window, batch, size = case.window, y.shape[0], tuple(y.shape[2:])
    b = torch.arange(1.0, y.shape[1] + 1, dtype=y.dtype) + seed

    def sums(t: Tensor) -> Tensor:
        return SumWindows.call(t, window)

    def spreads(t: Tensor) -> Tensor:
        return SpreadWindows.call(t, window)

    def spread_bias(t: Tensor) -> Tensor:
        return SpreadBias.call(t, batch, size)

    return [
        (sums, spreads, x, y),
        (spreads, sums, y, x),
        (SumToBias.call, spread_bias, y, b),
        (spread_bias, SumToBias.call, b, y),
    ]


@given(case=CASES)
def test_a_cotangent_that_is_not_there_costs_nothing(case: Convolution) -> None:
    """None comes in and None goes out; no tensor of zeros is made on the way."""
    for apply, _, a, _ in pairs(case, 0):
        leaf = a.detach().requires_grad_()
        undefined = torch._C._functions.UndefinedGrad()(apply(leaf))
        cotangent = torch.ones_like(undefined)
        with Operators() as ran:
            assert grad(undefined, leaf, cotangent, allow_unused=True) == (None,)
        assert not ran.names


@given(case=CASES)
def test_the_gradient_is_the_adjoint_and_the_tangent_the_map(case: Convolution) -> None:
    for (apply, adjoint, a, cotangent), (_, _, direction, _) in zip(pairs(case, 0), pairs(case, 1)):
        leaf = a.detach().requires_grad_()
        assert torch.equal(grad(apply(leaf), leaf, cotangent)[0], adjoint(cotangent))
        with forward_ad.dual_level():
            tangent = forward_ad.unpack_dual(apply(forward_ad.make_dual(a, direction))).tangent
        assert torch.equal(tangent, apply(direction))


@given(case=CASES, data=st.data())
def test_a_mapped_axis_is_mapped_alone(case: Convolution, data: st.DataObject) -> None:
    for (apply, _, a, _), (_, _, other, _) in zip(pairs(case, 0), pairs(case, 1)):
        axis = data.draw(st.integers(0, a.dim()))
        got = torch.vmap(apply, axis)(torch.stack((a, other), axis))
        assert torch.equal(got, torch.stack((apply(a), apply(other))))
