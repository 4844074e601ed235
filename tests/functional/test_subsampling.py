"""Trainable sub-sampling: its activation, autocast, and what it refuses."""

import pytest
import torch
from torch.autograd import grad

from manualconv import functional
from tests.layers import rounded, spread_out


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
    "four coefficients": ((X, torch.ones(4), B, 2), RuntimeError, r"weight \[4\] .* one number for each .* \(3,\)"),
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
    with pytest.raises(TypeError, match="activation must be a function of a tensor or None, not 'sigmoid'"):
        functional.subsample2d(X, W, B, 2, activation="sigmoid")
