"""Average and power-average pooling and trainable sub-sampling.

A mean is a sum divided by its count, of which a whole number need not be a multiple.  Between two multiplications by a
number that every count divides, values, gradients and difference quotients with step 1 are whole.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv import definitions, functional, nn
from manualconv.testing.cases import Pooling
from manualconv.testing.cases.averaging import DIVISIBLE, as_torch_takes_it, averages, options
from manualconv.testing.catalogue import max_pooling
from manualconv.testing.catalogue.operation import Example, Layer, Operation
from manualconv.testing.catalogue.places import readings, window_of
from manualconv.testing.catalogue.question import SMOOTH, Apply, Proof, Question, Shape, call, function, of_samples
from manualconv.testing.referee import REFEREE

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


# --------------------------------------------------------------------------------------------------- on drawn cases


def smaller(case: Pooling) -> Pooling:
    """The same pooling with few placements and one channel."""
    return as_torch_takes_it(max_pooling.smaller(case))


def averaged(case: Pooling) -> Question:
    """Values and gradient of ``m·mean(m·x)``."""
    divisor = definitions.divisors(case.window, case.ceil_mode, case.count_include_pad, case.divisor_override)
    x, cotangent = case.input(), case.cotangent(divisor.shape)
    mean = call(f"avg_pool{case.window.ndim}d", **options(case))

    def loops() -> list[Any]:
        y = DIVISIBLE * definitions.avg_pool(DIVISIBLE * x.numpy(), case.window, divisor)
        return [y, DIVISIBLE * definitions.avg_pool_gradient(DIVISIBLE * cotangent.numpy(), case.window, divisor)]

    def scaled(library: Any) -> Apply:
        return lambda x: DIVISIBLE * mean(library)(DIVISIBLE * x)

    return of_samples(case, scaled, (x,), cotangent, loops, alone=mean)


def unpadded(case: Pooling) -> Pooling:
    """Without what powers and sums do not have."""
    window = case.window.unpadded()
    sizes = tuple(max(i, k) for i, k in zip(window.input_size, window.kernel_size))
    return replace(case, window=replace(window, input_size=sizes))


#: Of whole numbers, by fractions, of what is negative.
POWERS = (2, 1, 3, 2.5, 0.5, -1, 4.0, -2.0)


def powered(case: Pooling, p: float) -> Tensor:
    """Numbers whose sums of powers are positive; negative ones among them where they have that power.

    Those are small, and stand at odd places of the kernel's longest axis: every window has a large one for two of them.
    """
    x = case.input()
    axis = max(range(case.window.ndim), key=lambda m: case.window.kernel_size[m])
    alone = case.window.kernel_size[axis] == 1 or case.ceil_mode
    if alone or p < 0 or p != int(p) or case.fill == "distinct":
        return x.abs() / 8 + 1
    odd = torch.arange(x.shape[2 + axis]).reshape(-1, *(1,) * (case.window.ndim - 1 - axis)) % 2 == 1
    return (x.abs() / 8 + 1) * torch.where(odd & (x < 0), -1 / 8, 1.0)


def normed(case: Pooling) -> Question:
    """The root of the sum of powers: smooth where the sum is not 0."""
    case = unpadded(case)
    window, p = case.window, POWERS[case.seed % len(POWERS)]
    x = powered(case, p)
    cotangent = case.cotangent(definitions.divisors(window, case.ceil_mode).shape)
    size, stride = (
        n if window.ndim > 1 else n[0] for n in (window.kernel_size, window.stride)
    )  # torch multiplies by it

    def loops() -> list[Any]:
        back = definitions.lp_pool_gradient(x.numpy(), cotangent.numpy(), p, window, case.ceil_mode)
        return [definitions.lp_pool(x.numpy(), p, window, case.ceil_mode), back]

    of = call(f"lp_pool{window.ndim}d", p, size, stride, case.ceil_mode)
    return of_samples(case, of, (x,), cotangent, loops, roundings=SMOOTH)


def subsampled(case: Pooling) -> Question:
    """Values and the three gradients before the activation: linear in each tensor."""
    case = unpadded(case)
    window, x = case.window, case.input()
    cotangent = case.cotangent(window.output_size)
    generator = torch.Generator().manual_seed(case.seed + 7)
    w, b = torch.randint(-3, 4, (2, x.shape[1]), generator=generator).double()

    def loops() -> list[Any]:
        y = definitions.subsample(x.numpy(), w.numpy(), b.numpy(), window)
        return [y, *definitions.subsample_gradients(x.numpy(), w.numpy(), cotangent.numpy(), window)]

    of = call(f"subsample{window.ndim}d", window.kernel_size, window.stride, activation=None)
    return of_samples(case, of, (x, w, b), cotangent, loops)


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
    form: Any = (lambda f: f) if linear else _of_quarters

    def summed(x: Tensor, w: Tensor, b: Tensor) -> Any:
        return form(function(REFEREE, name))(x, w, b, kernel, stride, activation=other)

    return Operation(
        name,
        {
            name: Example(
                name,
                (x, (channels,), (channels,)),
                (kernel, stride),
                options,
                form,
                other=summed,
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
