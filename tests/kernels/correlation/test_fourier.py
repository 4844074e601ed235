"""Correlation by the Fourier transform: the loops within a few roundings of the norms, and chosen for long kernels."""

from math import log2, prod
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import manualconv
from manualconv import functional
from manualconv.bench.memory import watched
from manualconv.geometry import Window
from manualconv.kernels.correlation import fourier, overlap_save, shifting, spectra
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.correlation.direct import PRODUCTS
from manualconv.testing.cases import convolutions
from manualconv.testing.judge import ROUNDING
from tests.kernels.correlation.three_maps import at_stride_one, by_loops, calls, is_fresh, maps, operands_of


def bound(left: Tensor, right: Tensor, window: Window) -> float:
    """``log2(n)·u·‖left‖·‖right‖``, times the 8 that a transform of each operand and one back may cost."""
    n = prod(i + max(a, b) for i, (a, b) in zip(window.input_size, window.padding))
    return 8 * (1 + log2(n + 1)) * ROUNDING[torch.float64] * float(left.norm()) * float(right.norm())


@pytest.mark.parametrize("ndim", [1, 2, 3])
@given(data=st.data())
def test_the_three_maps_are_the_loops_up_to_roundings_of_the_norms(ndim: int, data: st.DataObject) -> None:
    case = at_stride_one(data.draw(convolutions(ndim)))
    window = case.window
    x, w, y = case.batched()
    if x.shape[0] == 0:
        return  # no transform of nothing: refused, and the direct algorithms give zeros
    # Blocks of all, of some spectra and of one.
    most = data.draw(st.sampled_from((2**21, 2**10, 1)))
    with mock.patch.multiple(spectra, BLOCK_BYTES=most, LEAST_BYTES=min(most, 2**17)):
        results = maps(fourier, x, w, y, window)
    for got, exact, operands in zip(results, by_loops(x, w, y, window), operands_of(x, w, y)):
        assert got.shape == exact.shape and is_fresh(got)
        assert float((got - exact).norm()) <= bound(*operands, window)


@pytest.mark.parametrize(("tier", "times"), [("exact", 1.0), ("fast", 2.5)])
@pytest.mark.parametrize(
    ("batch", "channels", "outputs", "groups"), [(1, 32, 32, 32), (1, 16, 32, 1), (8, 2, 8, 1), (1, 48, 2, 1)]
)
def test_spectra_take_no_more_memory_than_the_tier_allows(
    batch: int, channels: int, outputs: int, groups: int, tier: str, times: float
) -> None:
    """Whichever of the three is kept, and where the weights are many times as large as both."""
    window = Window((2048,), (512,), (1,), (1,), ((511, 0),), groups, accuracy=tier)
    x, w = torch.ones(batch, channels, 2048), torch.ones(outputs, channels // groups, 512)
    y = torch.ones(batch, outputs, 2048)
    for call in calls(fourier, x, w, y, window):
        watch = watched(call)
        assert watch.peak - watch.kept <= times * (x.nbytes + y.nbytes)


@pytest.mark.parametrize("algorithm", [fourier, overlap_save])
@pytest.mark.parametrize(("size", "kernel", "padding"), [(7, 3, (1, 2)), (90, 5, (4, 2))])
def test_a_bias_is_added_and_operands_are_not_written(
    algorithm: Any, size: int, kernel: int, padding: tuple[int, int]
) -> None:
    x, w, b = torch.randn(2, 3, size), torch.randn(4, 3, kernel), torch.randn(4)
    window = Window((size,), (kernel,), (1,), (1,), (padding,))
    before = [t.clone() for t in (x, w, b)]
    difference = algorithm.to_output(x, w, b, window) - shifting.to_output(x, w, b, window)
    assert float(difference.abs().max()) < 1e-5
    assert all(map(torch.equal, before, (x, w, b)))


def test_of_long_sums_its_error_is_below_twice_torch_s() -> None:
    """1,024 taps, and 31×31: far within what the fast tier admits."""
    for size, kernel, padding in (((1, 8, 1024), (8, 1, 1024), 1023), ((1, 8, 40, 40), (8, 1, 31, 31), 15)):
        generator = torch.Generator().manual_seed(0)
        x, w = (torch.randn(s, dtype=torch.float64, generator=generator) for s in (size, kernel))
        conv = (torch.nn.functional.conv1d, torch.nn.functional.conv2d)[len(size) - 3]
        window = Window(size[2:], kernel[2:], *((1,) * (len(size) - 2),) * 2, ((padding,) * 2,) * (len(size) - 2), 8)
        exact = conv(x, w, padding=padding, groups=8)
        theirs = conv(x.float(), w.float(), padding=padding, groups=8)
        ours = fourier.to_output(x.float(), w.float(), None, window)
        assert float((ours - exact).norm()) <= 2 * float((theirs - exact).norm())


def test_strides_cut_sides_and_short_sums_are_not_taken() -> None:
    window = Window((9,), (3,), (2,), (1,), ((0, 0),))
    assert fourier.refusal(Sizes(1, 1, 1, torch.float32, window)) == "stride 1 only"
    cut = Window((9,), (3,), (1,), (1,), ((0, -1),))
    assert fourier.refusal(Sizes(1, 1, 1, torch.float32, cut)) == "no negative padding"
    with manualconv.algorithm("fourier"), pytest.raises(RuntimeError, match="stride 1 only"):
        functional.conv1d(torch.ones(1, 1, 9), torch.ones(1, 1, 3), stride=2)
    with manualconv.accuracy("fast"):
        assert manualconv.choice((64, 1, 9), (1, 1, 3))["output"] in PRODUCTS


@pytest.mark.parametrize("least", [1, 2, 7, 31, 97, 1025, 4097, 100003])
def test_sizes_are_the_next_product_of_2_3_and_5(least: int) -> None:
    def smooth(n: int) -> bool:
        for p in (2, 3, 5):
            while n % p == 0:
                n //= p
        return n == 1

    found = fourier.fast_size(least)
    assert smooth(found) and found >= least
    assert not any(smooth(n) for n in range(least, found))
