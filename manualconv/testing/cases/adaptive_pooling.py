"""Adaptive poolings: axes divided into a given number of intervals."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv.testing.cases.images import Images, images
from manualconv.testing.cases.windows import noted, numbers_per_axis


@dataclass(frozen=True)
class AdaptivePooling(Images):
    """One drawn adaptive pooling with an input and a cotangent."""

    input_size: tuple[int, ...]
    output_size: tuple[int, ...]

    @property
    def ndim(self) -> int:
        """Number of pooled axes."""
        return len(self.input_size)

    @property
    def said(self) -> tuple[int | None, ...]:
        """The output's size as it is asked for: None may stand for the input's own, beside another axis."""
        sizes = zip(self.input_size, self.output_size)
        return tuple(None if p == i and self.ndim > 1 and self.seed % 2 else p for i, p in sizes)

    def input(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """x ``(N, C, *I)``."""
        return self.of_size(self.input_size, 0, dtype)

    def cotangent(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """y ``(N, C, *P)``."""
        return self.of_size(self.output_size, 1, dtype)

    def facts(self) -> set[str]:
        """What this draw exercises."""
        sizes = list(zip(self.input_size, self.output_size))
        held = {
            "all parameters differ between axes": len(set(self.output_size)) == self.ndim,
            "overlapping intervals": any(i % p and p < i for i, p in sizes),
            "an even division": all(i % p == 0 for i, p in sizes),
            "global": all(p == 1 for p in self.output_size),
            "the input's own size": self.input_size == self.output_size,
            "more intervals than positions": any(p > i for i, p in sizes),
            **self.in_memory(self.input(), self.cotangent()),
        }
        return {name for name, holds in held.items() if holds}


@st.composite
def adaptive_poolings(draw: st.DrawFn, ndim: int) -> AdaptivePooling:
    """Any adaptive pooling over `ndim` axes; at times global, evenly divided or of the input's own size."""
    most = 4 if ndim == 3 else 6
    input_size = draw(numbers_per_axis(ndim, 1, most, draw(st.booleans())))
    output_size = draw(numbers_per_axis(ndim, 1, most + 1, draw(st.booleans())))
    kind = draw(st.sampled_from(("any", "any", "any", "any", "global", "even", "same")))
    if kind == "even":
        output_size = tuple(min(p, 2 if ndim == 3 else 3) for p in output_size)
        input_size = tuple(min(i, 3) * p for i, p in zip(input_size, output_size))
    case = AdaptivePooling(
        input_size=input_size,
        output_size={"global": (1,) * ndim, "same": input_size}.get(kind, output_size),
        **images(draw, (2, 1, 3) if ndim < 3 else (2, 1)),
    )
    return noted(case)


@dataclass(frozen=True)
class FractionalPooling(AdaptivePooling):
    """One drawn fractional pooling: windows of one size, placed by samples."""

    kernel: tuple[int, ...]

    @staticmethod
    def fitting(kernel: tuple[int, ...], output: tuple[int, ...], more: tuple[int, ...]) -> tuple[int, ...]:
        """``I = K + P − 1 + more``; in three dimensions torch wants one position to spare."""
        return tuple(k + p - 1 + m + int(len(kernel) == 3) for k, p, m in zip(kernel, output, more))

    @property
    def more(self) -> tuple[int, ...]:
        """How much longer the input is than its windows need."""
        least = self.fitting(self.kernel, self.output_size, (0,) * self.ndim)
        return tuple(i - n for i, n in zip(self.input_size, least))

    def samples(self) -> Tensor:
        """u ``(N, C, ndim)``."""
        generator = torch.Generator().manual_seed(self.seed + 2)
        size = (1 if self.batch is None else self.batch, self.channels, self.ndim)
        return (2 * torch.randint(0, 8, size, generator=generator) + 1).double() / 16

    def facts(self) -> set[str]:
        """What this draw exercises: the first window and the last stand fast, so a sample moves a third one."""
        sizes = zip(self.input_size, self.kernel, self.output_size)
        moves = any(p > 2 and (i - k) % (p - 1) for i, k, p in sizes)
        return super().facts() | ({"a sample moves a window"} if moves else set())


@st.composite
def fractional_poolings(draw: st.DrawFn, ndim: int) -> FractionalPooling:
    """Any fractional pooling over `ndim` axes."""
    most = 4 if ndim == 2 else 2
    kernel = draw(numbers_per_axis(ndim, 1, most, False))
    output = draw(numbers_per_axis(ndim, 1, max(most, 3), draw(st.booleans())))
    more = draw(numbers_per_axis(ndim, 0, most, False))
    case = FractionalPooling(
        kernel=kernel,
        input_size=FractionalPooling.fitting(kernel, output, more),
        output_size=output,
        **images(draw, (2, 1)),
    )
    return noted(case)
