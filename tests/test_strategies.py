"""What the strategies draw: often enough of everything that has ever hidden a wrong layer."""

from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manualconv.testing.cases import (
    Convolution,
    TransposedConvolution,
    adaptive_poolings,
    convolutions,
    fractional_poolings,
    normalizations,
    poolings,
    transposed_convolutions,
)
from manualconv.testing.cases.averaging import averages
from manualconv.testing.cases.normalization import KINDS
from manualconv.testing.cases.tensors import FILLS, LAYOUTS, filled, laid_out

#: At least this part of all draws.
CONVOLUTION_QUOTAS = {
    "all parameters differ between axes": 0.30,
    "stride remainder": 0.20,
    "dilation > 1": 0.20,
    "groups > 1": 0.20,
    "depthwise": 0.05,
    "kernel < stride": 0.10,
    "kernel > stride": 0.10,
    "non-contiguous x": 0.20,
    "non-contiguous w": 0.20,
    "non-contiguous cotangent": 0.20,
    "channels_last": 0.10,
    "no samples": 0.02,
    "unbatched": 0.10,
    "one input channel": 0.05,
    "no bias": 0.20,
    "one-sided padding": 0.25,
}
TRANSPOSED_QUOTAS = {
    **{name: part for name, part in CONVOLUTION_QUOTAS.items() if "remainder" not in name and "one-sided" not in name},
    "output padding": 0.30,
    "output padding from the stride on": 0.05,
    "cut beyond the right padding": 0.10,
    "symmetric padding": 0.20,
}
POOLING_QUOTAS = {
    "all parameters differ between axes": 0.30,
    "stride remainder": 0.20,
    "kernel < stride": 0.10,
    "overlapping windows": 0.20,
    "padded": 0.20,
    "ceil_mode with a remainder": 0.10,
    "ties": 0.50,
    "non-contiguous x": 0.20,
    "no samples": 0.02,
    "unbatched": 0.10,
}
MEMORY_QUOTAS = {
    "non-contiguous x": 0.20,
    "non-contiguous cotangent": 0.20,
    "channels_last": 0.10,
    "no samples": 0.02,
    "one channel": 0.05,
}
AVERAGE_QUOTAS = {
    **POOLING_QUOTAS,
    **MEMORY_QUOTAS,
    "padding left out of the count": 0.10,
    "a divisor of its own": 0.20,
}
ADAPTIVE_QUOTAS = {
    **MEMORY_QUOTAS,
    "all parameters differ between axes": 0.30,
    "overlapping intervals": 0.05,
    "an even division": 0.20,
    "global": 0.05,
    "the input's own size": 0.05,
    "more intervals than positions": 0.10,
    "ties": 0.50,
    "unbatched": 0.10,
}
FRACTIONAL_QUOTAS = {
    **MEMORY_QUOTAS,
    "a sample moves a window": 0.30,
    "all parameters differ between axes": 0.20,
}
NORMALIZATION_QUOTAS = {
    **MEMORY_QUOTAS,
    "no γ": 0.20,
    "no β": 0.20,
    "one sample": 0.05,
    "all sizes differ": 0.20,
    **{f"{kind} norm": 0.10 for kind in KINDS},
}


DRAWS = settings(
    max_examples=1000, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


def shares(strategy) -> dict[str, float]:
    """How often each fact holds among the draws of a strategy."""
    facts: Counter[str] = Counter()
    drawn = 0

    @DRAWS
    @given(strategy)
    def draw(case: Any) -> None:
        nonlocal drawn
        drawn += 1
        facts.update(case.facts())

    draw()
    return {fact: count / drawn for fact, count in facts.items()}


QUOTAS: dict[str, tuple[st.SearchStrategy[Any], dict[str, float]]] = {
    **{f"convolutions, {n} axes": (convolutions(n), CONVOLUTION_QUOTAS) for n in (1, 2, 3)},
    **{f"transposed convolutions, {n} axes": (transposed_convolutions(n), TRANSPOSED_QUOTAS) for n in (1, 2, 3)},
    # Those without dilation are average pooling's.
    "poolings": (poolings(dilated=True), {**POOLING_QUOTAS, "dilation > 1": 0.20}),
    "average poolings": (averages(2, 3), AVERAGE_QUOTAS),
    "adaptive poolings": (st.sampled_from((2, 3)).flatmap(adaptive_poolings), ADAPTIVE_QUOTAS),
    **{f"fractional poolings, {n} axes": (fractional_poolings(n), FRACTIONAL_QUOTAS) for n in (2, 3)},
    "normalizations": (normalizations(), NORMALIZATION_QUOTAS),
}


@pytest.mark.parametrize("kind", QUOTAS)
def test_every_quota_is_met(kind: str) -> None:
    strategy, quotas = QUOTAS[kind]
    found = shares(strategy)
    assert {fact for fact, least in quotas.items() if found.get(fact, 0) < least} == set()


@given(case=transposed_convolutions(2))
def test_a_transposed_convolution_has_a_size_on_every_axis_and_torch_s_output_padding(
    case: TransposedConvolution,
) -> None:
    window = case.of.window
    assert min(window.input_size) >= 1
    assert window.padding == tuple((a, b - m) for (a, b), m in zip(case.padding, case.output_padding))
    assert all(m < max(s, d) for m, s, d in zip(case.output_padding, window.stride, window.dilation))


@given(case=convolutions(2))
def test_a_description_always_gives_the_same_tensors(case: Convolution) -> None:
    for one, other, shape in zip(case.batched(), case.batched(), case.shapes):
        assert one.shape == shape
        assert torch.equal(one, other)
        assert torch.equal(one, one.round())
        assert one.stride() == other.stride()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_moves_numbers_in_memory_only(layout: str) -> None:
    t = torch.arange(120).reshape(2, 3, 4, 5)
    moved = laid_out(t, layout)
    assert torch.equal(moved, t[:1].expand_as(t) if layout == "expanded" else t)
    assert moved.is_contiguous() == (layout == "contiguous")
    assert moved.is_contiguous(memory_format=torch.channels_last) == (layout == "channels_last")


@pytest.mark.parametrize("fill", FILLS)
def test_a_fill_is_small_integers_and_not_all_zero(fill: str) -> None:
    numbers = filled(fill, (4, 5, 6), torch.Generator().manual_seed(0))
    assert numbers.dtype == torch.int64
    assert 0 < numbers.abs().max() <= 8
