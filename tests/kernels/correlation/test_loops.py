"""The compiled loops: threads, views that negate, places that there are not, and doing without Numba."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import util
from itertools import product
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import manualconv
from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels import compiling
from manualconv.kernels.correlation import loops
from manualconv.kernels.correlation import maps as correlation
from manualconv.kernels.correlation.cost import MAPS
from manualconv.kernels.pooling import selection
from manualconv.testing.cases import convolutions
from tests.kernels.conftest import forget, look_again
from tests.kernels.correlation.three_maps import by_loops, maps
from tests.kernels.machine import needs_numba
from tests.layers import spread_out

DEPTHWISE = Window((9, 12), (3, 2), (2, 1), (1, 2), ((1, 2), (0, 1)), 4)
DENSE = replace(DEPTHWISE, groups=1)


def operands(window: Window, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """x, w and y with one channel and two outputs a group, or five and seven in one."""
    g = window.groups
    c, o = (1, 2) if g > 1 else (5, 7)
    shapes = ((3, c * g, *window.input_size), (o * g, c, *window.kernel_size), (3, o * g, *window.output_size))
    x, w, y = (spread_out(shape, seed).to(dtype) for seed, shape in enumerate(shapes))
    return x, w, y


def backwards(run: Callable[[int, int], object], units: int, nanoseconds: float) -> None:
    """Share by share of one unit, the last one first: what a unit writes is its own."""
    for unit in reversed(range(units)):
        run(unit, unit + 1)


@contextmanager
def cut(frame: int, run: int, chunks: int) -> Iterator[None]:
    """With bands, runs and sums of other sizes, and units in another order."""
    from manualconv.kernels.correlation import compiled_correlation, compiled_tables

    plans = (compiled_tables.plan_of_output, compiled_tables.plan_of_input)
    limits = mock.patch.multiple(loops, FRAME=frame, RUN=run, share=backwards)
    with limits, mock.patch.multiple(compiled_correlation, FRAME=frame, CHUNKS=chunks):
        for plan in plans:
            plan.cache_clear()
        yield
    for plan in plans:
        plan.cache_clear()


@needs_numba
@pytest.mark.parametrize("ndim", [1, 2, 3])
@given(data=st.data())
def test_blocks_bands_and_runs_of_every_size_equal_the_loops(ndim: int, data: st.DataObject) -> None:
    case = data.draw(convolutions(ndim, cut=data.draw(st.booleans())))
    case = replace(case, channels=data.draw(st.integers(1, 5)), outputs=data.draw(st.integers(1, 9)))
    x, w, y = case.batched(data.draw(st.sampled_from((torch.float64, torch.float32))))
    expected = by_loops(x, w, y, case.window)
    sizes = (data.draw(st.sampled_from(some)) for some in ((1, 2**9, 2**18), (1, 16, 512), (1, 3, 8)))
    with cut(*sizes):
        assert all(map(torch.equal, maps(loops, x, w, y, case.window), expected))


@needs_numba
@pytest.mark.parametrize("ndim", [1, 2])
@given(data=st.data())
def test_rows_of_several_vectors_at_a_stride_of_2_equal_the_loops(ndim: int, data: st.DataObject) -> None:
    case = data.draw(convolutions(ndim, cut=data.draw(st.booleans())))
    size, stride = case.window.input_size, case.window.stride
    longer = size[-1] + data.draw(st.integers(1, 50))
    window = replace(case.window, input_size=(*size[:-1], longer), stride=(*stride[:-1], 2))
    case = replace(case, window=window)
    x, w, y = case.batched(data.draw(st.sampled_from((torch.float64, torch.float32))))
    expected = by_loops(x, w, y, window)
    with cut(*(data.draw(st.sampled_from(some)) for some in ((2**9, 2**18), (16, 512), (1, 8)))):
        assert all(map(torch.equal, maps(loops, x, w, y, window), expected))


@needs_numba
@pytest.mark.parametrize("sizes", [(0, 2, 3), (2, 0, 3), (2, 3, 0), (0, 0, 0)])
def test_without_images_channels_or_outputs_sums_are_empty_or_0(sizes: tuple[int, int, int]) -> None:
    images, channels, outputs = sizes
    window = Window((5, 6), (2, 3), (1, 2), (1, 1), ((1, 0), (0, 1)), 1)
    shapes = ((images, channels, 5, 6), (outputs, channels, 2, 3), (images, outputs, *window.output_size))
    x, w, y = (torch.ones(shape, dtype=torch.float64) for shape in shapes)
    assert all(map(torch.equal, maps(loops, x, w, y, window), by_loops(x, w, y, window)))


@needs_numba
def test_two_bands_as_large_as_the_image_are_not_taken_for_it() -> None:
    window = Window((4, 64), (3, 1), (1, 1), (1, 1), ((1, 1), (0, 0)), 1)
    x, w, y = (t.round() for t in operands(window))
    assert all(map(torch.equal, maps(loops, x[:1], w, y[:1], window), by_loops(x[:1], w, y[:1], window)))


@needs_numba
@pytest.mark.parametrize("written", [1, 2, 4, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_block_reads_behind_the_memory_of_a_frame(dtype: torch.dtype, written: int) -> None:
    """Rows on both sides of a block's width; of two phases the second may be shorter, and end where the frame does."""
    from manualconv.kernels.correlation import compiled_loops, compiled_tables

    read, lanes = 64, compiled_loops.VECTOR // dtype.itemsize
    widths = {4: 3 * lanes, 2: 5 * lanes, 1: 8 * lanes}
    kinds = [(1, 1, 0, 0), (2, 2, 0, 1), (2, 2, 1, 0), (3, 1, 1, 1), (3, 2, 1, 2)]
    in_place = 0
    for (k, s, a, b), rows, size in product(kinds, (1, 2), range(1, 16 * lanes + 3)):
        window = Window((rows, size), (1, k), (1, s), (1, 1), ((0, 0), (a, b)), 1)
        of_output = compiled_tables.plan_of_output(window, read, written, dtype.itemsize, 64)
        of_input = compiled_tables.plan_of_input(window, written, read, dtype.itemsize, 64)
        for plan in (of_output, of_input):
            memory = read * plan.volume + (0 if plan.in_place else compiled_loops.BEYOND)
            in_place += plan.in_place
            for run in plan.runs:
                for begin, columns, first, taps in (run[2:6], run[6:10]):
                    for block in plan.blocks[:, 0] if taps else ():
                        n = max((run[1] - 1) * plan.row + columns, widths[int(block)])
                        assert begin + max(plan.at[first : first + taps]) + n <= memory
    assert in_place


def amid_nan(t: Tensor) -> Tensor:
    """The same numbers, in memory that has NaN in front of them and behind."""
    memory = torch.full((t.numel() + 512,), torch.nan, dtype=t.dtype)
    return memory[256:-256].copy_(t.flatten()).view(t.shape)


@needs_numba
@pytest.mark.parametrize("columns", [64, 65, 71])
@pytest.mark.parametrize("batch", [2, 17])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_lies_around_the_operands_is_not_in_the_sums(dtype: torch.dtype, batch: int, columns: int) -> None:
    window = Window((3, columns), (2, 3), (1, 1), (1, 1), ((0, 0), (0, 0)), 1)
    shapes = ((batch, 2, *window.input_size), (3, 2, *window.kernel_size), (batch, 3, *window.output_size))
    x, w, y = (spread_out(shape, seed).round().to(dtype) for seed, shape in enumerate(shapes))
    # Each row is a run of its own, and NaN is not summed again, by others.
    with cut(2**18, 16, 8), mock.patch.object(loops, "all_finite", return_value=True):
        found = maps(loops, amid_nan(x), amid_nan(w), amid_nan(y), window)
    assert all(map(torch.equal, found, by_loops(x, w, y, window)))


@needs_numba
@pytest.mark.parametrize("window", [DEPTHWISE, DENSE], ids=["depthwise", "dense"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_eight_threads_at_once_get_the_same_bits_whatever_the_shares(dtype: torch.dtype, window: Window) -> None:
    x, w, y = operands(window, dtype)
    expected = maps(loops, x, w, y, window)
    found: dict[int, tuple[Tensor, ...]] = {}

    def run(number: int) -> None:
        for _ in range(13):
            results = maps(loops, x, w, y, window)
            if number not in found or not all(map(torch.equal, results, expected)):
                found[number] = results

    with mock.patch.object(compiling, "SHARED", 0), mock.patch.object(torch, "get_num_threads", return_value=3):
        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 8
    assert all(all(map(torch.equal, results, expected)) for results in found.values())


@needs_numba
def test_a_negated_view_is_read_as_it_is() -> None:
    x, w, _ = operands(DEPTHWISE)
    negated = torch.complex(x, x).conj().imag
    assert negated.is_neg()
    assert torch.equal(loops.to_output(negated, w, None, DEPTHWISE), -loops.to_output(x, w, None, DEPTHWISE))


@pytest.mark.usefixtures("without_numba")
def test_without_numba_it_is_not_chosen_and_refused_with_the_fix() -> None:
    choice = manualconv.choice((4, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128)
    assert "loops" not in [choice[map] for map in MAPS]
    assert "pip install '.[fast]'" in str(choice)
    x, w, _ = operands(DEPTHWISE)
    with manualconv.algorithm("loops"), pytest.raises(RuntimeError, match=r"algorithm\('loops'\).*pip install"):
        functional.conv2d(x, w, groups=4)
    assert correlation.to_output(x, w, None, DEPTHWISE).shape == (3, 8, 5, 11)


def numba(version: tuple[int, int] = compiling.OLDEST, disabled: int = 0) -> SimpleNamespace:
    """What is asked of the module."""
    name, short = ".".join(map(str, version)), SimpleNamespace(short=version)
    return SimpleNamespace(__version__=name, version_info=short, config=SimpleNamespace(DISABLE_JIT=disabled))


#: An installation that is not worked with, and what is said of it.
UNUSABLE: dict[str, tuple[Any, str]] = {
    "beside a NumPy too new": (
        ImportError("Numba needs NumPy 2.3 or less"),
        r"importing it fails \(ImportError: Numba",
    ),
    "without its library": (OSError("libllvmlite.so"), r"importing it fails \(OSError"),
    "too old": (numba(version=(0, 59)), r"0\.59 is older than 0\.60"),
    "told not to compile": (numba(disabled=1), "NUMBA_DISABLE_JIT"),
    "half a package": (SimpleNamespace(), "importing it fails"),
}


@pytest.mark.parametrize(("found", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_numba_that_is_not_worked_with_is_told_of_once_and_done_without(found: Any, words: str) -> None:
    x = spread_out((4, 8, 48, 47))
    forget()
    with (
        mock.patch.dict(sys.modules),
        mock.patch.object(compiling, "find_spec", return_value="found"),
        mock.patch.object(compiling, "import_module", side_effect=[found]),
    ):
        for name in [name for name in sys.modules if re.match(r"manualconv\.kernels\.\w+\.compiled_", name)]:
            sys.modules[name] = None  # type: ignore[assignment]  # as if it had never been imported
        with pytest.warns(RuntimeWarning, match=f"manualconv goes without it: {words}"):
            choice = manualconv.choice((4, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128)
        y = functional.max_pool2d(x, 3, 2, 1)  # a second warning would be an error
    look_again()
    assert "loops" not in [choice[map] for map in MAPS]
    assert torch.equal(y, torch.nn.functional.max_pool2d(x, 3, 2, 1))


@pytest.mark.skipif(util.find_spec("numba") is None, reason="no Numba here")
def test_numba_told_not_to_compile_leaves_the_numbers_and_says_so_once() -> None:
    """Python would run its loops a thousand times slower: other algorithms do the same."""
    code = """
import torch, manualconv
from manualconv import functional
x, w = torch.arange(2 * 32 * 60 * 60.0).view(2, 32, 60, 60) % 7, torch.arange(32 * 9.0).view(32, 1, 3, 3) % 5
for ours, theirs in ((functional.conv2d, torch.conv2d), (functional.conv2d, torch.conv2d)):
    assert torch.equal(ours(x, w, groups=32), theirs(x, w, groups=32))
assert torch.equal(functional.max_pool2d(x, 3, 2, 1), torch.max_pool2d(x, 3, 2, 1))
"""
    command, environment = [sys.executable, "-W", "always", "-c", code], {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("NUMBA_DISABLE_JIT") == ended.stderr.count("Warning") == 1, ended.stderr


def test_a_position_that_there_is_not_is_an_error_of_torch_s_and_writes_nothing() -> None:
    for place in (-1, 6):
        index = torch.tensor([[0, place, 1]])
        with mock.patch.object(selection, "LARGE", 0), pytest.raises(RuntimeError, match="out of bounds"):
            selection.scatter(torch.ones(1, 3), index, (6,))
