"""Poolings."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv.geometry import Window
from manualconv.testing.cases.images import Images, images
from manualconv.testing.cases.windows import noted, windows


@dataclass(frozen=True)
class Pooling(Images):
    """One drawn pooling layer with an input; the cotangent is made when the output's size is known."""

    window: Window  # with the padding asked for, before ceil_mode
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: int | None

    def input(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """x ``(N, C, *I)``."""
        return self.of_size(self.window.input_size, 0, dtype)

    def cotangent(self, output_size: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 1) -> Tensor:
        """y ``(N, C, *P)``."""
        return self.of_size(output_size, 1, dtype, seed)

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
        window = self.window
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
            **self.in_memory(self.input(), self.cotangent(window.output_size)),
        }
        return {name for name, holds in held.items() if holds}


@st.composite
def poolings(draw: st.DrawFn, ndim: int = 2, *, dilated: bool) -> Pooling:
    """Any pooling over `ndim` axes, dilated or not (average pooling has no dilation)."""
    case = Pooling(
        window=draw(windows(ndim, dilated=dilated, symmetric=True, half_padding=True)),
        ceil_mode=draw(st.booleans()),
        count_include_pad=draw(st.booleans()),
        divisor_override=draw(st.sampled_from((None, None, 2, 9, -4))),
        **images(draw),
    )
    return noted(case)
