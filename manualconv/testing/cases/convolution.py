"""Convolutions and transposed convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv.geometry import Window, window_of_output
from manualconv.geometry.integers import Axes, Pair
from manualconv.testing.cases.tensors import filled, laid_out
from manualconv.testing.cases.windows import (
    BATCHES,
    FILLS_OF_THREE,
    LAYOUTS_OF_THREE,
    SEEDS,
    noted,
    numbers_per_axis,
    windows,
)


@dataclass(frozen=True)
class Convolution:
    """One drawn convolution layer with an input and a cotangent of its output."""

    window: Window
    batch: int | None
    channels: int  # C/g
    outputs: int  # O/g
    biased: bool
    fills: tuple[str, str, str]
    layouts: tuple[str, str, str]
    seed: int

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``, with a batch of 1 where there is none."""
        n, g = 1 if self.batch is None else self.batch, self.window.groups
        return (
            (n, g * self.channels, *self.window.input_size),
            (g * self.outputs, self.channels, *self.window.kernel_size),
            (n, g * self.outputs, *self.window.output_size),
        )

    def batched(self, dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """x, w and the cotangent y; another `seed` gives others of the same kind."""
        generator = torch.Generator().manual_seed(self.seed + seed)
        x, w, y = (
            laid_out(filled(fill, shape, generator).to(dtype), layout)
            for shape, fill, layout in zip(self.shapes, self.fills, self.layouts)
        )
        return x, w, y

    def tensors(
        self, dtype: torch.dtype = torch.float64, seed: int = 0
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """x, w, b, y as the layer takes them: without a batch axis if it is unbatched, b None if there is none."""
        x, w, y = self.batched(dtype, seed)
        b = torch.arange(1, len(w) + 1, dtype=dtype) - 2 if self.biased else None
        return (x[0], w, b, y[0]) if self.batch is None else (x, w, b, y)

    def facts(self) -> set[str]:
        """What this draw exercises, in the words of the quotas."""
        window = self.window
        per_axis = (window.kernel_size, window.stride, window.dilation, window.padding)
        axes = list(zip(window.kernel_size, window.stride))
        x, w, y = self.batched()
        held = {
            "all parameters differ between axes": all(len(set(p)) == window.ndim for p in per_axis),
            "stride remainder": any(window.leftover),
            "dilation > 1": any(d > 1 for d, k in zip(window.dilation, window.kernel_size) if k > 1),
            "groups > 1": window.groups > 1,
            "depthwise": window.groups > 1 and self.channels == 1,
            "kernel < stride": any(k < s for k, s in axes),
            "kernel > stride": any(k > s for k, s in axes),
            "non-contiguous x": not x.is_contiguous(),
            "non-contiguous w": not w.is_contiguous(),
            "non-contiguous cotangent": not y.is_contiguous(),
            "channels_last": "channels_last" in self.layouts,
            "no samples": self.batch == 0,
            "unbatched": self.batch is None,
            "one input channel": self.channels * window.groups == 1,
            "no bias": not self.biased,
            "one-sided padding": any(a != b for a, b in window.padding),
        }
        return {name for name, holds in held.items() if holds}


@st.composite
def convolutions(
    draw: st.DrawFn,
    ndim: int,
    *,
    symmetric: bool | None = None,
    groups: tuple[int, ...] = (1, 2, 3),
    cut: bool = False,
) -> Convolution:
    """Any convolution over `ndim` axes; zero axes is the fully connected layer (if it has one group)."""
    case = Convolution(
        window=replace(draw(windows(ndim, symmetric=symmetric, cut=cut)), groups=draw(st.sampled_from(groups))),
        batch=draw(st.sampled_from(BATCHES)),
        channels=draw(st.sampled_from((2, 1, 3) if ndim < 3 else (2, 1))),
        outputs=draw(st.sampled_from((2, 1, 3) if ndim < 3 else (2, 1))),
        biased=draw(st.booleans()),
        fills=draw(FILLS_OF_THREE),
        layouts=draw(LAYOUTS_OF_THREE),
        seed=draw(SEEDS),
    )
    return noted(case)


@dataclass(frozen=True)
class TransposedConvolution:
    """One drawn transposed convolution: the convolution it is the adjoint of, and its own way to say the sizes."""

    of: Convolution  # its window's right padding is smaller by output_padding
    padding: tuple[tuple[int, int], ...]
    output_padding: tuple[int, ...]

    def tensors(
        self, dtype: torch.dtype = torch.float64, seed: int = 0
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """Input ``(N, O, *P)``, weight ``(O, C/g, *K)``, bias ``(C,)``, cotangent ``(N, C, *I)``: the layer's."""
        x, w, y = self.of.batched(dtype, seed)
        b = torch.arange(1, x.shape[1] + 1, dtype=dtype) - 2 if self.of.biased else None
        return (y[0], w, b, x[0]) if self.of.batch is None else (y, w, b, x)

    def facts(self) -> set[str]:
        """What this draw exercises."""
        window = self.of.window
        held = {
            "output padding": any(self.output_padding),
            "output padding from the stride on": any(m >= s for m, s in zip(self.output_padding, window.stride)),
            "cut beyond the right padding": window.is_cut,
            "symmetric padding": all(a == b for a, b in self.padding),
        }
        return self.of.facts() - {"stride remainder", "one-sided padding"} | {n for n, holds in held.items() if holds}


def transposed(
    case: Convolution, sizes: tuple[Axes, Axes, Axes, Axes], padding: Sequence[Pair], more: Axes
) -> TransposedConvolution:
    """One of a convolution's operands and sizes P, K, s, d, with as much padding as leaves a position on each axis."""
    kept, added = [], []
    for p, k, s, d, (a, b), m in zip(*sizes, padding, more):
        m %= max(s, d)
        most = s * (p - 1) + d * (k - 1) + m
        a, b = (min(a, most // 2),) * 2 if a == b else (min(a, most), min(b, most - min(a, most)))
        added.append(m)
        kept.append((a, b))
    window = window_of_output(*sizes, tuple(kept), case.window.groups, tuple(added))
    return TransposedConvolution(replace(case, window=window), tuple(kept), tuple(added))


@st.composite
def transposed_convolutions(draw: st.DrawFn, ndim: int, *, symmetric: bool | None = None) -> TransposedConvolution:
    """Any transposed convolution over `ndim` axes whose output has a position on each."""
    case = draw(convolutions(ndim, symmetric=symmetric))
    window, more = case.window, draw(numbers_per_axis(ndim, 0, 5, False))
    sizes = (window.output_size, window.kernel_size, window.stride, window.dilation)
    return noted(transposed(case, sizes, window.padding, more))
