"""Correlation by the Fourier transform, whole and in segments: its memory and its sizes."""

import pytest
import torch

from manualconv.bench.memory import watched
from manualconv.geometry import Window
from manualconv.kernels.correlation import fourier, overlap_save
from tests.kernels.correlation.three_maps import calls


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


def test_spectra_of_one_long_signal_take_less_memory_than_it_does() -> None:
    window = Window((2**16,), (1024,), (1,), (1,), ((0, 0),))
    x, w, y = torch.ones(1, 1, 2**16), torch.ones(1, 1, 1024), torch.ones(1, 1, 2**16 - 1023)
    for call in calls(overlap_save, x, w, y, window):
        watch = watched(call)
        assert watch.peak - watch.kept <= x.nbytes + y.nbytes
    watch = watched(lambda: fourier.to_output(x, w, None, window))
    assert watch.peak - watch.kept > x.nbytes + y.nbytes


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
