"""Where the maximum of a window is: ties, NaN, padding."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from math import prod
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv import definitions
from manualconv.geometry import Window, ceil_padding
from manualconv.kernels.pooling import frames, maximum, selection
from manualconv.kernels.pooling.maximum import argmax, lowest
from manualconv.kernels.pooling.taps import has_blind, positions
from manualconv.testing.cases import Pooling, poolings


@pytest.fixture(scope="module", params=["operations", "blocks", "loops", "blocks of loops"], autouse=True)
def path(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything by torch's operations, and by compiled loops however small it is; also a few planes at a time."""
    small = {(maximum, "BLOCK", 150)} if request.param == "blocks" else set()
    if "loops" in request.param:
        small |= {(maximum, "LARGE", 0), (selection, "LARGE", 0)}
    if request.param == "blocks of loops":
        small |= {(frames, "BLOCK", 150)}
    with ExitStack() as stack:
        for file, name, value in small:
            stack.enter_context(mock.patch.object(file, name, value))
        forget()
        yield
    forget()


def forget() -> None:
    """The plans of windows, which remember how many planes are taken at a time."""
    frames.frame_of_window.cache_clear()
    if "manualconv.kernels.pooling.compiled_maximum" in sys.modules:
        sys.modules["manualconv.kernels.pooling.compiled_maximum"].plan.cache_clear()


def with_specials(x: torch.Tensor, seed: int) -> torch.Tensor:
    """x with some entries NaN, some ±∞."""
    kinds = torch.randint(0, 12, x.shape, generator=torch.Generator().manual_seed(seed))
    for kind, value in ((0, torch.nan), (1, torch.nan), (2, torch.inf), (3, -torch.inf), (4, -torch.inf)):
        x = torch.where(kinds == kind, value, x)
    return x


@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True)), special=st.booleans())
def test_positions_equal_the_loops_among_nan_and_infinities_too(case: Pooling, special: bool) -> None:
    x = with_specials(case.input(), case.seed) if special else case.input()
    window = ceil_padding(case.window) if case.ceil_mode else case.window
    _, expected = definitions.max_pool(x.numpy(), case.window, case.ceil_mode)
    assert torch.equal(argmax(x, window), torch.from_numpy(expected))


@pytest.mark.parametrize(
    ("size", "kernel", "stride"),
    [
        ((9, 8), (3, 3), (2, 2)),
        ((8, 9), (3, 3), (2, 2)),
        ((9, 1), (3, 1), (2, 1)),
        ((10, 7), (3, 1), (2, 1)),
        ((5, 3), (2, 3), (1, 2)),
        ((9, 10), (5, 4), (2, 3)),
        ((9, 10), (3, 4), (1, 2)),
        ((9, 11), (4, 5), (2, 2)),
        ((18, 17), (17, 16), (1, 1)),
        ((7, 6, 9), (3, 3, 3), (2, 2, 2)),
        ((7, 1, 1), (3, 1, 1), (2, 1, 1)),
        ((5, 16), (2, 2), (2, 2)),
        ((6, 17), (3, 3), (2, 2)),
        ((7, 40), (1, 3), (3, 2)),
        ((6, 35), (3, 4), (1, 2)),
        ((4, 5, 20), (2, 2, 2), (2, 2, 2)),
        ((41,), (3,), (2,)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_strides_with_loops_of_their_own(
    size: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], dtype: torch.dtype
) -> None:
    padding = tuple((k // 2, k // 2) for k in kernel)
    leading = (2, 3) if prod(kernel) < 100 else (1, 1)  # the definition reads every cell of every window
    x = torch.randint(-3, 4, (*leading, *size), generator=torch.Generator().manual_seed(1)).to(dtype)
    for window in (Window(size, kernel, stride, (1,) * len(size), sides) for sides in (padding, ((0, 0),) * len(size))):
        for plane in (x, with_specials(x, 2)):
            _, expected = definitions.max_pool(plane.numpy(), window)
            assert torch.equal(argmax(plane, window), torch.from_numpy(expected))


@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True)))
def test_taps_read_the_maxima_and_their_selection_is_adjoint_to_scattering(case: Pooling) -> None:
    window = ceil_padding(case.window) if case.ceil_mode else case.window
    if has_blind(window):
        return
    x = case.input()
    y, taps = maximum.maximum(x, window)
    index = positions(taps, window)
    assert torch.equal(y, selection.select(x, index, window.ndim))
    assert torch.equal(maximum.select_taps(x, taps, window), y)
    cotangent = y.flip(0) + 1
    spread = maximum.scatter_taps(cotangent, taps, window)
    assert torch.equal(spread, selection.scatter(cotangent, index, window.input_size))
    assert (y * cotangent).sum() == (x * spread).sum()


def test_padding_never_wins_over_minus_infinity() -> None:
    window = Window((2, 3), (2, 3), (1, 2), (1, 1), ((1, 1), (1, 1)))
    x = torch.full((1, 1, 2, 3), -torch.inf)
    assert argmax(x, window).flatten().tolist() == [0, 1, 0, 1, 3, 4]


@pytest.mark.parametrize("dtype", [torch.int64, torch.int8, torch.uint8])
def test_the_lowest_integer_is_its_dtype_s_own(dtype: torch.dtype) -> None:
    assert lowest(dtype) == torch.iinfo(dtype).min
