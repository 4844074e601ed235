"""Fractional max pooling as questions, its windows placed by samples that are given.

They are odd sixteenths, for which no start of a window is near an integer before it is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions, functional
from manualconv.testing.cases import LAYOUTS_OF_TWO, SEEDS, numbers_per_axis
from manualconv.testing.cases.tensors import filled, laid_out, unshared
from tests.proof.question import Operation, Question


@dataclass(frozen=True)
class Fractional:
    """One drawn fractional pooling with its samples; `more` is how much longer an input is than its windows need."""

    kernel: tuple[int, ...]
    output: tuple[int, ...]
    more: tuple[int, ...]
    batch: int | None
    channels: int
    fill: str
    layouts: tuple[str, str]
    seed: int

    @property
    def input_size(self) -> tuple[int, ...]:
        """``I = K + P − 1 + more``; in three dimensions torch wants one position to spare."""
        spare = int(len(self.kernel) == 3)
        return tuple(k + p - 1 + m + spare for k, p, m in zip(self.kernel, self.output, self.more))

    def tensor(self, which: int) -> Tensor:
        """The input, and a cotangent; with a batch of 1 where there is none."""
        generator = torch.Generator().manual_seed(self.seed + which)
        lead = (1 if self.batch is None else self.batch, self.channels)
        fill, size = ((self.fill, self.input_size), ("small", self.output))[which]
        return laid_out(filled(fill, (*lead, *size), generator).double(), self.layouts[which])

    def samples(self) -> Tensor:
        """u ``(N, C, ndim)``."""
        generator = torch.Generator().manual_seed(self.seed + 2)
        size = (1 if self.batch is None else self.batch, self.channels, len(self.kernel))
        return (2 * torch.randint(0, 8, size, generator=generator) + 1).double() / 16


@st.composite
def fractionals(draw: st.DrawFn, ndim: int) -> Fractional:
    """Any fractional pooling over `ndim` axes."""
    most = 4 if ndim == 2 else 2
    return Fractional(
        kernel=draw(numbers_per_axis(ndim, 1, most, False)),
        output=draw(numbers_per_axis(ndim, 1, most, draw(st.booleans()) and ndim == 2)),
        more=draw(numbers_per_axis(ndim, 0, most, False)),
        batch=draw(st.sampled_from((2, 1, None, 0))),
        channels=draw(st.sampled_from((2, 1))),
        fill=draw(st.sampled_from(("ties", "distinct", "small", "negative"))),
        layouts=draw(LAYOUTS_OF_TWO),
        seed=draw(SEEDS),
    )


def smaller(case: Fractional) -> Fractional:
    """One image of few numbers without ties."""
    most = 2 if len(case.kernel) == 2 else 1
    return replace(
        case,
        kernel=tuple(min(k, 2) for k in case.kernel),
        output=tuple(min(p, most + 1) for p in case.output),
        more=tuple(min(m, most - 1) for m in case.more),
        batch=None if case.batch is None else 1,
        channels=1,
        fill="distinct",
        layouts=unshared(case.layouts),
    )


def highest(case: Fractional) -> Question:
    """Values and gradient."""
    x, cotangent, samples = case.tensor(0), case.tensor(1), case.samples()
    layer = getattr(functional, f"fractional_max_pool{len(case.kernel)}d")

    def loops() -> list[Any]:
        values, winner = definitions.fractional_max_pool(x.numpy(), samples.numpy(), case.kernel, case.output)
        back = definitions.adaptive_max_pool_gradient(cotangent.numpy(), winner, case.input_size)
        return [t[0] for t in (values, back)] if case.batch is None else [values, back]

    def apply(x: Tensor) -> Tensor:
        return layer(x, case.kernel, case.output, _random_samples=samples)

    unbatched = case.batch is None
    return Question(apply, (x[0] if unbatched else x,), cotangent[0] if unbatched else cotangent, loops)


OPERATIONS = {f"fractional_max_pool{n}d": Operation(fractionals(n), smaller, highest, seldom=True) for n in (2, 3)}
