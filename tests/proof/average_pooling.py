"""Average and power-average pooling and trainable sub-sampling as questions.

A mean is a sum divided by its count, of which a whole number need not be a multiple.  Between two multiplications by a
number that every count divides, values, gradients and difference quotients with step 1 are whole.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv import definitions, functional
from manualconv.testing.cases import Pooling
from manualconv.testing.cases.averaging import DIVISIBLE, as_torch_takes_it, options
from tests.proof import max_pooling
from tests.proof.max_pooling import Question

MEAN = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
NORM = {1: functional.lp_pool1d, 2: functional.lp_pool2d, 3: functional.lp_pool3d}
SUM = {1: functional.subsample1d, 2: functional.subsample2d, 3: functional.subsample3d}


def smaller(case: Pooling, few: int) -> Pooling:
    """The same pooling with few placements and one channel."""
    return as_torch_takes_it(max_pooling.smaller(case, few))


def averaged(case: Pooling) -> Question:
    """Values and gradient of ``m·mean(m·x)``."""
    divisor = definitions.divisors(case.window, case.ceil_mode, case.count_include_pad, case.divisor_override)
    x, cotangent = case.input(), case.cotangent(divisor.shape)

    def apply(x: Tensor) -> Tensor:
        return DIVISIBLE * MEAN[case.window.ndim](DIVISIBLE * x, **options(case))

    def loops() -> list[Any]:
        y = DIVISIBLE * definitions.avg_pool(DIVISIBLE * x.numpy(), case.window, divisor)
        x_bar = DIVISIBLE * definitions.avg_pool_gradient(DIVISIBLE * cotangent.numpy(), case.window, divisor)
        return [case.unbatch(y), case.unbatch(x_bar)]

    return apply, (case.unbatch(x),), case.unbatch(cotangent), loops


def unpadded(case: Pooling) -> Pooling:
    """Without what powers and sums do not have."""
    window = case.window.unpadded()
    sizes = tuple(max(i, k) for i, k in zip(window.input_size, window.kernel_size))
    return replace(case, window=replace(window, input_size=sizes), ceil_mode=False)


def normed(case: Pooling) -> Question:
    """The root of the sum of squares of positive numbers: smooth."""
    case = unpadded(case)
    window = case.window
    x = case.input().abs() / 8 + 1
    count = definitions.divisors(window)
    cotangent = case.cotangent(count.shape)
    size = window.kernel_size if window.ndim > 1 else window.kernel_size[0]  # torch's multiplies by it in one dimension

    def apply(x: Tensor) -> Tensor:
        return NORM[window.ndim](x, 2, size, window.stride)

    def loops() -> list[Any]:
        y = (definitions.avg_pool(x.numpy() ** 2, window, count) * prod(window.kernel_size)) ** 0.5
        spread = definitions.avg_pool_gradient(cotangent.numpy() / y, window, count) * prod(window.kernel_size)
        return [case.unbatch(y), case.unbatch(x.numpy() * spread)]

    return apply, (case.unbatch(x),), case.unbatch(cotangent), loops


def subsampled(case: Pooling) -> Question:
    """Values and the three gradients before the activation: linear in each tensor."""
    case = unpadded(case)
    window, x = case.window, case.input()
    cotangent = case.cotangent(window.output_size)
    generator = torch.Generator().manual_seed(case.seed + 7)
    w, b = torch.randint(-3, 4, (2, x.shape[1]), generator=generator).double()

    def apply(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return SUM[window.ndim](x, w, b, window.kernel_size, window.stride, activation=None)

    def loops() -> list[Any]:
        y = definitions.subsample(x.numpy(), w.numpy(), b.numpy(), window)
        x_bar, w_bar, b_bar = definitions.subsample_gradients(x.numpy(), w.numpy(), cotangent.numpy(), window)
        return [case.unbatch(y), case.unbatch(x_bar), w_bar, b_bar]

    return apply, (case.unbatch(x), w, b), case.unbatch(cotangent), loops
