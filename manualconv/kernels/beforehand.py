"""Compiling every loop before a first step waits for it.

Each loop is run once on a small layer in each dtype, since types are what code is compiled for: layers of other sizes,
strides and dilations run the same code.
"""

from __future__ import annotations

import os

import torch

from manualconv.geometry import Window
from manualconv.kernels.compiling import LOOPS, NUMBERS, is_installed
from manualconv.kernels.correlation import loops, lowering
from manualconv.kernels.entrywise import pointwise
from manualconv.kernels.pooling import maximum, selection, summation

#: Windows of up to 256 taps and of more: those are numbered in other integers.
KERNELS = ((3, 2), (17, 16))


def compile_loops() -> int:
    """Compile what is not compiled yet, in this process or in an earlier one.

    Returns:
        How many loops were compiled, in either dtype; 0 without a Numba that compiles.
    """
    if not is_installed():
        return 0
    before = compiled()
    for dtype in NUMBERS:
        _correlate(dtype)
        ones = torch.ones(pointwise.LARGE, dtype=dtype, device="cpu")
        pointwise.gate(ones, ones)
        for kernel in KERNELS:
            _pool(dtype, kernel)
    return compiled() - before


def folder() -> str:
    """Where the code is kept, if it is: the folder of all that its files lie in."""
    places = {str(loop.stats.cache_path) for loop in LOOPS if loop.stats.cache_path}
    return os.path.commonpath(places) if places else ""


def compiled() -> int:
    """How many loops this process has compiled, in either dtype: those that an earlier one kept do not count."""
    return sum(sum(loop.stats.cache_misses.values()) for loop in LOOPS)


def _correlate(dtype: torch.dtype) -> None:
    window = Window((6, 6), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), 1)
    x, w = torch.ones(2, 3, 6, 6, dtype=dtype, device="cpu"), torch.ones(7, 3, 3, 3, dtype=dtype, device="cpu")
    y = loops.to_output(x, w, None, window)
    loops.to_input(w, y, window)
    loops.to_weight(x, y, window)
    window = Window((lowering.LOOPED,), (3,), (1,), (1,), ((1, 1),), 1)
    y = torch.ones(1, 1, lowering.LOOPED, dtype=dtype, device="cpu")
    lowering.to_input(torch.ones(1, 1, 3, dtype=dtype, device="cpu"), y, window)


def _pool(dtype: torch.dtype, kernel: tuple[int, int]) -> None:
    """On planes that are large enough for loops, and as many as pay for the memory of threads."""
    window = Window((64, 64), kernel, (1, 1), (1, 1), ((1, 1), (1, 0)), 1)
    x = torch.ones(1, 20, 64, 64, dtype=dtype, device="cpu")
    maximum.maximum(x, Window((64, 64), (2, 2), (2, 2), (1, 1), ((0, 0), (0, 0)), 1))
    y, taps = maximum.maximum(x, window)
    maximum.select_taps(x, taps, window)
    maximum.scatter_taps(y, taps, window)
    selection.scatter(y, maximum.argmax(x, window), window.input_size)
    summation.sum_windows(x, window)
    summation.spread_windows(y, window)
