"""Faults of activations: slopes, kinks, constants, and exponentials of large numbers."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import half, rounded, with_gradient_of

Layer = Callable[..., Tensor]


class _Sloped(Function):
    """A value with a slope that somebody wrote down, a function of x and y."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Layer, slope: Layer) -> Tensor:
        y = value(x)
        ctx.save_for_backward(x, y)
        ctx.slope = slope
        return y

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None]:
        x, y = ctx.saved_tensors
        return cotangent * ctx.slope(x, y), None, None


def sloped(value: Layer, slope: Layer) -> Layer:
    """The activation of one tensor with that slope."""

    def layer(input: Tensor) -> Tensor:
        y: Tensor = _Sloped.apply(input, value, slope)
        return y

    return layer


def _leaky_by_output(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    y: Tensor = _Sloped.apply(
        input,
        lambda x: F.leaky_relu(x, negative_slope),
        lambda x, y: torch.where(y > 0, 1.0, negative_slope),
    )
    return y


def _leaky_by_maximum(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    return torch.maximum(input, negative_slope * input)


def _elu_by_one(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    y: Tensor = _Sloped.apply(input, lambda x: F.elu(x, alpha), lambda x, y: torch.where(x > 0, 1.0, y + 1))
    return y


def _elu_as_celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return torch.where(input > 0, input, alpha * torch.expm1(input / alpha))


def _celu_as_elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return F.elu(input, alpha)


def _elu_overflowing(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return input * (input > 0) + alpha * (torch.exp(input) - 1) * (input <= 0)


def _hardtanh_at_its_ends(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    y: Tensor = _Sloped.apply(
        input,
        lambda x: x.clamp(min_val, max_val),
        lambda x, y: ((x >= min_val) & (x <= max_val)).to(x.dtype),
    )
    return y


def _softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    return torch.log(1 + torch.exp(beta * input)) / beta


def _softplus_of_one(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    return F.softplus(input, 1.0, threshold)


def _softplus_undivided(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    return torch.where(beta * input > threshold, input, F.softplus(beta * input, 1.0, threshold))


def _gelu_by_tanh(input: Tensor, approximate: str = "none") -> Tensor:
    return F.gelu(input, approximate="tanh")


def _gelu_by_sigmoid(input: Tensor, approximate: str = "none") -> Tensor:
    return input * torch.sigmoid(1.702 * input)


def _gelu_slope(input: Tensor, approximate: str = "none") -> Tensor:
    if approximate != "none":
        return F.gelu(input, approximate=approximate)
    y: Tensor = _Sloped.apply(
        input,
        F.gelu,
        lambda x, y: 0.5 * (1 + torch.erf(x / sqrt(2))) + x.abs() * torch.exp(-x * x / 2) / sqrt(2 * pi),
    )
    return y


def _hardshrink_from_its_ends(input: Tensor, lambd: float = 0.5) -> Tensor:
    return input * (input.abs() >= lambd)


def _softshrink_by_abs(input: Tensor, lambd: float = 0.5) -> Tensor:
    return (input.abs() - lambd).clamp(min=0)


def _threshold_from(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    return torch.where(input >= threshold, input, torch.full_like(input, value))


def _relu_in_half(x: Tensor) -> Tensor:
    return rounded(torch.relu(x), torch.bfloat16)


FAMILY, EXPONENTIALS = "activations", "e to a large number, as in dwave-optimization#555"
SAVED = "a slope from the output, which is not the input"
AT_KINKS = "what a slope is at its kink"
plant(
    FAMILY,
    "relu",
    ("slope one at zero", sloped(torch.relu, lambda x, y: (x >= 0).to(x.dtype)), AT_KINKS),
    ("slope of absolute values", sloped(torch.relu, lambda x, y: x.sign()), "sign(x) for a step"),
    ("values in bfloat16", _relu_in_half, "KernelBench: lower precision inside"),
    ("not a number becomes zero", lambda x: torch.where(x > 0, x, torch.zeros_like(x)), "#7645: NaN swallowed"),
)
plant(FAMILY, "relu6", ("not bent above", lambda x: torch.relu(x), "the second kink forgotten"))
plant(FAMILY, "hardtanh", ("slope one at its ends", _hardtanh_at_its_ends, AT_KINKS))
plant(
    FAMILY,
    "leaky_relu",
    ("slope by the sign of the output", _leaky_by_output, "burn#1208: wrong for falling slopes"),
    ("the larger of two", _leaky_by_maximum, "max(x, a·x), which is wrong for a > 1"),
)
plant(
    FAMILY,
    "elu",
    ("slope from the output of α = 1", _elu_by_one, "mlpack#1540: y + 1 for y + α"),
    ("celu for elu", _elu_as_celu, "two activations that agree at α = 1"),
    ("both sides computed and masked", _elu_overflowing, "0·∞ is not a number: " + EXPONENTIALS),
)
plant(
    FAMILY,
    "celu",
    ("elu for celu", _celu_as_elu, "two activations that agree at α = 1"),
)
plant(
    FAMILY,
    "selu",
    (
        "two digits of its constants",
        lambda x: 1.05 * torch.where(x > 0, x, 1.67 * torch.expm1(x)),
        "constants copied from a figure",
    ),
)
plant(
    FAMILY,
    "gelu",
    ("tanh whatever is asked", _gelu_by_tanh, "mxnet#21034: two functions of one name"),
    ("by a sigmoid", _gelu_by_sigmoid, "x·σ(1.702·x), a coarser approximation"),
    ("slope with |x|", _gelu_slope, "tt-metal#35971: a wrong sign left of zero"),
)
plant(
    FAMILY,
    "sigmoid",
    ("exponentials of large numbers", lambda x: torch.exp(x) / (1 + torch.exp(x)), EXPONENTIALS),
    ("slope y·(1 + y)", sloped(torch.sigmoid, lambda x, y: y * (1 + y)), "a sign in a slope"),
    ("slope of the output again", sloped(torch.sigmoid, lambda x, y: y.sigmoid() * (1 - y.sigmoid())), SAVED),
)
plant(
    FAMILY,
    "tanh",
    (
        "exponentials of large numbers",
        lambda x: (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
        EXPONENTIALS,
    ),
    ("slope 1 − y", sloped(torch.tanh, lambda x, y: 1 - y), "a square forgotten in a slope"),
    ("slope 1 − x²", sloped(torch.tanh, lambda x, y: 1 - x * x), "the input saved for the output"),
)
plant(
    FAMILY,
    "softplus",
    ("exponentials of large numbers", _softplus, EXPONENTIALS),
    ("β is one", _softplus_of_one, "an option accepted and not read"),
    ("not divided by β", _softplus_undivided, "a factor forgotten, which is one by default"),
)
plant(
    FAMILY,
    "silu",
    ("slope σ alone", with_gradient_of(F.silu, lambda x: x * torch.sigmoid(x).detach()), "the product rule forgotten"),
    ("exponentials of large numbers", lambda x: x * torch.exp(x) / (1 + torch.exp(x)), EXPONENTIALS),
)
plant(
    FAMILY,
    "mish",
    ("exponentials of large numbers", lambda x: x * torch.tanh(torch.log(1 + torch.exp(x))), EXPONENTIALS),
    ("swish for mish", F.silu, "two activations that look alike in a plot"),
)
plant(
    FAMILY,
    "logsigmoid",
    ("the logarithm of a sigmoid", lambda x: torch.log(torch.sigmoid(x)), "log 0 for large negative numbers"),
)
plant(
    FAMILY,
    "hardsigmoid",
    ("a fifth for a sixth", lambda x: (0.2 * x + 0.5).clamp(0, 1), "Keras' hard sigmoid before 3.0"),
)
plant(
    FAMILY,
    "hardswish",
    ("half its gradient where it bends", lambda x: x * half(F.relu6(x + 3) / 6), "a factor lost in a product rule"),
)
plant(FAMILY, "hardshrink", ("ends kept", _hardshrink_from_its_ends, AT_KINKS))
plant(FAMILY, "softshrink", ("negative numbers turned", _softshrink_by_abs, "a sign forgotten"))
plant(FAMILY, "threshold", ("kept at the threshold", _threshold_from, AT_KINKS))
