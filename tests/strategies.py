"""Hypothesis strategies that read like nouns: windows, convolutions, transposed convolutions, poolings, paddings.

A drawn layer is a *description*: numbers, a seed, how its tensors are filled and how they lie in memory.  Its tensors
are made from that, so that a failure shrinks to small numbers and prints as one line.  Every parameter is drawn for
each axis alone: equal numbers on two axes hide a mix-up of the axes.  The output size and the stride's remainder are
drawn and the input size computed, so that no draw is thrown away and positions that no window reaches are frequent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations, product
from math import prod
from typing import Any

import torch
from hypothesis import event
from hypothesis import strategies as st
from torch import Tensor

from manualconv.geometry import Window, window_of_output
from tests.tensors import FILLS, LAYOUTS, filled, laid_out

BATCHES = (2, 1, 3, 2, 1, 3, 2, 1, 3, None, None, 0)  # None: unbatched

FILLS_OF_THREE = st.sampled_from(list(product(FILLS, repeat=3)))
LAYOUTS_OF_TWO = st.sampled_from(list(product(LAYOUTS, repeat=2)))
LAYOUTS_OF_THREE = st.sampled_from(list(product(LAYOUTS, repeat=3)))
SEEDS = st.integers(0, 999)


def noted(case: Any) -> Any:
    """The case, its facts reported to Hypothesis (``--hypothesis-show-statistics``)."""
    for fact in sorted(case.facts()):
        event(fact)
    return case


# ---------------------------------------------------------------------------------------------------- geometry


@cache
def numbers_per_axis(ndim: int, low: int, high: int, distinct: bool) -> st.SearchStrategy[tuple[int, ...]]:
    """One number per axis, all different if asked: a single choice, and one strategy object for all draws, are fast."""
    numbers = range(low, high + 1)
    return st.sampled_from(list(permutations(numbers, ndim) if distinct else product(numbers, repeat=ndim)))


@st.composite
def windows(
    draw: st.DrawFn,
    ndim: int,
    *,
    dilated: bool = True,
    symmetric: bool | None = None,
    half_padding: bool = False,
    cut: bool = False,
) -> Window:
    """A window on any input it fits.

    Args:
        draw: Hypothesis's.
        ndim: spatial axes.
        dilated: dilations other than 1.
        symmetric: the same padding on both sides; drawn if None.
        half_padding: padding at most half the kernel, as pooling demands, and no window on padding alone.
        cut: negative padding too.
    """
    distinct = draw(st.booleans())
    kernel = draw(numbers_per_axis(ndim, 1, 3 if ndim == 3 else 4, distinct))
    stride = draw(numbers_per_axis(ndim, 1, 3, distinct))
    dilation = draw(numbers_per_axis(ndim, 1, 3, distinct)) if dilated else (1,) * ndim
    output = draw(numbers_per_axis(ndim, 1, 2 if ndim == 3 else 4, False))
    least = -2 if cut else 0
    before = after = draw(numbers_per_axis(ndim, least, 2, distinct))
    if symmetric is False or (symmetric is None and draw(st.booleans())):
        after = draw(numbers_per_axis(ndim, least, 2, distinct))
    remainder = draw(numbers_per_axis(ndim, 0, 5, False))
    size, padding = [], []
    for k, s, d, p, a, b, r in zip(kernel, stride, dilation, output, before, after, remainder):
        extent = d * (k - 1) + 1
        if half_padding:
            a, b = min(a, k // 2), min(b, k // 2)
        # Where the padding alone would hold the placements, the smallest input makes room for more of them.
        smallest = d if half_padding else 1
        size.append(max(smallest, s * (p - 1) + extent + r % s - a - b))
        padding.append((a, b))
    return Window(tuple(size), kernel, stride, dilation, tuple(padding))


# ------------------------------------------------------------------------------------------------- convolutions


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


@st.composite
def transposed_convolutions(draw: st.DrawFn, ndim: int, *, symmetric: bool | None = None) -> TransposedConvolution:
    """Any transposed convolution over `ndim` axes whose output has a position on each."""
    case = draw(convolutions(ndim, symmetric=symmetric))
    window, more, padding = case.window, [], []
    drawn = draw(numbers_per_axis(ndim, 0, 5, False))
    for p, e, s, d, (a, b), m in zip(
        window.output_size, window.extent, window.stride, window.dilation, window.padding, drawn
    ):
        m %= max(s, d)
        most = s * (p - 1) + e + m - 1
        a, b = (min(a, most // 2),) * 2 if a == b else (min(a, most), min(b, most - min(a, most)))
        more.append(m)
        padding.append((a, b))
    sizes = (window.output_size, window.kernel_size, window.stride, window.dilation)
    window = window_of_output(*sizes, tuple(padding), window.groups, tuple(more))
    return noted(TransposedConvolution(replace(case, window=window), tuple(padding), tuple(more)))


# ----------------------------------------------------------------------------------------------------- poolings


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
            "ceil_mode with a remainder": self.ceil_mode and any(window.leftover),
            "ties": prod(x.shape) > len(x.unique()),
            "non-contiguous x": not x.is_contiguous(),
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


# ----------------------------------------------------------------------------------------------------- paddings


@dataclass(frozen=True)
class Padding:
    """One drawn padding with an input."""

    mode: str
    input_size: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    batch: int | None
    channels: int
    fill: str
    layouts: tuple[str, str]
    seed: int

    @property
    def frame(self) -> tuple[int, ...]:
        """The padding as torch takes it, last axis first."""
        return tuple(side for pair in reversed(self.padding) for side in pair)

    @property
    def output_size(self) -> tuple[int, ...]:
        """``P = I + a + b``."""
        return tuple(i + a + b for i, (a, b) in zip(self.input_size, self.padding))

    def _tensor(self, size: tuple[int, ...], which: int, dtype: torch.dtype) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + which)
        size = (1 if self.batch is None else self.batch, self.channels, *size)
        return laid_out(filled(self.fill, size, generator).to(dtype), self.layouts[which])

    def input(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """x ``(N, C, *I)``."""
        return self._tensor(self.input_size, 0, dtype)

    def cotangent(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """y ``(N, C, *P)``."""
        return self._tensor(self.output_size, 1, dtype)

    def unbatch(self, t: Tensor) -> Tensor:
        """t without its batch axis if the layer is unbatched."""
        return t[0] if self.batch is None else t

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
            "non-contiguous x": not self.input().is_contiguous(),
            "no samples": self.batch == 0,
            "unbatched": self.batch is None,
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
        batch=draw(st.sampled_from(BATCHES)),
        channels=draw(st.sampled_from((2, 1, 3) if ndim < 3 else (2, 1))),
        fill=draw(st.sampled_from(FILLS)),
        layouts=draw(LAYOUTS_OF_TWO),
        seed=draw(SEEDS),
    )
    return noted(case)
