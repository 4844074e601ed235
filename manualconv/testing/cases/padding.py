"""Paddings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv.testing.cases.images import Images, images
from manualconv.testing.cases.windows import noted, numbers_per_axis


@dataclass(frozen=True)
class Padding(Images):
    """One drawn padding with an input."""

    mode: str
    input_size: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    @property
    def frame(self) -> tuple[int, ...]:
        """The padding as torch takes it, last axis first."""
        return tuple(side for pair in reversed(self.padding) for side in pair)

    @property
    def output_size(self) -> tuple[int, ...]:
        """``P = I + a + b``."""
        return tuple(i + a + b for i, (a, b) in zip(self.input_size, self.padding))

    def input(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """x ``(N, C, *I)``."""
        return self.of_size(self.input_size, 0, dtype)

    def cotangent(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """y ``(N, C, *P)``."""
        return self.of_size(self.output_size, 1, dtype)

    def facts(self) -> set[str]:
        """What this draw exercises."""
        sides = [side for pair in self.padding for side in pair]
        held = {
            self.mode: True,
            "all sides differ": len(set(sides)) == len(sides),
            "a side cut off": any(side < 0 for side in sides),
            "both signs on one axis": any(a * b < 0 for a, b in self.padding),
            "as wide as the input": any(max(pair) >= i for i, pair in zip(self.input_size, self.padding)),
            "nothing left": 0 in self.output_size,
            **self.in_memory(self.input(), self.cotangent()),
        }
        return {name for name, holds in held.items() if holds}


@cache
def _sides(mode: str, size: int) -> list[tuple[int, int]]:
    """Every ``(a, b)`` up to 4 that an axis of `size` can be padded by; the mode constant may leave nothing of it."""
    allowed = []
    for a, b in product(range(-3, 5), repeat=2):
        kept = size + min(a, 0) + min(b, 0)
        farthest = {"reflect": size - 1, "circular": kept}.get(mode, 4)
        if kept >= 0 and size + a + b >= (0 if mode == "constant" else 1) and max(a, b) <= farthest:
            allowed.append((a, b))
    return allowed


@st.composite
def paddings(draw: st.DrawFn, ndim: int, *, modes: tuple[str, ...]) -> Padding:
    """Any padding of `ndim` axes."""
    mode = draw(st.sampled_from(modes))
    size = draw(numbers_per_axis(ndim, 1, 3 if ndim == 3 else 5, False))
    case = Padding(
        mode=mode,
        input_size=size,
        padding=tuple(draw(st.sampled_from(_sides(mode, i))) for i in size),
        **images(draw, (2, 1, 3) if ndim < 3 else (2, 1)),
    )
    return noted(case)
