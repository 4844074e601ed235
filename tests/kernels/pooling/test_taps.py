"""Windows that read padding alone, one by one and by their arithmetic."""

from itertools import product

import torch

from manualconv.geometry import Window
from manualconv.kernels.pooling import taps


def test_the_windows_that_read_padding_alone_are_those_of_the_definition() -> None:
    blind_ones = 0
    for i, k, s, d, a, b in product(range(1, 5), range(1, 4), range(1, 4), range(1, 5), range(4), range(4)):
        window = Window((i,), (k,), (s,), (d,), ((a, b),))
        if window.output_size[0] < 1 or 2 * max(a, b) > d * (k - 1) + 1:  # as pooling has it
            continue
        reads = [[s * p + d * j - a for j in range(k)] for p in range(window.output_size[0])]
        blind = [not any(0 <= at < i for at in each) for each in reads]
        # The question asked beforehand may be answered yes for a window that there is not.
        assert taps.has_blind(window) or not any(blind), window
        if taps.has_blind(window):
            found = taps.blind(window, torch.device("cpu"))
            assert found.tolist() == blind, window
            blind_ones += any(blind)
    assert blind_ones > 20
