"""Poolings."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv.geometry import Window
from manualconv.testing.cases.tensors import FILLS, filled, laid_out
from manualconv.testing.cases.windows import BATCHES, LAYOUTS_OF_TWO, SEEDS, noted, windows


@dataclass(frozen=True)
class Pooling:
    """One drawn pooling layer with an input; the cotangent is made when the output's size is known."""

    window: Window  # with the padding asked for, before ceil_mode
    batch: int | None
    channels: int
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: int | None
    fill: str
    layouts: tuple[str, str]
    seed: int

    def _batch(self) -> int:
        return 1 if self.batch is None else self.batch

    def input(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """x ``(N, C, *I)``."""
        generator = torch.Generator().manual_seed(self.seed)
        size = (self._batch(), self.channels, *self.window.input_size)
        return laid_out(filled(self.fill, size, generator).to(dtype), self.layouts[0])

    def cotangent(self, output_size: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 1) -> Tensor:
        """y ``(N, C, *P)``."""
        generator = torch.Generator().manual_seed(self.seed + seed)
        size = (self._batch(), self.channels, *output_size)
        return laid_out(filled("small", size, generator).to(dtype), self.layouts[1])

    def unbatch(self, t: Tensor) -> Tensor:
        """t without its batch axis if the layer is unbatched."""
        return t[0] if self.batch is None else t

    @property
    def sizes(self) -> dict[str, tuple[int, ...]]:
        """The arguments every pooling layer has."""
        return {
            "kernel_size": self.window.kernel_size,
            "stride": self.window.stride,
            "padding": tuple(a for a, _ in self.window.padding),
        }

    def facts(self) -> set[str]:
        """What this draw exercises."""
        window, x = self.window, self.input()
        axes = list(zip(window.kernel_size, window.stride))
        per_axis = (window.kernel_size, window.stride)
        held = {
            "all parameters differ between axes": all(len(set(p)) == window.ndim for p in per_axis),
            "stride remainder": any(window.leftover),
            "dilation > 1": any(d > 1 for d, k in zip(window.dilation, window.kernel_size) if k > 1),
            "kernel < stride": any(k < s for k, s in axes),
            "overlapping windows": any(k > s for k, s in axes),
            "padded": any(a for a, _ in window.padding),
            "padding left out of the count": not self.count_include_pad and any(a for a, _ in window.padding),
            "a divisor of its own": self.divisor_override is not None,
            "ceil_mode with a remainder": self.ceil_mode and any(window.leftover),
            "ties": prod(x.shape) > len(x.unique()),
            "non-contiguous x": not x.is_contiguous(),
            "non-contiguous cotangent": not self.cotangent(window.output_size).is_contiguous(),
            "channels_last": "channels_last" in self.layouts,
            "one channel": self.channels == 1,
            "no samples": self.batch == 0,
            "unbatched": self.batch is None,
        }
        return {name for name, holds in held.items() if holds}


@st.composite
def poolings(draw: st.DrawFn, ndim: int = 2, *, dilated: bool) -> Pooling:
    """Any pooling over `ndim` axes, dilated or not (average pooling has no dilation)."""
    case = Pooling(
        window=draw(windows(ndim, dilated=dilated, symmetric=True, half_padding=True)),
        batch=draw(st.sampled_from(BATCHES)),
        channels=draw(st.sampled_from((2, 1, 3))),
        ceil_mode=draw(st.booleans()),
        count_include_pad=draw(st.booleans()),
        divisor_override=draw(st.sampled_from((None, None, 2, 9, -4))),
        fill=draw(st.sampled_from(FILLS)),
        layouts=draw(LAYOUTS_OF_TWO),
        seed=draw(SEEDS),
    )
    return noted(case)
