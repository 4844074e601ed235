"""Trainable sub-sampling: exactly the loops before the activation; with it, a composition of torch's functions."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.cases import Pooling, poolings
from manualconv.testing.cases.tensors import filled
from manualconv.testing.referee import two_orders
from tests.layers import rounded, spread_out

BY_HAND = {1: functional.subsample1d, 2: functional.subsample2d, 3: functional.subsample3d}
MEANS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}

#: Any pooling without padding.
CASES = (
    st.sampled_from((2, 1, 3))
    .flatmap(lambda ndim: poolings(ndim, dilated=False))
    .map(lambda case: replace(case, window=case.window.unpadded()))
)


def coefficients(case: Pooling) -> tuple[Tensor, Tensor]:
    """w and b of small whole numbers."""
    generator = torch.Generator().manual_seed(case.seed + 7)
    w, b = filled("small", (2, case.channels), generator).double()
    return w, b


def options(case: Pooling) -> dict[str, tuple[int, ...]]:
    """Kernel and stride."""
    return {name: case.sizes[name] for name in ("kernel_size", "stride")}


def composed(ndim: int, x: Tensor, w: Tensor, b: Tensor, kernel_size, stride, activation: Callable) -> Tensor:
    """The same from torch's average pooling, a product, a sum and an activation."""
    total = MEANS[ndim](x, kernel_size, stride) * torch.Size(kernel_size).numel()
    along = (-1, *(1,) * ndim)
    return activation(total * w.reshape(along) + b.reshape(along))


@given(case=CASES, name=st.sampled_from(("sigmoid", "tanh")))
def test_values_and_both_orders_equal_the_composition_of_torch_s(case: Pooling, name: str) -> None:
    ndim = case.window.ndim
    tensors = [t / 8 for t in (case.unbatch(case.input()), *coefficients(case))]
    cotangent = case.unbatch(case.cotangent(case.window.output_size))
    activation = {} if name == "sigmoid" else {"activation": functional.tanh}
    ours, theirs = (
        two_orders(layer, tensors, cotangent, [1 + t.flip(0) for t in tensors])
        for layer in (
            partial(BY_HAND[ndim], **options(case), **activation),
            partial(composed, ndim, **options(case), activation=getattr(torch, name)),
        )
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_with_the_reciprocal_of_the_window_it_is_average_pooling() -> None:
    x = spread_out((2, 3, 7, 9))
    w = torch.full((3,), 1 / 8, dtype=torch.float64)
    y = functional.subsample2d(x, w, None, (2, 4), (3, 2), activation=None)
    rounded(y, functional.avg_pool2d(x, (2, 4), (3, 2)))


def test_the_default_activation_is_the_sigmoid() -> None:
    x, w, b = spread_out((1, 3, 4, 4)), spread_out((3,), 1), spread_out((3,), 2)
    u = functional.subsample2d(x, w, b, 2, activation=None)
    rounded(functional.subsample2d(x, w, b, 2), torch.sigmoid(u))


@pytest.mark.parametrize("inside", [True, False])
def test_under_autocast_the_sum_is_float32(inside: bool) -> None:
    x, w, b = (spread_out(s).float().requires_grad_() for s in ((2, 3, 4, 4), (3,), (3,)))
    with torch.autocast("cpu", torch.bfloat16, enabled=inside):
        y = functional.subsample2d(x.bfloat16() if inside else x, w, b, 2)
        assert y.dtype == torch.float32
        gradients = grad(y.sum(), (x, w, b))
    assert {g.dtype for g in gradients} == {torch.float32}


X, W, B = torch.ones(2, 3, 6, 5), torch.ones(3), torch.zeros(3)
REFUSED = {
    "no tensor": ((X.numpy(), W, B, 2), TypeError, "input is a numpy.ndarray: torch.as_tensor makes a Tensor"),
    "no weight": ((X, None, B, 2), TypeError, "weight is a NoneType: torch.as_tensor makes a Tensor"),
    "a word": ((X, W, B, "2"), TypeError, "kernel_size='2' must be an int, or a tuple of ints"),
    "three sizes": ((X, W, B, (2, 2, 2)), RuntimeError, r"kernel_size=\(2, 2, 2\) must be one number, or 2"),
    "three strides": ((X, W, B, 2, (1, 1, 1)), RuntimeError, r"stride=\(1, 1, 1\) must be one number, or 2"),
    "no rows": ((X[0, 0], W, B, 2), RuntimeError, r"input \[6, 5\] must be \(N, C, \*I\) or \(C, \*I\) with 2 spatial"),
    "whole numbers": ((X.long(), W, B, 2), NotImplementedError, r"input is torch.int64: input.float\(\)"),
    "two coefficients": ((X, W[:2], B, 2), RuntimeError, r"weight \[2\] .* one number for each .* \(3,\)"),
    "two biases": ((X, W, B[:2], 2), RuntimeError, r"bias \[2\] .* one number for each .* \(3,\)"),
    "dtypes": ((X, W.double(), B, 2), RuntimeError, "torch.DoubleTensor must be .* of its type, torch.FloatTensor"),
    "no window": ((X, W, B, 0), RuntimeError, r"kernel_size=\(0, 0\) must be >= 1"),
    "standing still": ((X, W, B, 2, 0), RuntimeError, r"stride=\(0, 0\) must be >= 1"),
    "a wide window": ((X, W, B, (2, 6)), RuntimeError, r"6 \+ 0 >= 1\*1 \+ 1, 5 \+ 0 >= 1\*5 \+ 1"),
}


@pytest.mark.parametrize(("arguments", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(arguments: tuple, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        functional.subsample2d(*arguments)


def test_an_activation_is_a_function() -> None:
    with pytest.raises(TypeError, match="activation must be a function of a tensor or None, not str"):
        functional.subsample2d(X, W, B, 2, activation="sigmoid")
