"""The three maps of the trilinear form on integers: every local algorithm and the choice between them exactly.

Algorithms of the fast tier are within the bound that each states here.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import log2, prod
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions
from manualconv.geometry import Window
from manualconv.kernels.correlation import direct, overlap_save, spectra, winograd
from manualconv.kernels.correlation import maps as correlation
from manualconv.kernels.correlation.algorithm import Algorithm
from manualconv.kernels.correlation.chooser import ALGORITHMS, cheapest
from manualconv.kernels.correlation.cost import Sizes
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.judge import ROUNDING, error
from tests.kernels.correlation.three_maps import EXACT, at_stride_one, by_loops, maps

#: Each local algorithm, and the choice between them, with its size limits as they are and as small as they go: tensors
#: of a test's size then take every branch that large ones take.
VARIANTS: dict[str, tuple[Algorithm | ModuleType, dict[str, int]]] = {
    **{name: (algorithm, {}) for name, algorithm in EXACT.items()},
    "lowering, one image a block": (EXACT["lowering"], {"BLOCK_BYTES": 1}),
    "chosen": (correlation, {}),
    "chosen, the batch innermost": (correlation, {"MANY_IMAGES": 0}),
    "chosen among long rows": (correlation, {"SHORT_ROW": 0}),
    "chosen among large windows": (correlation, {"LARGEST_BLOCK": 0}),
}


def variants(x: Tensor, outputs: int, window: Window) -> Iterator[tuple[str, Any]]:
    """Each variant that takes the window, in turn, its limits set while it is in use."""
    for name, (algorithm, limits) in VARIANTS.items():
        if algorithm is not correlation and _refuses(algorithm, x, outputs, window):
            continue
        cheapest.cache_clear()  # what was chosen under other limits
        with mock.patch.dict(vars(direct if algorithm is correlation else algorithm), limits):
            yield name, algorithm
    cheapest.cache_clear()


def _refuses(algorithm: Any, x: Tensor, outputs: int, window: Window) -> bool:
    """Whether an algorithm is none for the window: by its own word, or since there are no axes to speak of."""
    sizes = Sizes(x.shape[0], x.shape[1], outputs, x.dtype, window)
    without_axes = [EXACT[name] for name in ("matrix", "lowering_batch_last", "shifting")]
    axes = window.ndim > 0 or algorithm in without_axes
    return not axes or algorithm.refusal(sizes) is not None


def watched(algorithm: Any, x: Tensor, w: Tensor, y: Tensor, window: Window, b: Tensor | None) -> list[Tensor]:
    """The three maps, of which none lies in memory of an operand's or writes to one."""
    operands = [t for t in (x, w, b, y) if t is not None]
    before, held = [t.clone() for t in operands], {t.untyped_storage().data_ptr() for t in operands if t.numel()}
    results = maps(algorithm, x, w, y, window, b)
    assert not any(t._is_view() for t in results)
    assert not any(t.untyped_storage().data_ptr() in held for t in results if t.numel())
    assert all(map(torch.equal, operands, before))
    return list(results)


def bias(case: Convolution, x: Tensor) -> Tensor | None:
    """One of small integers, where the case has one."""
    return torch.arange(case.shapes[1][0], dtype=x.dtype) - 1 if case.biased else None


@pytest.mark.parametrize("ndim", [0, 1, 2, 3])
@given(data=st.data())
def test_every_algorithm_equals_the_loops(ndim: int, data: st.DataObject) -> None:
    case = data.draw(convolutions(ndim, cut=data.draw(st.booleans())))
    x, w, y = case.batched(data.draw(st.sampled_from((torch.float64, torch.float32))))
    b = bias(case, x)
    expected = by_loops(x, w, y, case.window, b)
    for name, algorithm in variants(x, len(w), case.window):
        assert all(map(torch.equal, watched(algorithm, x, w, y, case.window, b), expected)), name


# --------------------------------------------------------------------------------------------------- the fast tier


def transformed(case: Convolution, exact: Tensor, left: Tensor, right: Tensor) -> float:
    """``log2(n)·u·‖left‖·‖right‖``, times the 8 that a transform of each operand and one back may cost."""
    n = prod(i + max(sides) for i, sides in zip(case.window.input_size, case.window.padding))
    return 8 * (1 + log2(n + 1)) * ROUNDING[torch.float64] * float(left.norm()) * float(right.norm())


def in_segments(case: Convolution, exact: Tensor, left: Tensor, right: Tensor) -> float:
    """``8·log2(2n)·u·‖left‖·‖right‖`` of a segment; a position stands in n of them at the most."""
    (batch, channels, *_), (outputs, *_), _ = case.shapes
    n = prod(overlap_save.period(Sizes(batch, channels, outputs, torch.float64, case.window)))
    return 8 * (1 + log2(n)) * n**0.5 * ROUNDING[torch.float64] * float(left.norm()) * float(right.norm())


def filtered(case: Convolution, exact: Tensor, *_: Tensor) -> float:
    """None with two outputs a tile, where all constants are halves; else roundings of sizes and constants."""
    halves = case.window.accuracy == "exact" and max(case.window.kernel_size) <= 3
    return 0.0 if halves else 1e-8 * (1 + float(exact.abs().max()))


def taken(name: str, case: Convolution, tier: str) -> Convolution:
    """The drawn layer as an algorithm of the fast tier takes it: at stride 1, and for filters in one group."""
    kernel, ones = case.window.kernel_size, (1,) * case.window.ndim
    if name == "winograd":
        padding = tuple((min(a, k - 1), min(b, k - 1)) for (a, b), k in zip(case.window.padding, kernel))
        return at_stride_one(case, dilation=ones, groups=1, padding=padding, accuracy=tier)
    if name == "winograd_dilated":
        return at_stride_one(case, kernel_size=tuple(min(k, 3) for k in kernel), groups=1)
    return at_stride_one(case)


BOUNDS: dict[str, Callable[[Convolution, Tensor, Tensor, Tensor], float]] = {
    "fourier": transformed,
    "overlap_save": in_segments,
    "winograd": filtered,
    "winograd_dilated": lambda *_: 0.0,
}


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("name", [name for name, algorithm in ALGORITHMS.items() if algorithm.accuracy == "fast"])
@given(data=st.data())
def test_every_fast_algorithm_is_the_loops_within_its_bound(name: str, ndim: int, data: st.DataObject) -> None:
    """Blocks of all, of some spectra and tiles, or of one; segments of one placement, of a few, or of all."""
    cut = name == "winograd_dilated" and data.draw(st.booleans())
    case = taken(name, data.draw(convolutions(ndim, cut=cut)), data.draw(st.sampled_from(("exact", "fast"))))
    x, w, y = case.batched()
    b, most = bias(case, x), data.draw(st.sampled_from((2**21, 2**10, 1)))
    expected = by_loops(x, w, y, case.window, b)
    overlap_save.period.cache_clear()
    with (
        mock.patch.multiple(spectra, BLOCK_BYTES=most, LEAST_BYTES=most),
        mock.patch.object(winograd, "BLOCK_BYTES", most),
        mock.patch.object(overlap_save, "PERIODS", data.draw(st.sampled_from(((1,), (2,), (16,))))),
    ):
        results = watched(ALGORITHMS[name], x, w, y, case.window, b)
        bounds = [BOUNDS[name](case, *which) for which in zip(expected, (x, w, x), (w, y, y))]
    overlap_save.period.cache_clear()
    for got, exact, bound in zip(results, expected, bounds):
        assert got.shape == exact.shape and got.is_contiguous()
        assert float((got - exact).norm()) <= bound


# --------------------------------------------------------------------------------------------- biases, half precision


def test_a_bias_is_not_written_where_it_is_as_large_as_the_output() -> None:
    """One sample, one placement: spreading the bias over the output copies nothing."""
    window = Window((1, 1), (1, 1), (1, 1), (1, 1), ((0, 0), (0, 0)))
    x, w, b = torch.ones(1, 3, 1, 1), torch.ones(2, 3, 1, 1), torch.tensor([5.0, 7.0])
    for name, algorithm in variants(x, len(w), window):
        assert algorithm.to_output(x, w, b, window).flatten().tolist() == [8, 10], name
        assert b.tolist() == [5, 7], name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@given(case=convolutions(2))
def test_half_precision_is_rounded_once(dtype: torch.dtype, case: Convolution) -> None:
    x, w, y = (t + torch.rand(t.shape, generator=torch.Generator().manual_seed(case.seed)) for t in case.batched())
    x, w, y = x.to(dtype), w.to(dtype), y.to(dtype)
    window = case.window
    each = (
        (partial(correlation.to_output, b=None), (x, w), case.channels * definitions.taps(window)),
        (correlation.to_input, (w, y), case.outputs * definitions.taps(window)),
        (correlation.to_weight, (x, y), y[:, :1].numel()),
    )
    for apply, operands, terms in each:
        exact = apply(*(t.double() for t in operands), window=window)
        scale = apply(*(t.double().abs() for t in operands), window=window)
        got = apply(*operands, window=window)
        assert got.dtype == dtype
        assert error(got, exact, scale) <= 1 + (terms + 2) * ROUNDING[torch.float32] / ROUNDING[dtype]
