"""Average poolings: in one, two and three dimensions, none of which torch refuses."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from manualconv.testing.cases.pooling import Pooling, poolings

#: Every count of a drawn window and every drawn divisor divides this, so that means of its multiples are exact.
DIVISIBLE = 432


def as_torch_takes_it(case: Pooling) -> Pooling:
    """In one dimension no divisor of one's own, in three an input as long as the kernel even without its padding."""
    window = case.window
    if window.ndim == 1:
        return replace(case, divisor_override=None)
    if window.ndim == 3:
        sizes = tuple(max(i, k) for i, k in zip(window.input_size, window.kernel_size))
        return replace(case, window=replace(window, input_size=sizes))
    return case


def averages(*ndims: int) -> st.SearchStrategy[Pooling]:
    """Any average pooling over so many axes."""
    return st.sampled_from(ndims).flatmap(lambda ndim: poolings(ndim, dilated=False)).map(as_torch_takes_it)


def options(case: Pooling) -> dict[str, object]:
    """The keyword arguments of the function and of the module."""
    found = {name: getattr(case, name) for name in ("ceil_mode", "count_include_pad", "divisor_override")}
    if case.window.ndim == 1:
        del found["divisor_override"]
    return {**case.sizes, **found}
