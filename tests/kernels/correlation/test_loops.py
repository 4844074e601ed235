"""The compiled loops: what they refuse, NaN where no placement meets it, threads, and doing without Numba."""

import os
import re
import subprocess
import sys
import threading
from importlib import util
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor

import manualconv
from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels import compiling
from manualconv.kernels.correlation import loops, lowering_batch_last
from manualconv.kernels.correlation import maps as correlation
from manualconv.kernels.correlation.cost import MAPS, Sizes
from manualconv.kernels.pooling import selection
from tests.kernels.conftest import forget, look_again
from tests.kernels.correlation.three_maps import maps, two_orders
from tests.kernels.machine import needs_numba
from tests.layers import spread_out

DEPTHWISE = Window((9, 12), (3, 2), (2, 1), (1, 2), ((1, 2), (0, 1)), 4)


def operands(window: Window, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """x, w and y with two outputs a group."""
    g = window.groups
    shapes = ((3, g, *window.input_size), (2 * g, 1, *window.kernel_size), (3, 2 * g, *window.output_size))
    x, w, y = (spread_out(shape, seed).to(dtype) for seed, shape in enumerate(shapes))
    return x, w, y


@needs_numba
def test_a_large_depthwise_layer_is_computed_by_loops_and_a_small_one_is_not() -> None:
    large = manualconv.choice((4, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128)
    assert [large[map] for map in MAPS] == ["loops"] * 3
    small = manualconv.choice((2, 8, 9, 9), (8, 1, 3, 3), padding=1, groups=8)
    assert "loops" not in [small[map] for map in MAPS]


@needs_numba
@pytest.mark.parametrize("rule", MAPS)
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_goes_where_its_taps_land_and_nowhere_else(value: float, rule: str) -> None:
    """A row of the frame is computed over the ends of its rows; what stands there may not leak."""
    x, w, y = operands(DEPTHWISE)
    x[1, 2, 0, 11] = x[0, 1, 8, 0] = value
    y[2, 3, -1, -1] = value
    w[5, 0, 2, 1] = value if rule == "input" else 1.0
    pairs = zip(*(maps(algorithm, x, w, y, DEPTHWISE) for algorithm in (loops, lowering_batch_last)))
    ours, theirs = dict(zip(MAPS, pairs))[rule]
    if rule == "input":  # a product by lowering meets the other placements' zeros; the definition does not
        clean = maps(lowering_batch_last, x, torch.where(w.isfinite(), w, 0), y.nan_to_num(0, 0, 0), DEPTHWISE)[1]
        assert torch.equal(ours.isfinite(), theirs.isfinite())
        torch.testing.assert_close(ours[0, 0], clean[0, 0])
    torch.testing.assert_close(ours.nan_to_num(7, 8, 9), theirs.nan_to_num(7, 8, 9))


@needs_numba
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_eight_threads_at_once_get_the_same_bits_whatever_the_shares(dtype: torch.dtype) -> None:
    x, w, y = operands(DEPTHWISE, dtype)
    expected = maps(loops, x, w, y, DEPTHWISE)
    found: dict[int, tuple[Tensor, ...]] = {}

    def run(number: int) -> None:
        for _ in range(5):
            found[number] = maps(loops, x, w, y, DEPTHWISE)

    with mock.patch.object(compiling, "SHARED", 0), mock.patch.object(torch, "get_num_threads", return_value=3):
        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 8
    assert all(all(map(torch.equal, results, expected)) for results in found.values())


@needs_numba
def test_operands_in_any_layout_and_parameters_that_need_gradients() -> None:
    x, w = spread_out((2, 12, 9, 4), 0), spread_out((4, 1, 2, 3), 1)
    strided = x.transpose(1, 3).requires_grad_()
    turned = torch.view_as_real(torch.complex(w, -w)).mT.mT[..., 0].requires_grad_()
    results = []
    for name in ("loops", "lowering_batch_last"):
        with manualconv.algorithm(name):
            y = functional.conv2d(strided, turned, torch.ones(4, dtype=x.dtype), padding=1, groups=4)
        results.append(two_orders(y, strided, turned))
    torch.testing.assert_close(*results, rtol=1e-11, atol=1e-11)


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


@pytest.mark.parametrize(
    ("window", "channels", "outputs", "dtype", "words"),
    [
        (Window((), (), (), (), ()), 4, 4, torch.float32, "one to three axes"),
        (DEPTHWISE, 4, 8, torch.complex64, "float32 or float64"),
        (DEPTHWISE, 64, 64, torch.float32, "16 · 16 channels a group"),
        (
            Window((4096, 4096), (3, 3), (1, 1), (1, 1), ((0, 0), (0, 0))),
            1,
            1,
            torch.float32,
            "does not fit in the caches",
        ),
    ],
)
def test_other_layers_are_refused(window: Window, channels: int, outputs: int, dtype: torch.dtype, words: str) -> None:
    reason = loops.refusal(Sizes(2, channels, outputs, dtype, window))
    assert reason is not None and words in reason


def test_a_large_maximum_and_its_gradient_are_those_of_torch_on_every_thread() -> None:
    x = spread_out((4, 8, 48, 47)).requires_grad_()
    for k, s, p, d in ((3, 2, 1, 1), (13, 1, 6, 1), (4, 3, 0, 2)):
        with mock.patch.object(compiling, "SHARED", 0):
            ours, index = functional.max_pool2d(x, k, s, p, d, return_indices=True)
            first = torch.autograd.grad(ours.square().sum(), x)[0]
        theirs, expected = torch.nn.functional.max_pool2d(x, k, s, p, d, return_indices=True)
        assert torch.equal(ours, theirs) and torch.equal(index, expected)
        torch.testing.assert_close(first, torch.autograd.grad(theirs.square().sum(), x)[0], rtol=1e-6, atol=1e-6)


def test_a_position_that_there_is_not_is_an_error_of_torch_s_and_writes_nothing() -> None:
    for place in (-1, 6):
        index = torch.tensor([[0, place, 1]])
        with mock.patch.object(selection, "LARGE", 0), pytest.raises(RuntimeError, match="out of bounds"):
            selection.scatter(torch.ones(1, 3), index, (6,))
