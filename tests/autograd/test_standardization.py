"""Standardize and the norms made of it: symmetric, derivatives of four orders equal quotients, in every mode."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck

from manualconv import functional
from manualconv.autograd import Standardize
from tests.layers import spread_out

AXES = {"batch": ((3, 2, 2), (0, 2)), "layer": ((2, 2, 3), (2,)), "all": ((2, 3), (0, 1))}
EVERY = pytest.mark.parametrize(("shape", "axes"), AXES.values(), ids=AXES)
EPS = 0.05


def both(axes: tuple[int, ...]) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """``x → x̂, r``."""
    return lambda x: Standardize.call(x, None, None, axes, EPS, "batch")[:2]


def plain(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The same in torch's arithmetic."""
    mean = x.sum(axes, keepdim=True) * x.sum(axes, keepdim=True).numel() / x.numel()
    r = 1 / (((x - mean) ** 2).mean(axes, keepdim=True) + EPS).sqrt()
    return (x - mean) * r, r


@EVERY
def test_the_first_derivative_in_every_mode(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    assert gradcheck(
        both(axes),
        (spread_out(shape).requires_grad_(),),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
        check_undefined_grad=True,
        check_grad_dtypes=True,
        nondet_tol=0.0,
    )


@EVERY
def test_the_second_derivative(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    x = spread_out(shape).requires_grad_()
    options = {"check_fwd_over_rev": True, "check_batched_grad": True, "nondet_tol": 0.0}
    assert gradgradcheck(both(axes), (x,), gen_non_contig_grad_outputs=True, **options)


def derivative(order: int, axes: tuple[int, ...], of: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., Tensor]:
    """The gradient of that order of a scalar of x̂ and r that is no polynomial of low degree, weighed at random."""

    def function(x: Tensor) -> Tensor:
        x_hat, r = of(x)
        total = (x_hat.exp() * spread_out(tuple(x_hat.shape), 1)).sum() + (r**3 * spread_out(tuple(r.shape), 2)).sum()
        for n in range(order):
            (slope,) = grad(total, x, create_graph=True)
            total = (slope * spread_out(tuple(x.shape), 3 + n)).sum()
        return slope

    return function


@EVERY
@pytest.mark.parametrize("order", [2, 3])
def test_orders_three_and_four_are_difference_quotients_of_the_one_before(
    order: int, shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    x = spread_out(shape).requires_grad_()
    options = {"check_fwd_over_rev": True} if order == 2 else {}
    function = derivative(order, axes, both(axes))
    assert gradcheck(function, (x,), check_batched_grad=True, nondet_tol=0.0, rtol=1e-5, atol=1e-5)
    if order == 2:
        assert gradgradcheck(function, (x,), rtol=1e-4, atol=1e-4, **options)


def slopes(order: int, of: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, ...]]:
    """The gradients of that order, by all tensors, of ``⟨e^y, v⟩``, each weighed at random before the next."""

    def function(*at: Tensor) -> tuple[Tensor, ...]:
        y = of(*at)
        total = (y.exp() * spread_out(tuple(y.shape), 1)).sum()
        for n in range(order):
            found = grad(total, at, create_graph=True)
            total = sum((t * spread_out(tuple(t.shape), 3 + n)).sum() for t in found)
        return found

    return function


#: The fused layer and what it is made into: shapes of x, γ and β, small because order three has a long graph.
AFFINE: dict[str, tuple[Callable[..., Tensor], tuple[tuple[int, ...], ...]]] = {
    "fused over samples": (
        lambda x, gamma, beta: Standardize.call(x, gamma, beta, (0, 2), EPS, "batch")[2],
        ((2, 2, 2), (1, 2, 1), (1, 2, 1)),
    ),
    "fused over all": (
        lambda x, gamma, beta: Standardize.call(x, gamma, beta, (0, 1), EPS, "layer")[2],
        ((2, 3), (1, 3), (1, 3)),
    ),
    "batch_norm": (
        lambda x, gamma, beta: functional.batch_norm(x, None, None, gamma, beta, True, eps=EPS),
        ((2, 2, 2), (2,), (2,)),
    ),
    "layer_norm": (
        lambda x, gamma, beta: functional.layer_norm(x, (2, 2), gamma, beta, EPS),
        ((2, 2, 2), (2, 2), (2, 2)),
    ),
    "group_norm": (lambda x, gamma, beta: functional.group_norm(x, 2, gamma, beta, EPS), ((1, 4, 2), (4,), (4,))),
    "instance_norm": (
        lambda x, gamma, beta: functional.instance_norm(x, None, None, gamma, beta, True, eps=EPS),
        ((2, 2, 3), (2,), (2,)),
    ),
}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(("layer", "shapes"), AFFINE.values(), ids=AFFINE)
def test_four_orders_by_input_gamma_and_beta_are_difference_quotients(
    layer: Callable[..., Tensor], shapes: tuple[tuple[int, ...], ...], order: int
) -> None:
    inputs = tuple(spread_out(shape, n).requires_grad_() for n, shape in enumerate(shapes))
    function = layer if order == 1 else slopes(order - 1, layer)
    assert gradcheck(function, inputs, check_batched_grad=True, nondet_tol=0.0, rtol=1e-5, atol=1e-5)


@EVERY
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_five_orders_equal_those_of_plain_arithmetic(order: int, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    x = spread_out(shape).requires_grad_()
    ours = derivative(order, axes, both(axes))(x)
    theirs = derivative(order, axes, lambda x: plain(x, axes))(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9 * float(theirs.detach().abs().max()))


@EVERY
def test_the_jacobian_is_symmetric(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    """x̂ is m times the gradient of the deviation."""
    x = spread_out(shape)
    jacobian = torch.func.jacrev(lambda x: both(axes)(x)[0])(x).reshape(x.numel(), x.numel())
    torch.testing.assert_close(jacobian, jacobian.T, rtol=0, atol=1e-12)


@EVERY
def test_samples_are_mapped_wherever_they_lie(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    samples = spread_out((5, *shape))
    expected = [
        torch.stack(parts) for parts in zip(*(Standardize.call(x, None, None, axes, EPS, "batch") for x in samples))
    ]
    for place in range(len(shape) + 1):
        got = torch.func.vmap(lambda x: Standardize.call(x, None, None, axes, EPS, "batch"), place)(
            samples.movedim(0, place)
        )
        torch.testing.assert_close(list(got), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_standardised_in_float32_and_its_gradient_is_half(dtype: torch.dtype) -> None:
    x = spread_out((3, 4)).to(dtype).requires_grad_()
    x_hat, r = both((0,))(x)
    assert x_hat.dtype == r.dtype == torch.float32
    assert grad(x_hat.exp().sum() + r.sum(), x)[0].dtype == dtype


def test_mean_and_variance_come_along_without_a_derivative() -> None:
    x = (5 + spread_out((4, 3))).requires_grad_()
    _, _, _, mean, variance = Standardize.call(x, None, None, (0,), EPS, "batch")
    assert not mean.requires_grad and not variance.requires_grad
    torch.testing.assert_close(mean, x.detach().mean(0, keepdim=True))
    torch.testing.assert_close(variance, x.detach().var(0, correction=0, keepdim=True))
