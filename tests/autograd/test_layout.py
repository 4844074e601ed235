"""Lay: the same numbers in another arrangement, there and back, at every order and under vmap."""

import pytest
import torch
from torch.autograd import grad, gradcheck, gradgradcheck

from manualconv.autograd import Lay
from tests.layers import spread_out

FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 2, 4, 5)])
def test_the_cotangent_is_laid_out_the_other_way_round(shape: tuple[int, ...]) -> None:
    innermost = FORMATS[len(shape)]
    for last in (True, False):
        x = spread_out(shape).contiguous(memory_format=torch.contiguous_format if last else innermost).requires_grad_()
        y = Lay.call(x, last)
        assert torch.equal(x, y)
        assert y.is_contiguous(memory_format=innermost if last else torch.contiguous_format)
        x_bar = grad(y, x, spread_out(shape, 1))[0]
        assert torch.equal(x_bar, spread_out(shape, 1))
        assert x_bar.stride() == x.stride()


def test_it_is_the_identity_at_every_order_in_every_mode() -> None:
    x = spread_out((2, 2, 2, 1)).requires_grad_()
    exact = {"eps": 1.0, "atol": 0.0, "rtol": 0.0, "nondet_tol": 0.0}
    modes = {"check_batched_grad": True, "check_batched_forward_grad": True, "check_forward_ad": True}
    assert gradcheck(lambda t: Lay.call(t, True), x.mul(4).round(), **modes, **exact)
    assert gradgradcheck(lambda t: Lay.call(t, True), x.mul(4).round(), x.round(), check_fwd_over_rev=True, **exact)
