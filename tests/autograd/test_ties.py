"""SelectTied: the loops' shares, a linear map with its adjoint while the ties stay, and the mask of NaN windows."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck

from manualconv import definitions, functional, nn
from manualconv.autograd import SelectTied
from manualconv.autograd.ties import tied_taps
from manualconv.geometry import Window
from manualconv.kernels.pooling.maximum import argmax
from manualconv.testing.cases import Pooling, poolings
from tests.layers import spread_out
from tests.test_by_hand import exercise

BY_HAND = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
CASES = st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True))
WINDOW = Window((4, 5), (3, 2), (2, 1), (1, 2), ((1, 1), (1, 1)))
#: Every number of ties in a window of at most 36 taps that occurs here divides it, so that shares are whole.
DIVISIBLE = 2**5 * 3**3 * 5**2 * 7 * 11 * 13 * 17


def pooled(case: Pooling, x: Tensor, ties: str) -> Tensor:
    """The case's layer."""
    options = {**case.sizes, "dilation": case.window.dilation, "ceil_mode": case.ceil_mode}
    return BY_HAND[case.window.ndim](case.unbatch(x), **options, ties=ties)


@given(case=CASES)
def test_cotangents_are_shared_as_the_loops_say(case: Pooling) -> None:
    x = case.input().requires_grad_()
    y = pooled(case, x, "split")
    assert torch.equal(y, pooled(case, x, "first"))
    cotangent = DIVISIBLE * case.cotangent(y.shape[y.dim() - case.window.ndim :])
    expected = definitions.max_pool_tied_gradient(x.detach().numpy(), cotangent.numpy(), case.window, case.ceil_mode)
    got = grad(y, x, case.unbatch(cotangent))[0]
    assert torch.equal(got, torch.from_numpy(expected))
    assert got.sum() == cotangent.sum()


def fixed() -> tuple[Tensor, Tensor, Tensor]:
    """Zeros and ones, the first maxima and all maxima of their windows."""
    x = torch.randint(0, 2, (2, 2, 4, 5), generator=torch.Generator().manual_seed(0)).double()
    index = argmax(x, WINDOW)
    return x, index, tied_taps(x, index, WINDOW)


def test_reverse_and_forward_mode_are_adjoint_at_ties() -> None:
    x, index, tied = fixed()
    assert tied.sum(2).max() > 2
    y, y_dot = torch.func.jvp(lambda t: SelectTied.call(t, index, tied, WINDOW), (x,), (spread_out(x.shape),))
    leaf = x.requires_grad_()
    x_bar = grad(SelectTied.call(leaf, index, tied, WINDOW), leaf, spread_out(y.shape, 1))[0]
    torch.testing.assert_close((y_dot * spread_out(y.shape, 1)).sum(), (spread_out(x.shape) * x_bar).sum())


def test_the_gradient_is_a_linear_map_whose_every_derivative_is_right() -> None:
    x, index, tied = fixed()
    x.requires_grad_()
    y = SelectTied.call(x, index, tied, WINDOW)

    def pulled(y_bar: Tensor) -> Tensor:
        return grad(y, x, y_bar, create_graph=True, retain_graph=True)[0]

    cotangent = spread_out(y.shape).requires_grad_()
    assert gradcheck(pulled, cotangent, check_batched_grad=True)
    assert gradgradcheck(pulled, cotangent)


def test_it_passes_every_check_where_the_maximum_is_unique() -> None:
    x = spread_out((2, 2, 4, 5)).requires_grad_()

    def layer(x: Tensor) -> Tensor:
        return functional.max_pool2d(x, (3, 2), (2, 1), 1, (1, 2), ties="split")

    modes = {"check_batched_grad": True, "check_batched_forward_grad": True, "check_forward_ad": True}
    assert gradcheck(layer, x, check_undefined_grad=True, **modes)
    assert gradgradcheck(layer, x, check_fwd_over_rev=True, check_batched_grad=True)
    assert not exercise(layer, [x]).forbidden
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)(x)
    # Whole numbers: in a graph the windows that read an entry may be added in another order.
    cotangent = torch.arange(compiled.numel()).reshape(compiled.shape).double()
    assert torch.equal(grad(compiled, x, cotangent)[0], grad(layer(x), x, cotangent)[0])


@pytest.mark.parametrize("at", [0, 2])
def test_a_mapped_axis_is_more_samples(at: int) -> None:
    x = torch.randint(0, 3, (3, 2, 2, 4, 5), generator=torch.Generator().manual_seed(0)).double()

    def gradient(x: Tensor) -> Tensor:
        return torch.func.grad(lambda x: (functional.max_pool2d(x, 3, 2, 1, ties="split") ** 2).sum())(x)

    expected = torch.stack([gradient(image) for image in x])
    torch.testing.assert_close(torch.vmap(gradient, at)(x.movedim(0, at)), expected)


def test_a_window_with_a_nan_is_the_last_nan_s_and_padding_takes_no_part() -> None:
    x = torch.tensor([[[[1.0, torch.nan], [torch.nan, 1.0]]]], requires_grad=True)
    assert grad(functional.max_pool2d(x, 2, ties="split").sum(), x)[0].flatten().tolist() == [0, 0, 1, 0]
    x = torch.full((1, 1, 2, 2), -torch.inf, requires_grad=True)
    y = functional.max_pool2d(x, 2, 1, 1, ties="split")
    assert grad(y, x, torch.ones_like(y))[0].eq(2.25).all()


def test_a_module_takes_the_rule_and_shows_it_after_torch_s_arguments() -> None:
    for ndim in (1, 2, 3):
        name, x = f"MaxPool{ndim}d", torch.zeros((1, 1, 2, 2, 2)[: ndim + 2], requires_grad=True)
        module = getattr(nn, name)(2, ties="split")
        theirs = repr(getattr(torch.nn, name)(2))
        assert repr(module) == f"{theirs[:-1]}, ties='split')"
        assert repr(getattr(nn, name)(2)) == theirs
        assert grad(module(x).sum(), x)[0].eq(0.5**ndim).all()
        assert grad(getattr(nn, name)(2)(x).sum(), x)[0].flatten()[0] == 1


def test_another_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="ties must be 'first'"):
        functional.max_pool2d(torch.zeros(1, 1, 2, 2), 2, ties="last")
