"""Faults of average and power-average pooling, taken apart into windows, a sum and a divisor."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.geometry import per_axis
from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import going_back, with_gradient_of

AVERAGE: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
POWER: dict[int, Callable[..., Tensor]] = {1: F.lp_pool1d, 2: F.lp_pool2d, 3: F.lp_pool3d}


def mean(ndim: int, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., Tensor]:
    """torch's with other options, cut or filled with zeros to the right size."""

    def layer(input: Tensor, kernel_size: Any, **options: Any) -> Tensor:
        size = AVERAGE[ndim](input, kernel_size, **options).shape
        kernel = per_axis(kernel_size, ndim)
        given: dict[str, Any] = {
            "kernel_size": kernel,
            "stride": None,
            "padding": 0,
            "ceil_mode": False,
            "count_include_pad": True,
        }
        given |= options
        given["stride"] = per_axis(kernel if given["stride"] is None else given["stride"], ndim)
        given["padding"] = per_axis(given["padding"], ndim)
        y = AVERAGE[ndim](input, **{**given, **change(given)})
        more = [side for have, need in zip(reversed(y.shape), reversed(size)) for side in (0, max(need - have, 0))]
        return F.pad(y, more)[tuple(slice(n) for n in size)]

    return layer


def right(ndim: int) -> Callable[..., Tensor]:
    """torch's."""
    return mean(ndim, lambda given: {})


def _by_the_whole_kernel(given: dict[str, Any]) -> dict[str, Any]:
    return {"divisor_override": given.get("divisor_override") or prod(given["kernel_size"])}


def _undivided(ndim: int) -> Callable[..., Tensor]:
    def layer(input: Tensor, kernel_size: Any, **options: Any) -> Tensor:
        k = prod(per_axis(kernel_size, ndim))
        return AVERAGE[ndim](going_back(input, lambda g: g * k), kernel_size, **options)

    return layer


AXES = "numbers of one axis used on another, as in tinygrad#17805"
plant(
    "average pooling",
    "avg_pool2d",
    (
        "count_include_pad ignored",
        mean(2, lambda g: {"count_include_pad": True}),
        "tvm#1144: averages that count the padding",
    ),
    (
        "count_include_pad always off",
        mean(2, lambda g: {"count_include_pad": False}),
        "torch/cunn#134: the condition inverted in review",
    ),
    ("divisor_override ignored", mean(2, lambda g: {"divisor_override": None}), "executorch#18616"),
    (
        "ceil_mode divides by the whole kernel",
        mean(2, _by_the_whole_kernel),
        "coremltools#2844, tract#2851, rten#1456: the overhang is counted",
    ),
    ("stride of one where none is given", mean(2, lambda g: {"stride": 1}), "a default of convolutions"),
    ("kernel exchanged between axes", mean(2, lambda g: {"kernel_size": g["kernel_size"][::-1]}), AXES),
    ("gradient not divided", _undivided(2), "a backward pass that spreads sums"),
    (
        "gradient ignores padding's count",
        with_gradient_of(right(2), mean(2, lambda g: {"count_include_pad": not g["count_include_pad"]})),
        "forward and backward that count differently",
    ),
)
plant(
    "average pooling",
    "avg_pool1d",
    ("ceil_mode ignored", mean(1, lambda g: {"ceil_mode": False}), "onnx#4958"),
    ("the gradient of one window", with_gradient_of(right(1), mean(1, lambda g: {"stride": 1})), "overlaps forgotten"),
)
plant(
    "average pooling",
    "avg_pool3d",
    ("padding of the first axis on all", mean(3, lambda g: {"padding": g["padding"][:1] * 3}), AXES),
    ("stride of the last axis on all", mean(3, lambda g: {"stride": g["stride"][-1:] * 3}), AXES),
)

# ----------------------------------------------------------------------------------------------- power averages


def power(
    ndim: int,
    entry: Callable[[Tensor, float], Tensor] = lambda x, p: x**p,
    root: Callable[[Tensor, float], Tensor] = lambda t, p: t ** (1 / p),
    number: Callable[[float], float] = lambda p: p,
    divided: bool = False,
) -> Callable[..., Tensor]:
    """The p-norm of every window by rules, one of them replaced; torch's where the window's sum is not positive."""

    def layer(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
        p = number(norm_type)
        kernel = prod(per_axis(kernel_size, ndim))
        sums = AVERAGE[ndim](entry(input, p), kernel_size, stride, 0, ceil_mode) * kernel
        right = POWER[ndim](input, norm_type, kernel_size, stride, ceil_mode)
        found = root((sums / kernel if divided else sums).clamp(min=1e-300), p)
        return torch.where(sums > 0, found, right)

    return layer


plant(
    "average pooling",
    "lp_pool2d",
    ("root forgotten", power(2, root=lambda t, p: t), "a power average without its root"),
    ("a mean of powers for a sum", power(2, divided=True), "a power average that is an average of powers"),
    ("the norm is cut to a whole number", power(2, number=lambda p: float(int(p)) or 1.0), "an int in a signature"),
    ("the norm is always two", power(2, number=lambda p: 2.0), "an option accepted and not read"),
)
plant(
    "average pooling",
    "lp_pool1d",
    ("absolute values", power(1, entry=lambda x, p: x.abs() ** p), "NNlib.jl#639, #184037: absolute values or not"),
)
