"""Adaptive and fractional pooling: intervals by whose lengths everything is divisible, maxima without ties.

A fractional pooling is placed by samples that are given.  They are odd sixteenths, for which no start of a window is
near an integer before it is rounded.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions
from manualconv.testing.cases import AdaptivePooling, FractionalPooling, adaptive_poolings, fractional_poolings
from manualconv.testing.cases.tensors import unshared
from manualconv.testing.catalogue.max_pooling import values
from manualconv.testing.catalogue.operation import Example, Layer, Operation
from manualconv.testing.catalogue.places import selected
from manualconv.testing.catalogue.question import Apply, Proof, Question, Shape, call, of_samples

#: Divisible by every number of positions in an interval of a drawn axis, which are six at most; its third power times
#: small numbers is held by float32, and a sum of such products by float64.
DIVISIBLE = 60.0
ANY = st.sampled_from((2, 1, 3)).flatmap(adaptive_poolings)
#: For two samples of two channels.
PLACED = torch.linspace(0, 0.9, 12).reshape(2, 2, 3)

# ---------------------------------------------------------------------------------------------- in plain arithmetic


def _adaptive_avg_pool(output_size: Shape) -> Apply:
    """The mean over each interval."""

    def apply(x: Tensor) -> Tensor:
        flat, size = x.reshape(*x.shape[:2], -1), tuple(x.shape[2:])
        means = []
        for p in definitions.indices(output_size):
            at = [int(np.ravel_multi_index(i, size)) for i in definitions.interval(p, size, output_size)]
            means.append(flat[:, :, at].sum(2) / len(at))
        return torch.stack(means, 2).reshape(*x.shape[:2], *output_size)

    return apply


def _adaptive_max_pool(output_size: Shape) -> Apply:
    """The entry at each interval's first maximum."""
    return lambda x: selected(x, definitions.adaptive_max_pool(x.detach().numpy(), output_size)[1])


def _fractional_max_pool(kernel: Shape, output_size: Shape, samples: Tensor) -> Apply:
    """The entry at the first maximum of each window, placed by the samples."""

    def apply(x: Tensor) -> Tensor:
        at = definitions.fractional_max_pool(x.detach().numpy(), samples.numpy(), kernel, output_size)[1]
        return selected(x, at)

    return apply


def _largest_of(kernel: Shape, output_size: Shape, numbers: tuple[float, ...]) -> Apply:
    """The definition: torch's own has no rule for vmap, and every sample and channel is placed alike here."""

    def apply(x: Tensor) -> Tensor:
        ndim, starts = len(kernel), []
        for i, k, p, u in zip(x.shape[-ndim:], kernel, output_size, numbers):
            step = (i - k) / (p - 1)
            starts.append([int((n + u) * step) - int(u * step) for n in range(p - 1)] + [i - k])
        windows = []
        for corner in product(*starts):
            window = x
            for axis, (a, k) in enumerate(zip(corner, kernel), -ndim):
                window = window.narrow(axis, a, k)
            windows.append(window.flatten(-ndim).max(-1).values)
        y: Tensor = torch.stack(windows, -1).unflatten(-1, output_size)
        return y

    return apply


# --------------------------------------------------------------------------------------------------- on drawn cases


def _dyadic(length: int, parts: int) -> int:
    """The number of intervals nearest to `parts` that all have one, two or four positions."""
    found = {}
    for q in range(1, 8):
        lengths = {len(list(definitions.interval((p,), (length,), (q,)))) for p in range(q)}
        if lengths <= {1, 2, 4}:
            found[q] = abs(q - parts)
    return min(found, key=lambda q: found[q])


def smaller(case: AdaptivePooling) -> AdaptivePooling:
    """One sample and channel of few numbers, whose difference quotients with step 1 are exact."""
    sizes = tuple(min(i, 4 if case.ndim < 3 else 3) for i in case.input_size)
    return replace(
        case,
        input_size=sizes,
        output_size=tuple(_dyadic(i, p) for i, p in zip(sizes, case.output_size)),
        batch=None if case.batch is None else 1,
        channels=1,
        layouts=unshared(case.layouts),
    )


def averaged(case: AdaptivePooling) -> Question:
    """Values and gradient of the mean."""
    x, cotangent = (DIVISIBLE**case.ndim * t for t in (case.input(), case.cotangent()))

    def loops() -> list[Any]:
        return [
            definitions.adaptive_avg_pool(x.numpy(), case.output_size),
            definitions.adaptive_avg_pool_gradient(cotangent.numpy(), case.input_size),
        ]

    return of_samples(case, call(f"adaptive_avg_pool{case.ndim}d", case.said), (x,), cotangent, loops)


def highest(case: AdaptivePooling) -> Question:
    """Values and gradient of the maximum."""
    x, cotangent = case.input(), case.cotangent()

    def loops() -> list[Any]:
        values, winner = definitions.adaptive_max_pool(x.numpy(), case.output_size)
        return [values, definitions.adaptive_max_pool_gradient(cotangent.numpy(), winner, case.input_size)]

    return of_samples(case, call(f"adaptive_max_pool{case.ndim}d", case.said), (x,), cotangent, loops)


def smaller_fractional(case: FractionalPooling) -> FractionalPooling:
    """One image of few numbers without ties."""
    most = 2 if case.ndim == 2 else 1
    kernel, output = tuple(min(k, 2) for k in case.kernel), tuple(min(p, most + 1) for p in case.output_size)
    return replace(
        case,
        kernel=kernel,
        output_size=output,
        input_size=case.fitting(kernel, output, tuple(min(m, most - 1) for m in case.more)),
        batch=None if case.batch is None else 1,
        channels=1,
        fill="distinct",
        layouts=unshared(case.layouts),
    )


def fractionally_highest(case: FractionalPooling) -> Question:
    """Values and gradient."""
    x, cotangent, samples = case.input(), case.cotangent(), case.samples()

    def loops() -> list[Any]:
        values, winner = definitions.fractional_max_pool(x.numpy(), samples.numpy(), case.kernel, case.output_size)
        return [values, definitions.adaptive_max_pool_gradient(cotangent.numpy(), winner, case.input_size)]

    def of(library: Any) -> Apply:
        pool = call(f"fractional_max_pool{case.ndim}d", case.kernel, case.output_size)(library)
        return lambda x: pool(x, _random_samples=samples.to(x.dtype))

    return of_samples(case, of, (x,), cotangent, loops)


# -------------------------------------------------------------------------------------------------- the operations


def _adaptive(
    kind: str, n: int, x: Shape, size: Any, row: Shape, given: Shape, layer: Any, input: Shape, more: Any = ()
) -> Operation:
    """The proof is one of all dimensions, and stands with the second."""
    name, mean = f"adaptive_{kind}_pool{n}d", kind == "avg"
    proof = Proof(ANY, smaller, averaged)
    if not mean:
        proof = Proof(ANY, lambda case: replace(smaller(case), fill="distinct"), highest)
    example = Example(name, (x,), (size,), multilinear=mean)
    plain = (_adaptive_avg_pool if mean else _adaptive_max_pool)(given)
    return Operation(
        name,
        {name: example, **dict(more)},
        (Layer(f"Adaptive{kind.title()}Pool{n}d", (layer,), input),),
        {name[:-2]: proof} if n == 2 else {},
        {name: Example(name, (row,), (given,), plain=plain)},
        {f"{name} with indices": replace(example, form=values)} if name == "adaptive_max_pool3d" else {},
    )


def _placed(numbers: Any, ndim: int) -> Any:
    """By the same numbers, for every sample of two channels."""
    placed = torch.as_tensor(numbers, dtype=torch.float64)

    def form(pool: Any) -> Apply:
        def apply(x: Tensor, kernel: Shape, output_size: Shape) -> Any:
            samples = placed.to(x.dtype).expand(x.shape[0] if x.dim() == ndim + 2 else 1, 2, ndim)
            return pool(x, kernel, output_size, _random_samples=samples)

        return apply

    return form


def _fractional(
    x: Shape, arguments: tuple[Shape, Shape], numbers: tuple[float, ...], layer: Layer, row: Shape, *given: Shape
) -> Operation:
    n = len(numbers)
    name = f"fractional_max_pool{n}d"
    # Halves and quarters, which every dtype holds.
    samples = torch.arange(row[1] * n).reshape(1, row[1], n) % 4 / 4
    plain = _fractional_max_pool(given[0], given[1], samples.expand(row[0], -1, -1))
    return Operation(
        name,
        {name: Example(name, (x,), arguments, {}, _placed(numbers, n), other=_largest_of(*arguments, numbers))},
        (layer,),
        {name: Proof(fractional_poolings(n), smaller_fractional, fractionally_highest, seldom=True)},
        {name: Example(name, (row,), given, {}, _placed(samples, n), plain=plain)},
    )


#: Means over one, two, four or eight positions, which are exact on integers.
OPERATIONS = (
    _adaptive("avg", 1, (2, 2, 6), 4, (2, 2, 7), (3,), 3, (2, 3, 7)),
    _adaptive(
        *("avg", 2, (2, 2, 6, 3), (4, 5), (2, 2, 5, 3), (3, 2), (3, 4), (2, 3, 5, 3)),
        {"global adaptive_avg_pool2d": Example("adaptive_avg_pool2d", ((2, 3, 4, 2),), (1,))},
    ),
    _adaptive(
        *("avg", 3, (1, 2, 3, 2, 4), (2, None, 3), (2, 2, 3, 2, 4), (2, 1, 3), (2, None, 3), (2, 2, 3, 2, 4)),
    ),
    _adaptive("max", 1, (2, 2, 7), 3, (2, 2, 7), (3,), 3, (2, 3, 7)),
    _adaptive("max", 2, (2, 2, 5, 3), (3, 4), (2, 2, 5, 3), (3, 2), (3, 4), (2, 3, 5, 3)),
    _adaptive(
        *("max", 3, (1, 2, 3, 2, 4), (2, None, 3), (2, 2, 3, 2, 4), (2, 1, 3), (2, None, 3), (2, 2, 3, 2, 4)),
    ),
    _fractional(
        *((2, 2, 5, 6), ((2, 3), (3, 2)), (0.3, 0.7)),
        Layer("FractionalMaxPool2d", ((2, 3), (3, 2)), (2, 2, 5, 6), {"_random_samples": PLACED[..., :2]}),
        *((2, 2, 6, 5), (2, 3), (3, 2)),
    ),
    _fractional(
        *((1, 2, 4, 4, 5), ((1, 2, 2), (2, 2, 3)), (0.1, 0.7, 0.4)),
        Layer("FractionalMaxPool3d", (2, (2, 2, 3)), (2, 2, 4, 4, 5), {"_random_samples": PLACED}),
        *((2, 2, 3, 4, 3), (1, 2, 2), (2, 2, 1)),
    ),
)
