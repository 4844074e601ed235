"""Correlation in segments: the loops within roundings of the norms, wherever the cuts fall, and when it is chosen."""

from math import log2, prod
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import manualconv
from manualconv.bench.memory import watched
from manualconv.geometry import Window
from manualconv.kernels.correlation import fourier, overlap_save, spectra
from manualconv.kernels.correlation.cost import Sizes
from manualconv.testing.cases import convolutions
from manualconv.testing.judge import ROUNDING
from tests.kernels.correlation.three_maps import at_stride_one, by_loops, calls, is_fresh, maps, operands_of


def bound(left: Tensor, right: Tensor, n: tuple[int, ...]) -> float:
    """``8·log2(2n)·u·‖left‖·‖right‖`` of a segment; a position stands in n of them at the most."""
    return 8 * (1 + log2(prod(n))) * prod(n) ** 0.5 * ROUNDING[torch.float64] * float(left.norm()) * float(right.norm())


@pytest.mark.parametrize("ndim", [1, 2, 3])
@given(data=st.data())
def test_the_three_maps_are_the_loops_wherever_the_cuts_fall(ndim: int, data: st.DataObject) -> None:
    case = at_stride_one(data.draw(convolutions(ndim)))
    window, (x, w, y) = case.window, case.batched()
    if x.shape[0] == 0:
        return  # refused, as by the whole transform
    # A segment of one placement, of a few, or of all; blocks of all spectra, or of one.
    most = data.draw(st.sampled_from((2**21, 1)))
    limits = mock.patch.multiple(spectra, BLOCK_BYTES=most, LEAST_BYTES=most)
    with limits, mock.patch.object(overlap_save, "PERIODS", data.draw(st.sampled_from(((1,), (2,), (16,))))):
        overlap_save.period.cache_clear()
        n = overlap_save.period(Sizes(x.shape[0], x.shape[1], w.shape[0], x.dtype, window))
        results = maps(overlap_save, x, w, y, window)
    overlap_save.period.cache_clear()
    for got, exact, operands in zip(results, by_loops(x, w, y, window), operands_of(x, w, y)):
        assert got.shape == exact.shape and is_fresh(got)
        assert float((got - exact).norm()) <= bound(*operands, n)


def test_many_kernels_and_kernels_as_long_as_the_signal_are_transformed_whole() -> None:
    for sizes in (((1, 16, 4096), (32, 16, 1024), 0, 1), ((1, 32, 1024), (32, 1, 1024), 1023, 32)):
        with manualconv.accuracy("fast"):
            choice = manualconv.choice(sizes[0], sizes[1], padding=sizes[2], groups=sizes[3])
        assert {choice[map] for map in choice.candidates} == {"fourier"}


def test_spectra_of_one_long_signal_take_less_memory_than_it_does() -> None:
    window = Window((2**16,), (1024,), (1,), (1,), ((0, 0),))
    x, w, y = torch.ones(1, 1, 2**16), torch.ones(1, 1, 1024), torch.ones(1, 1, 2**16 - 1023)
    for call in calls(overlap_save, x, w, y, window):
        watch = watched(call)
        assert watch.peak - watch.kept <= x.nbytes + y.nbytes
    watch = watched(lambda: fourier.to_output(x, w, None, window))
    assert watch.peak - watch.kept > x.nbytes + y.nbytes
