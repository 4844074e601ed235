"""Standardize and the norms made of it: five orders equal those of plain arithmetic, in every mode."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad, gradcheck

from manualconv.autograd import Standardize
from tests.layers import PAIRS, spread_out

AXES = {"batch": ((3, 2, 2), (0, 2)), "layer": ((2, 2, 3), (2,)), "all": ((2, 3), (0, 1))}
EVERY = pytest.mark.parametrize(("shape", "axes"), AXES.values(), ids=AXES)
EPS = 0.05


def both(axes: tuple[int, ...]) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """``x → x̂, r``."""
    return lambda x: Standardize.call(x, None, None, axes, EPS, "batch")[:2]


def plain(axes: tuple[int, ...]) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The same in torch's arithmetic."""

    def apply(x: Tensor) -> tuple[Tensor, Tensor]:
        mean = x.sum(axes, keepdim=True) * x.sum(axes, keepdim=True).numel() / x.numel()
        r = 1 / (((x - mean) ** 2).mean(axes, keepdim=True) + EPS).sqrt()
        return (x - mean) * r, r

    return apply


@EVERY
def test_the_first_derivative_in_every_mode(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    """Of r too, which no public function gives."""
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


def slopes(order: int, of: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]) -> tuple[Tensor, ...]:
    """The gradients of that order, by all tensors, of ``Σ⟨e^y, v⟩``, each weighed at random before the next."""
    at = tuple(spread_out(shape, n).requires_grad_() for n, shape in enumerate(shapes))
    y = of(*at)
    found: tuple[Tensor, ...] = tuple(t.exp() for t in (y if isinstance(y, tuple) else (y,)))
    for n in range(order):
        total = torch.stack([(t * spread_out(tuple(t.shape), 3 * n + m)).sum() for m, t in enumerate(found)]).sum()
        found = grad(total, at, create_graph=True)
    return found


NORMS = {name: PAIRS[name] for name in ("batch_norm", "instance_norm", "layer_norm", "group_norm")}
#: The map, and the public functions with γ and β: by hand, in plain arithmetic, and the shapes of their tensors.
LAYERS = {
    **{f"over {name}": (both(axes), plain(axes), (shape,)) for name, (shape, axes) in AXES.items()},
    **{name: (each.by_hand, each.referee, each.shapes) for name, each in NORMS.items()},
}


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("ours", "theirs", "shapes"), LAYERS.values(), ids=LAYERS)
def test_five_orders_equal_those_of_plain_arithmetic(
    ours: Callable[..., Any], theirs: Callable[..., Any], shapes: tuple[tuple[int, ...], ...], order: int
) -> None:
    """Beyond the third, which difference quotients prove of the public functions on drawn cases."""
    expected = slopes(order, theirs, shapes)
    largest = max(float(t.detach().abs().max()) for t in expected)
    torch.testing.assert_close(slopes(order, ours, shapes), expected, rtol=1e-9, atol=1e-9 * largest)


@EVERY
def test_samples_are_mapped_wherever_they_lie(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    def apply(x: Tensor) -> tuple[Tensor, ...]:
        return Standardize.call(x, None, None, axes, EPS, "batch")

    samples = spread_out((5, *shape))
    expected = [torch.stack(parts) for parts in zip(*map(apply, samples))]
    for place in range(len(shape) + 1):
        got = torch.func.vmap(apply, place)(samples.movedim(0, place))
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
