"""Pad, and Extend beside FoldBack: adjoint laws, each the derivative of the other, and any mapped axis."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import forward_ad, grad

from manualconv.autograd import Extend, FoldBack, Pad
from manualconv.geometry import Extension
from manualconv.testing.cases import Padding, paddings

CONSTANT = st.sampled_from((2, 1, 3)).flatmap(lambda ndim: paddings(ndim, modes=("constant",)))
COPYING = st.sampled_from((2, 1, 3)).flatmap(lambda ndim: paddings(ndim, modes=("reflect", "replicate", "circular")))


def extension(case: Padding) -> Extension:
    """The geometry of a drawn padding."""
    return Extension(case.input_size, case.padding, case.mode)


@given(case=CONSTANT)
def test_padding_by_the_opposite_sides_is_the_adjoint(case: Padding) -> None:
    x, y, back = case.input(), case.cotangent(), tuple(-side for side in case.frame)
    assert (Pad.call(x, case.frame, 0) * y).sum() == (x * Pad.call(y, back, 0)).sum()
    outwards = tuple(max(side, 0) for side in case.frame)
    assert torch.equal(Pad.call(Pad.call(x, outwards, 7), tuple(-side for side in outwards), 0), x)


@given(case=COPYING)
def test_fold_back_is_the_adjoint_of_extend(case: Padding) -> None:
    x, y = case.input(), case.cotangent()
    assert (Extend.call(x, extension(case)) * y).sum() == (x * FoldBack.call(y, extension(case))).sum()


@given(case=COPYING)
def test_fold_back_after_extend_counts_the_copies(case: Padding) -> None:
    x, e = case.input(), extension(case)
    copies = FoldBack.call(Extend.call(torch.ones_like(x), e), e)
    assert torch.equal(FoldBack.call(Extend.call(x, e), e), copies * x)


@given(case=COPYING)
def test_each_is_the_other_s_gradient_and_its_own_tangent(case: Padding) -> None:
    x, y, e = case.input().clone().requires_grad_(), case.cotangent().clone().requires_grad_(), extension(case)
    assert torch.equal(grad(Extend.call(x, e), x, y)[0], FoldBack.call(y, e))
    assert torch.equal(grad(FoldBack.call(y, e), y, x)[0], Extend.call(x, e))
    x, y = x.detach(), y.detach()
    with forward_ad.dual_level():
        for layer, t in ((Extend, x), (FoldBack, y)):
            along = layer.call(forward_ad.make_dual(torch.ones_like(t), t), e)
            assert torch.equal(forward_ad.unpack_dual(along).tangent, layer.call(t, e))


@given(case=COPYING, at=st.integers(0, 3))
def test_a_mapped_axis_is_one_more_leading_axis(case: Padding, at: int) -> None:
    x, e = torch.stack([case.input(), 2 * case.input() + 1, -case.input()], at), extension(case)
    y = torch.vmap(lambda t: Extend.call(t, e), at)(x)
    assert torch.equal(y, torch.stack([Extend.call(t, e) for t in x.unbind(at)]))
    back = torch.vmap(lambda t: FoldBack.call(t, e), at, at)(y.movedim(0, at))
    assert torch.equal(back, torch.stack([FoldBack.call(t, e) for t in y], at))
    framed = torch.vmap(lambda t: Pad.call(t, case.frame, 2), at)(x)
    assert torch.equal(framed, torch.stack([Pad.call(t, case.frame, 2) for t in x.unbind(at)]))
