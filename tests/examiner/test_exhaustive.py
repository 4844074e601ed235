"""`exhaustive_basis`: right layers are proved, and every kind of wrong one is caught in a sentence."""

from __future__ import annotations

import doctest
import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.testing import Pair, exhaustive, exhaustive_basis

CONFIGURATIONS: dict[str, tuple[str, tuple[tuple[int, ...], ...], dict[str, Any]]] = {
    "groups": ("conv1d", ((2, 2, 5), (2, 1, 2), (2,)), {"stride": 2, "padding": 1, "groups": 2}),
    "a remainder": ("conv2d", ((1, 1, 4, 5), (1, 1, 2, 2)), {"stride": (2, 3), "dilation": (1, 2)}),
    "words": ("conv2d", ((1, 1, 3, 3), (1, 1, 1, 3)), {"padding": "same"}),
    "three axes": ("conv3d", ((1, 1, 2, 3, 2), (1, 1, 1, 2, 2)), {}),
    "transposed": ("conv_transpose1d", ((1, 2, 3), (2, 1, 2), (2,)), {"stride": 2, "groups": 2, "output_padding": 1}),
    "transposed, two axes": ("conv_transpose2d", ((1, 1, 2, 2), (1, 1, 2, 3)), {"padding": 1, "stride": (3, 2)}),
    "linear": ("linear", ((2, 3), (2, 3), (2,)), {}),
    "means": ("avg_pool2d", ((1, 2, 5, 4),), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    "means of others": ("avg_pool1d", ((1, 1, 5),), {"kernel_size": 3, "padding": 1, "count_include_pad": False}),
    "adaptive": ("adaptive_avg_pool2d", ((1, 1, 5, 3),), {"output_size": (3, None)}),
}


@pytest.mark.parametrize("library", [F, functional], ids=["torch", "ours"])
@pytest.mark.parametrize(("operation", "shapes", "options"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_what_is_right_is_proved(library: Any, operation: str, shapes: Any, options: Any) -> None:
    y = getattr(F, operation)(*(torch.zeros(shape) for shape in shapes), **options).numel()
    x, w, b = (torch.Size(shape).numel() for shape in (*shapes, (1,), (1,))[:3])
    tensors, biased = len(shapes), len(shapes) > 2
    once = x * w + (b if biased else 0), max(x, w) * (x + w * (tensors > 1) + b * biased)
    assert exhaustive_basis(getattr(library, operation), operation, *shapes, **options) == sum(once) * y


def by_a_fault(where: str) -> Any:
    """A convolution in which one number of the value or of a gradient is wrong."""

    class Faulty(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
            ctx.save_for_backward(x, w)
            y = F.conv1d(x, w, stride=2)
            return y + x[..., -1:] * w[..., -1:] if where == "y" else y

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
            x, w = ctx.saved_tensors
            with torch.enable_grad():
                x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
                dx, dw = torch.autograd.grad(F.conv1d(x, w, stride=2), (x, w), g)
            last = torch.zeros_like(dx).index_fill(-1, torch.tensor([dx.shape[-1] - 1]), 1)
            if where == "dX":
                dx = dx + last * g.sum() * w.sum()
            return dx, dw + x.detach()[..., -1:] * g.sum() if where == "dW" else dw

    return lambda x, w, stride: Faulty.apply(x, w)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("y", "y is wrong where only X[0, 0, 5], W[0, 0, 2] is 1: y[0, 0, 0] is 1, should be 0"),
        ("dX", "dX is wrong where only X[0, 0, 0], W[0, 0, 0], the cotangent[0, 0, 0] is 1: dX[0, 0, 5] is 1, should"),
        ("dW", "dW is wrong where only X[0, 0, 5], W[0, 0, 2], the cotangent[0, 0, 0] is 1: dW[0, 0, 0] is 1, should"),
    ],
)
def test_one_wrong_number_anywhere_is_found(where: str, words: str) -> None:
    with pytest.raises(AssertionError) as found:
        exhaustive_basis(by_a_fault(where), "conv1d", (1, 1, 6), (1, 1, 3), stride=2)
    assert str(found.value).startswith(words)


def test_the_bias_is_part_of_it() -> None:
    def twice(x: Tensor, w: Tensor, bias: Tensor) -> Tensor:
        return F.linear(x, w, bias) + bias * (x == 0).all()

    with pytest.raises(AssertionError, match=r"y is wrong where only b\[0\] is 1: y\[0, 0\] is 2, should be 1"):
        exhaustive_basis(twice, "linear", (1, 2), (1, 2), (1,))


def test_numpy_and_single_precision_are_taken() -> None:
    pair = Pair(lambda x, w: x @ w.T, lambda g, x, w: (g @ w, g.T @ x))
    assert exhaustive_basis(pair, "linear", (1, 2), (2, 2), dtype=torch.float32) == 2 * 4 * 2 + 4 * 2 * (2 + 4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ((F.relu, "relu", (2, 2)), "'relu' has no proof by basis vectors; there are: linear, conv1d"),
        ((F.conv2d, "conv2d", (1, 4, 4), (1, 1, 2, 2)), "conv2d takes X with 4 axes, W with 4 axes, b with 1 axes"),
        ((F.conv1d, "conv1d", (1, 1, 4)), "the shapes ((1, 1, 4),) came"),
        ((3, "linear", (1, 2), (1, 2)), "it is a int: a function"),
    ],
)
def test_what_cannot_be_proved_is_said(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        exhaustive_basis(*call)


def test_a_wrong_shape_is_said() -> None:
    with pytest.raises(AssertionError, match=r"y has the shape \(1, 1, 2\), should have \(1, 1, 3\)"):
        exhaustive_basis(lambda x, w: F.conv1d(x, w, stride=2), "conv1d", (1, 1, 4), (1, 1, 2))


def test_its_example_runs() -> None:
    assert doctest.testmod(exhaustive) == (0, 2)
