"""The compiled loops: threads, views that negate, places that there are not, and doing without Numba."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
import torch
from torch import Tensor

import manualconv
from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels import compiling
from manualconv.kernels.correlation import loops
from manualconv.kernels.correlation import maps as correlation
from manualconv.kernels.correlation.cost import MAPS
from manualconv.kernels.pooling import selection
from tests.kernels.correlation.three_maps import maps
from tests.layers import spread_out

DEPTHWISE = Window((9, 12), (3, 2), (2, 1), (1, 2), ((1, 2), (0, 1)), 4)


def operands(window: Window, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """x, w and y with two outputs a group."""
    g = window.groups
    shapes = ((3, g, *window.input_size), (2 * g, 1, *window.kernel_size), (3, 2 * g, *window.output_size))
    x, w, y = (spread_out(shape, seed).to(dtype) for seed, shape in enumerate(shapes))
    return x, w, y


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_eight_threads_at_once_get_the_same_bits_whatever_the_shares(dtype: torch.dtype) -> None:
    x, w, y = operands(DEPTHWISE, dtype)
    expected = maps(loops, x, w, y, DEPTHWISE)
    with (
        mock.patch.object(compiling, "SHARED", 0),
        mock.patch.object(torch, "get_num_threads", return_value=3),
        ThreadPoolExecutor(8) as pool,
    ):
        for results in pool.map(lambda _: maps(loops, x, w, y, DEPTHWISE), range(40)):
            assert all(map(torch.equal, results, expected))


def test_a_negated_view_is_read_as_it_is() -> None:
    x, w, _ = operands(DEPTHWISE)
    negated = torch.complex(x, x).conj().imag
    assert negated.is_neg()
    assert torch.equal(loops.to_output(negated, w, None, DEPTHWISE), -loops.to_output(x, w, None, DEPTHWISE))


@pytest.mark.usefixtures("without_numba")
def test_without_numba_it_is_not_chosen_and_refused_with_the_fix() -> None:
    choice = manualconv.choice((4, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128)
    assert "loops" not in [choice[map] for map in MAPS]
    assert "pip install manualconv[fast]" in str(choice)
    x, w, _ = operands(DEPTHWISE)
    with manualconv.algorithm("loops"), pytest.raises(RuntimeError, match=r"algorithm\('loops'\).*pip install"):
        functional.conv2d(x, w, groups=4)
    assert correlation.to_output(x, w, None, DEPTHWISE).shape == (3, 8, 5, 11)


@pytest.mark.parametrize("failure", [ImportError("Numba needs NumPy 2.3 or less"), OSError("libllvmlite.so")])
def test_a_broken_numba_is_complained_about_once_and_done_without(failure: Exception) -> None:
    """An installation that cannot be imported, for whatever reason: a NumPy too new, a library that is missing."""
    x = spread_out((4, 8, 48, 47))
    compiling.is_installed.cache_clear()
    with mock.patch.dict(sys.modules), mock.patch.object(compiling, "import_module", side_effect=failure):
        for name in [name for name in sys.modules if re.match(r"manualconv\.kernels\.\w+\.compiled_", name)]:
            sys.modules[name] = None  # type: ignore[assignment]  # as if it had never been imported
        with pytest.warns(RuntimeWarning, match="importing it fails"):
            choice = manualconv.choice((4, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128)
        y = functional.max_pool2d(x, 3, 2, 1)  # a second warning would be an error
    compiling.is_installed.cache_clear()
    assert "loops" not in [choice[map] for map in MAPS]
    assert torch.equal(y, torch.nn.functional.max_pool2d(x, 3, 2, 1))


def test_a_position_that_there_is_not_is_an_error_of_torch_s_and_writes_nothing() -> None:
    for place in (-1, 6):
        index = torch.tensor([[0, place, 1]])
        with mock.patch.object(selection, "LARGE", 0), pytest.raises(RuntimeError, match="out of bounds"):
            selection.scatter(torch.ones(1, 3), index, (6,))
