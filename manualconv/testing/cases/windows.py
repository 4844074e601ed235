"""Windows, and what every drawn layer draws."""

from __future__ import annotations

from functools import cache
from itertools import permutations, product
from typing import Protocol, TypeVar

from hypothesis import event
from hypothesis import strategies as st

from manualconv.geometry import Window
from manualconv.testing.cases.tensors import FILLS, LAYOUTS

BATCHES = (2, 1, 3, 2, 1, 3, 2, 1, 3, None, None, 0)  # None: unbatched

FILLS_OF_THREE = st.sampled_from(list(product(FILLS, FILLS, FILLS)))
LAYOUTS_OF_TWO = st.sampled_from(list(product(LAYOUTS, LAYOUTS)))
LAYOUTS_OF_THREE = st.sampled_from(list(product(LAYOUTS, LAYOUTS, LAYOUTS)))
SEEDS = st.integers(0, 999)


class Drawn(Protocol):
    """A drawn layer."""

    def facts(self) -> set[str]:
        """What it exercises."""


Case = TypeVar("Case", bound=Drawn)


def noted(case: Case) -> Case:
    """The case, its facts reported to Hypothesis (``--hypothesis-show-statistics``)."""
    for fact in sorted(case.facts()):
        event(fact)
    return case


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
        # How far it is from the other side: of two draws from one strategy Hypothesis often makes the second the first.
        more = draw(numbers_per_axis(ndim, 0, 2 - least, False))
        after = tuple(least + (a - least + m) % (3 - least) for a, m in zip(before, more))
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
