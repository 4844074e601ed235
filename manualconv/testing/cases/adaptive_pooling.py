"""Adaptive poolings: axes divided into a given number of intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv.testing.cases.tensors import FILLS, filled, laid_out
from manualconv.testing.cases.windows import BATCHES, LAYOUTS_OF_TWO, SEEDS, noted, numbers_per_axis


@dataclass(frozen=True)
class AdaptivePooling:
    """One drawn adaptive pooling with an input and a cotangent."""

    input_size: tuple[int, ...]
    output_size: tuple[int, ...]
    batch: int | None
    channels: int
    fill: str
    layouts: tuple[str, str]
    seed: int

    @property
    def ndim(self) -> int:
        """Number of pooled axes."""
        return len(self.input_size)

    def _tensor(self, size: tuple[int, ...], fill: str, which: int, dtype: torch.dtype) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + which)
        size = (1 if self.batch is None else self.batch, self.channels, *size)
        return laid_out(filled(fill, size, generator).to(dtype), self.layouts[which])

    def input(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """x ``(N, C, *I)``."""
        return self._tensor(self.input_size, self.fill, 0, dtype)

    def cotangent(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """y ``(N, C, *P)``."""
        return self._tensor(self.output_size, "small", 1, dtype)

    def unbatch(self, t: Tensor) -> Tensor:
        """t without its batch axis if the layer is unbatched."""
        return t[0] if self.batch is None else t

    def facts(self) -> set[str]:
        """What this draw exercises."""
        sizes, x = list(zip(self.input_size, self.output_size)), self.input()
        held = {
            "all parameters differ between axes": len(set(self.output_size)) == self.ndim,
            "overlapping intervals": any(i % p and p < i for i, p in sizes),
            "an even division": all(i % p == 0 for i, p in sizes),
            "global": all(p == 1 for p in self.output_size),
            "the input's own size": self.input_size == self.output_size,
            "more intervals than positions": any(p > i for i, p in sizes),
            "ties": prod(x.shape) > len(x.unique()),
            "non-contiguous x": not x.is_contiguous(),
            "non-contiguous cotangent": not self.cotangent().is_contiguous(),
            "channels_last": "channels_last" in self.layouts,
            "one channel": self.channels == 1,
            "no samples": self.batch == 0,
            "unbatched": self.batch is None,
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
        batch=draw(st.sampled_from(BATCHES)),
        channels=draw(st.sampled_from((2, 1, 3) if ndim < 3 else (2, 1))),
        fill=draw(st.sampled_from(FILLS)),
        layouts=draw(LAYOUTS_OF_TWO),
        seed=draw(SEEDS),
    )
    return noted(case)
