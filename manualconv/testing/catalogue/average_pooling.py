"""Average and power-average pooling and trainable sub-sampling.

A mean is a sum divided by its count, of which a whole number need not be a multiple.  Between two multiplications by a
number that every count divides, values, gradients and difference quotients with step 1 are whole.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import definitions, functional, nn
from manualconv.testing.cases import Pooling
from manualconv.testing.cases.averaging import DIVISIBLE, as_torch_takes_it, averages, options
from manualconv.testing.catalogue import max_pooling
from manualconv.testing.catalogue.operation import Apply, Example, Layer, Operation, Proof, Question, Shape
from manualconv.testing.catalogue.places import readings, window_of

MEAN: dict[int, Any] = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
NORM: dict[int, Any] = {1: functional.lp_pool1d, 2: functional.lp_pool2d, 3: functional.lp_pool3d}
SUM: dict[int, Any] = {1: functional.subsample1d, 2: functional.subsample2d, 3: functional.subsample3d}

# ---------------------------------------------------------------------------------------------- in plain arithmetic


def _avg_pool(
    kernel: Shape,
    stride: Shape,
    pad: Shape,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Apply:
    """Each window's sum over its divisor."""

    def apply(x: Tensor) -> Tensor:
        window = window_of(tuple(x.shape[2:]), kernel, stride, pad, (1,) * len(kernel))
        position, inside = readings(window, ceil_mode)
        sums = (x.reshape(*x.shape[:2], -1)[:, :, position] * inside).sum(2)
        divisors = torch.from_numpy(definitions.divisors(window, ceil_mode, count_include_pad, divisor))
        return sums.reshape(*x.shape[:2], *divisors.shape) / divisors

    return apply


def _lp_pool(p: int, kernel: Shape, stride: Shape) -> Apply:
    """The p-th root of each window's sum of p-th powers."""
    mean = _avg_pool(kernel, stride, (0,) * len(kernel))
    return lambda x: (mean(x**p) * prod(kernel)) ** (1 / p)


def _summed(kernel: Shape, stride: Shape, activation: Apply) -> Apply:
    """By torch: a depthwise convolution with ones, a scale, a shift."""
    convolve: Any = (F.conv1d, F.conv2d, F.conv3d)[len(kernel) - 1]

    def apply(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        ones = torch.ones((len(w), 1, *kernel), dtype=x.dtype, device=x.device)
        behind = (1,) * len(kernel)
        u = convolve(x, ones, stride=stride, groups=len(w)) * w.reshape(-1, *behind)
        y: Tensor = activation(u if b is None else u + b.reshape(-1, *behind))
        return y

    return apply


# --------------------------------------------------------------------------------------------------- on drawn cases


def smaller(case: Pooling) -> Pooling:
    """The same pooling with few placements and one channel."""
    return as_torch_takes_it(max_pooling.smaller(case))


def averaged(case: Pooling) -> Question:
    """Values and gradient of ``m·mean(m·x)``."""
    divisor = definitions.divisors(case.window, case.ceil_mode, case.count_include_pad, case.divisor_override)
    x, cotangent = case.input(), case.cotangent(divisor.shape)

    def apply(x: Tensor) -> Tensor:
        y: Tensor = DIVISIBLE * MEAN[case.window.ndim](DIVISIBLE * x, **options(case))
        return y

    def loops() -> list[Any]:
        y = DIVISIBLE * definitions.avg_pool(DIVISIBLE * x.numpy(), case.window, divisor)
        x_bar = DIVISIBLE * definitions.avg_pool_gradient(DIVISIBLE * cotangent.numpy(), case.window, divisor)
        return [t[0] for t in (y, x_bar)] if case.batch is None else [y, x_bar]

    return Question(apply, (case.unbatch(x),), case.unbatch(cotangent), loops)


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
        y: Tensor = NORM[window.ndim](x, 2, size, window.stride)
        return y

    def loops() -> list[Any]:
        y = (definitions.avg_pool(x.numpy() ** 2, window, count) * prod(window.kernel_size)) ** 0.5
        spread = definitions.avg_pool_gradient(cotangent.numpy() / y, window, count) * prod(window.kernel_size)
        x_bar = x.numpy() * spread
        return [t[0] for t in (y, x_bar)] if case.batch is None else [y, x_bar]

    return Question(apply, (case.unbatch(x),), case.unbatch(cotangent), loops, exact=False)


def subsampled(case: Pooling) -> Question:
    """Values and the three gradients before the activation: linear in each tensor."""
    case = unpadded(case)
    window, x = case.window, case.input()
    cotangent = case.cotangent(window.output_size)
    generator = torch.Generator().manual_seed(case.seed + 7)
    w, b = torch.randint(-3, 4, (2, x.shape[1]), generator=generator).double()

    def apply(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y: Tensor = SUM[window.ndim](x, w, b, window.kernel_size, window.stride, activation=None)
        return y

    def loops() -> list[Any]:
        y = definitions.subsample(x.numpy(), w.numpy(), b.numpy(), window)
        x_bar, w_bar, b_bar = definitions.subsample_gradients(x.numpy(), w.numpy(), cotangent.numpy(), window)
        y, x_bar = (t[0] for t in (y, x_bar)) if case.batch is None else (y, x_bar)
        return [y, x_bar, w_bar, b_bar]

    return Question(apply, (case.unbatch(x), w, b), case.unbatch(cotangent), loops)


# -------------------------------------------------------------------------------------------------- the operations


def _pooling(
    n: int, x: Shape, arguments: tuple[Any, ...], layer: Layer, row: Shape, given: tuple[Any, ...], more: Any = ()
) -> Operation:
    """Divisors of the first example are powers of two: a difference quotient with step 1 is exact."""
    name = f"avg_pool{n}d"
    return Operation(
        name,
        {name: Example(name, (x,), arguments, multilinear=True), **dict(more)},
        (layer,),
        {name: Proof(averages(n), smaller, averaged)},
        {name: Example(name, (row,), given, plain=_avg_pool(*given))} | (_planar() if n == 2 else {}),
    )


def _planar() -> dict[str, Example]:
    """With ceil_mode, count_include_pad and divisor_override, on an input whose last windows hang over."""
    labels = {
        "ceil_mode": (True,),
        "ceil_mode, padding not counted": (True, False),
        "divisor_override": (False, True, -5),
    }
    found = {}
    for label, more in labels.items():
        given: tuple[Any, ...] = ((3, 2), (2, 3), (1, 1), *more)
        found[f"avg_pool2d, {label}"] = Example("avg_pool2d", ((2, 2, 6, 5),), given, plain=_avg_pool(*given))
    return found


def _of_squares(pool: Any) -> Apply:
    """Of positive numbers."""
    return lambda x, *arguments: pool(x * x + 1, *arguments)


def _norm(n: int, examples: dict[str, Example], layer: Layer, row: Shape, kernel: Any, stride: Any) -> Operation:
    name = f"lp_pool{n}d"
    plain = _lp_pool(2, *((v,) if n == 1 else v for v in (kernel, stride)))
    rows = {name: Example(name, (row,), (2, kernel, stride), plain=plain)}
    return Operation(name, examples, (layer,), {name: Proof(averages(n), smaller, normed)}, rows)


def _of_quarters(subsample: Any) -> Apply:
    """Where a sigmoid is not flat."""
    return lambda x, *others, **options: subsample(x / 4, *others, **options)


def _subsampling(
    n: int, x: Shape, kernel: Shape, stride: Shape, layer: Layer, other: Apply, **options: Any
) -> Operation:
    name, channels = f"subsample{n}d", x[1]
    linear = options.get("activation", "") is None
    summed = _summed(kernel, stride, other)
    return Operation(
        name,
        {
            name: Example(
                name,
                (x, (channels,), (channels,)),
                (kernel, stride),
                options,
                (lambda f: f) if linear else _of_quarters,
                other=summed if linear else _of_quarters(summed),
                exact=linear,
                multilinear=linear,
            )
        },
        (layer,),
        {name: Proof(averages(n), smaller, subsampled)},
    )


OPERATIONS = (
    _pooling(
        *(1, (2, 3, 8), (4, 3, 2), Layer("AvgPool1d", (3, 2, 1, True, False), (2, 3, 7))),
        *((2, 2, 7), ((3,), (2,), (1,))),
        {"avg_pool1d, ceil_mode": Example("avg_pool1d", ((2, 3, 8),), (3, 2, 1, True), exact=False)},
    ),
    _pooling(
        *(2, (2, 2, 5, 4), ((2, 4), (2, 1), (1, 2), False, True, 8)),
        Layer("AvgPool2d", ((3, 2), (2, 1), 1, True, False), (2, 3, 6, 5)),
        *((2, 2, 5, 4), ((2, 3), (2, 1), (1, 0))),
    ),
    _pooling(
        *(3, (1, 2, 2, 4, 3), ((2, 1, 3), (1, 2, 1), (1, 0, 1), True, True, -4)),
        Layer("AvgPool3d", ((2, 1, 3), (1, 2, 1), (1, 0, 1), True), (1, 2, 2, 4, 3)),
        *((2, 2, 2, 3, 4), ((2, 1, 3), (1, 2, 1), (1, 0, 0))),
    ),
    _norm(
        1,
        {
            "lp_pool1d": Example("lp_pool1d", ((2, 2, 6),), (2, 3, 2, True), exact=False),
            "lp_pool1d of the fourth power": Example("lp_pool1d", ((2, 3, 8),), (4, 3, 2), exact=False),
        },
        *(Layer("LPPool1d", (2, 3, 2, True), (2, 3, 6)), (2, 2, 7), 3, 2),
    ),
    _norm(
        2,
        {
            "lp_pool2d of squares": Example(
                *("lp_pool2d", ((1, 2, 4, 4),), (1.5, (2, 3), (2, 1)), {}, _of_squares),
                compared=False,
            ),
            "lp_pool2d": Example("lp_pool2d", ((2, 3, 6, 5),), (2, (3, 2), (2, 1), True), exact=False),
        },
        *(Layer("LPPool2d", (4, (2, 3), (2, 1)), (1, 2, 4, 4)), (2, 2, 5, 4), (2, 3), (2, 1)),
    ),
    _norm(
        3,
        {
            "lp_pool3d of squares": Example(
                *("lp_pool3d", ((1, 1, 2, 3, 4),), (-1, (2, 1, 3), (1, 2, 1)), {}, _of_squares),
                compared=False,
            )
        },
        *(Layer("LPPool3d", (2, (2, 1, 3), (1, 2, 1)), (1, 2, 2, 3, 4)), (2, 2, 2, 3, 4), (2, 1, 3), (1, 2, 1)),
    ),
    _subsampling(
        *(1, (2, 3, 8), (3,), (2,), Layer("Subsample1d", (3, 3, 2), (2, 3, 8)), lambda u: u),
        activation=None,
    ),
    _subsampling(
        *(2, (2, 2, 4, 6), (3, 2), (1, 3), Layer("Subsample2d", (2, (3, 2), (1, 3)), (2, 2, 4, 6)), torch.sigmoid),
    ),
    _subsampling(
        *(3, (1, 2, 2, 3, 3), (2, 1, 3), (2, 1, 3)),
        Layer("Subsample3d", (2, (2, 1, 3)), (1, 2, 2, 3, 3), {"activation": nn.Tanh()}),
        torch.tanh,
        activation=functional.tanh,
    ),
)
