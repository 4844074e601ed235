"""Trainable sub-sampling: exactly the loops before the activation; with it, a composition of torch's functions."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.testing.cases import Pooling, poolings
from manualconv.testing.cases.tensors import filled
from manualconv.testing.referee import first_gradients, second_gradients
from tests.layers import close, spread_out

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


@given(case=CASES)
def test_values_and_gradients_equal_the_loops(case: Pooling) -> None:
    x, (w, b), window = case.input(), coefficients(case), case.window
    leaves = [t.detach().requires_grad_() for t in (x, w, b)]
    u = BY_HAND[window.ndim](case.unbatch(leaves[0]), *leaves[1:], **options(case), activation=None)
    expected = definitions.subsample(x.numpy(), w.numpy(), b.numpy(), window)
    assert torch.equal(u, case.unbatch(torch.from_numpy(expected)))
    cotangent = case.cotangent(window.output_size)
    bars = definitions.subsample_gradients(x.numpy(), w.numpy(), cotangent.numpy(), window)
    assert all(map(torch.equal, grad(u, leaves, case.unbatch(cotangent)), map(torch.from_numpy, bars)))


def composed(ndim: int, x: Tensor, w: Tensor, b: Tensor, kernel_size, stride, activation: Callable) -> Tensor:
    """The same from torch's average pooling, a product, a sum and an activation."""
    total = MEANS[ndim](x, kernel_size, stride) * torch.Size(kernel_size).numel()
    along = (-1, *(1,) * ndim)
    return activation(total * w.reshape(along) + b.reshape(along))


@given(case=CASES, name=st.sampled_from(("sigmoid", "tanh")))
def test_values_and_both_orders_equal_the_composition_of_torch_s(case: Pooling, name: str) -> None:
    ndim, results = case.window.ndim, []
    for by_hand in (True, False):
        leaves = [(t / 8).detach().requires_grad_() for t in (case.input(), *coefficients(case))]
        x, w, b = leaves
        if by_hand:
            activation = {} if name == "sigmoid" else {"activation": functional.tanh}
            y = BY_HAND[ndim](case.unbatch(x), w, b, **options(case), **activation)
        else:
            y = composed(ndim, case.unbatch(x), w, b, **options(case), activation=getattr(torch, name))
        cotangent = case.unbatch(case.cotangent(case.window.output_size)).clone().requires_grad_()
        first = first_gradients(y, leaves, cotangent)
        second = second_gradients(first, [*leaves, cotangent], [1 + t.detach().flip(0) for t in leaves])
        results.append([y, *first, *second])
    for got, expected in zip(*results):
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


def test_with_the_reciprocal_of_the_window_it_is_average_pooling() -> None:
    x = spread_out((2, 3, 7, 9))
    w = torch.full((3,), 1 / 8, dtype=torch.float64)
    y = functional.subsample2d(x, w, None, (2, 4), (3, 2), activation=None)
    assert torch.equal(y, functional.avg_pool2d(x, (2, 4), (3, 2)))


def test_without_samples_gradients_are_zeros() -> None:
    shapes = ((0, 3, 4, 4), (3,), (3,))
    leaves = [torch.zeros(shape, requires_grad=True) for shape in shapes]
    y = functional.subsample2d(*leaves, 2)
    assert y.shape == (0, 3, 2, 2)
    for got, leaf in zip(grad(y.sum(), leaves), leaves):
        assert torch.equal(got, torch.zeros_like(leaf))


def test_only_what_is_asked_for_is_computed() -> None:
    x, w, b = spread_out((2, 3, 4, 4)), spread_out((3,), 1), spread_out((3,), 2)
    y = functional.subsample2d(x, w.requires_grad_(), b, 2)
    assert grad(y.sum(), w)[0].shape == w.shape
    assert functional.subsample2d(x, w.detach(), b, 2).grad_fn is None


def test_the_default_activation_is_the_sigmoid() -> None:
    x, w, b = spread_out((1, 3, 4, 4)), spread_out((3,), 1), spread_out((3,), 2)
    u = functional.subsample2d(x, w, b, 2, activation=None)
    assert torch.equal(functional.subsample2d(x, w, b, 2), torch.sigmoid(u))


@pytest.mark.parametrize("inside", [True, False])
def test_under_autocast_the_sum_is_float32(inside: bool) -> None:
    x, w, b = (spread_out(s).float().requires_grad_() for s in ((2, 3, 4, 4), (3,), (3,)))
    with torch.autocast("cpu", torch.bfloat16, enabled=inside):
        y = functional.subsample2d(x.bfloat16() if inside else x, w, b, 2)
        assert y.dtype == torch.float32
        gradients = grad(y.sum(), (x, w, b))
    assert {g.dtype for g in gradients} == {torch.float32}


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiled_it_is_the_same(dynamic: bool) -> None:
    torch._dynamo.reset()
    leaves = [t.requires_grad_() for t in (spread_out((2, 3, 5, 4)), spread_out((3,), 1), spread_out((3,), 2))]

    def layer(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return functional.subsample2d(x, w, b, (2, 3), (2, 1))

    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=dynamic)
    y, expected = compiled(*leaves), layer(*leaves)
    cotangent = spread_out(y.shape, 3)
    close([y, *grad(y, leaves, cotangent)], [expected, *grad(expected, leaves, cotangent)])


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
