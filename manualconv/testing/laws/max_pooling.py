"""Laws of max pooling: what holds of every right implementation, whatever its algorithm.

An implementation takes x, kernel size, stride, padding, dilation and ceil_mode, each per axis, and returns values and
flat positions.  All comparisons are exact: a maximum rounds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from math import inf, nan
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.geometry import Window
from manualconv.testing.cases import Pooling, poolings
from manualconv.testing.cases.tensors import behind, filled
from manualconv.testing.laws.law import Implementation, Laws

Layer = Callable[..., tuple[Tensor, Tensor]]
LAWS = Laws(st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True)))
law = LAWS.law
BY_HAND: Any = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
REFEREE: Any = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def by_hand(x: Tensor, kernel_size: Any, *numbers: Any, **options: Any) -> Any:
    """Ours."""
    return BY_HAND[len(kernel_size)](x, kernel_size, *numbers, return_indices=True, **options)


def torch_s(x: Tensor, kernel_size: Any, *numbers: Any) -> Any:
    """torch's, on contiguous images: the positions of its channels_last volumes of −∞ are those of other windows."""
    return REFEREE[len(kernel_size)](x.contiguous(), kernel_size, *numbers, return_indices=True)


GOOD = {"by hand": Implementation(by_hand), "torch": Implementation(torch_s)}


def run(pool: Layer, x: Tensor, window: Window, ceil_mode: bool = False) -> tuple[Tensor, Tensor]:
    """The implementation, on the window's numbers."""
    padding = tuple(a for a, _ in window.padding)
    return pool(x, window.kernel_size, window.stride, padding, window.dilation, ceil_mode)


def dense(case: Pooling, kernel: tuple[int, ...]) -> Window:
    """A window that moves by one, without dilation or padding, on the case's input."""
    one = (1,) * case.window.ndim
    return Window(case.window.input_size, kernel, one, one, ((0, 0),) * len(one))


def roomy(case: Pooling, size: tuple[int, ...]) -> Tensor:
    """Numbers of the case's kind on another size."""
    generator = torch.Generator().manual_seed(case.seed)
    return filled(case.fill, (2, case.channels, *size), generator).double()


def readings(x: Tensor, window: Window, outside: float) -> Tensor:
    """What every tap reads, ``(N, C, ΠK, *P)``, on an input whose padding is `outside`."""
    framed = F.pad(x, window.frame, value=outside)
    return torch.stack([framed[window.tap(k, 2)] for k in definitions.indices(window.kernel_size)], 2)


def same(got: Tensor, expected: Tensor) -> None:
    """Equal, NaN to NaN."""
    torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


@law("P1")
def it_is_the_largest_of_all_readings(pool: Layer, case: Pooling) -> None:
    x = case.input()
    same(run(pool, x, case.window)[0], readings(x, case.window, -inf).amax(2))


@law("P2")
def a_window_of_one_position_is_the_identity_and_a_copy(pool: Layer, case: Pooling) -> None:
    x = case.input()
    y, _ = run(pool, x, dense(case, (1,) * case.window.ndim))
    same(y, x)
    assert not y.numel() or y.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()


@law("P3")
def two_windows_one_after_the_other_are_one(pool: Layer, case: Pooling) -> None:
    first, second = case.window.kernel_size, case.window.stride
    both = tuple(a + b - 1 for a, b in zip(first, second))
    x = roomy(case, tuple(k + 2 for k in both))
    between, _ = run(pool, x, dense(case, first))
    same(run(pool, between, dense(case, second))[0], run(pool, x, dense(case, both))[0])


@law("P4")
def opening_what_was_dilated_and_dilating_it_again_changes_nothing(pool: Layer, case: Pooling) -> None:
    kernel = case.window.kernel_size
    x = roomy(case, tuple(k + 2 for k in kernel))
    frame = [k - 1 for k in reversed(kernel) for _ in range(2)]

    def dilated(x: Tensor) -> Tensor:
        return run(pool, x, dense(case, kernel))[0]

    def eroded(y: Tensor) -> Tensor:
        return -run(pool, F.pad(-y, frame, value=-inf), dense(case, kernel))[0]

    same(dilated(eroded(dilated(x))), dilated(x))
    same(eroded(dilated(eroded(dilated(x)))), eroded(dilated(x)))


@law("P5")
def it_is_monotone(pool: Layer, case: Pooling) -> None:
    x, more = case.input(), roomy(case, case.window.input_size)[:1].abs()
    assert (run(pool, x, case.window)[0] <= run(pool, x + more, case.window)[0]).all()


@law("P6")
def it_commutes_with_what_increases(pool: Layer, case: Pooling) -> None:
    x = case.input()
    y, _ = run(pool, x, case.window)
    for f in (torch.relu, lambda t: 2 * t + 3, lambda t: t * t * t):
        same(run(pool, f(x), case.window)[0], f(y))


@law("P7")
def a_constant_comes_through(pool: Layer, case: Pooling) -> None:
    x = case.input()
    same(run(pool, x + 7, case.window)[0], run(pool, x, case.window)[0] + 7)


@law("P8")
def the_maximum_of_two_images_is_pooled_to_the_maximum_of_both(pool: Layer, case: Pooling) -> None:
    x, other = case.input(), replace(case, seed=case.seed + 1).input()
    both = torch.maximum(run(pool, x, case.window)[0], run(pool, other, case.window)[0])
    same(run(pool, torch.maximum(x, other), case.window)[0], both)


@law("P9")
def padding_never_wins(pool: Layer, case: Pooling) -> None:
    x = -1 - case.input().abs()
    assert (run(pool, x, case.window, case.ceil_mode)[0] < 0).all()


def positions(case: Pooling, y: Tensor, index: Tensor) -> None:
    """Each index names a position of its own window."""
    for at in definitions.indices(tuple(y.shape)):
        place = tuple(map(int, torch.unravel_index(index[at], case.window.input_size)))
        taps = definitions.indices(case.window.kernel_size)
        assert place in [definitions.position(at[2:], k, case.window) for k in taps]


@law("P10")
def indices_name_the_maximum_inside_the_window_and_unpooling_puts_it_back(pool: Layer, case: Pooling) -> None:
    x = case.input()
    y, index = run(pool, x, case.window, case.ceil_mode)
    positions(case, y, index)
    same(x.flatten(2).gather(2, index.flatten(2)), y.flatten(2))
    back = torch.zeros(x.shape, dtype=x.dtype).flatten(2).scatter(2, index.flatten(2), y.flatten(2))
    same(back.gather(2, index.flatten(2)), y.flatten(2))


@law("P11")
def the_first_of_equals_wins(pool: Layer, case: Pooling) -> None:
    x = replace(case, fill="ties").input()
    _, expected = definitions.max_pool(x.numpy(), case.window, case.ceil_mode)
    assert torch.equal(run(pool, x, case.window, case.ceil_mode)[1], torch.from_numpy(expected))


@law("P12")
def the_last_nan_wins_in_its_own_channel(pool: Layer, case: Pooling) -> None:
    x = case.input().contiguous()
    struck = torch.rand(x.shape, generator=torch.Generator().manual_seed(case.seed)) < 0.2
    struck[:, 1:] = False
    x = torch.where(struck, nan, x)
    values, places = definitions.max_pool(x.numpy(), case.window, case.ceil_mode)
    y, index = run(pool, x, case.window, case.ceil_mode)
    same(y, torch.from_numpy(values))
    assert torch.equal(index, torch.from_numpy(places))
    assert not y[:, 1:].isnan().any()


@law("P13")
def a_window_of_minus_infinities_names_its_own_first_position(pool: Layer, case: Pooling) -> None:
    x = torch.full(case.input().shape, -inf, dtype=torch.float64)
    y, index = run(pool, x, case.window, case.ceil_mode)
    assert (y == -inf).all()
    _, expected = definitions.max_pool(x.numpy(), case.window, case.ceil_mode)
    assert torch.equal(index, torch.from_numpy(expected))


@law("P14")
def no_cotangent_is_lost(pool: Layer, case: Pooling) -> None:
    x = case.input().requires_grad_()
    y, _ = run(pool, x, case.window, case.ceil_mode)
    cotangent = case.cotangent(tuple(y.shape[2:]))
    assert grad(y, x, cotangent)[0].sum() == cotangent.sum()


@law("P15")
def every_position_is_given_the_cotangents_of_all_windows_it_won(pool: Layer, case: Pooling) -> None:
    x = case.input().requires_grad_()
    y, index = run(pool, x, case.window, case.ceil_mode)
    won = torch.zeros(x.shape, dtype=x.dtype).flatten(2)
    for at in definitions.indices(tuple(index.shape)):
        won[at[0], at[1], index[at]] += 1
    same(grad(y, x, torch.ones_like(y))[0], won.reshape(x.shape))


@law("P17")
def ceil_mode_counts_one_window_more_where_it_starts_on_the_input(pool: Layer, case: Pooling) -> None:
    sizes = []
    for i, e, s, (a, _) in zip(case.window.input_size, case.window.extent, case.window.stride, case.window.padding):
        size = -(-(i + 2 * a - e) // s) + 1
        sizes.append(size - ((size - 1) * s >= i + a))
    y, _ = run(pool, case.input(), case.window, True)
    assert y.shape[2:] == tuple(sizes)
    floor, _ = run(pool, case.input(), case.window)
    same(y[behind(*(slice(p) for p in floor.shape[2:]))], floor)


@law("P20")
def it_commutes_with_permutations_flips_shifts_and_subsampling(pool: Layer, case: Pooling) -> None:
    window, x = case.window, case.input()
    y, _ = run(pool, x, window)
    same(run(pool, x.flip(0, 1), window)[0], y.flip(0, 1))
    numbers: Any = (window.input_size, window.kernel_size, window.stride, window.dilation)
    turned = Window(*(n[::-1] for n in (*numbers, window.padding)))
    axes = (0, 1, *reversed(range(2, x.dim())))
    same(run(pool, x.permute(axes), turned)[0], y.permute(axes))
    if not any(window.leftover):
        over = tuple(range(2, x.dim()))
        same(run(pool, x.flip(over), window)[0], y.flip(over))
    bare = replace(window, padding=((0, 0),) * window.ndim)
    if min(bare.output_size) > 1:
        moved = x[behind(*(slice(s, None) for s in window.stride))]
        inner = behind(*(slice(1, None) for _ in window.stride))
        smaller = replace(bare, input_size=tuple(moved.shape[2:]))
        same(run(pool, moved, smaller)[0], run(pool, x, bare)[0][inner])
    apart = replace(dense(case, window.kernel_size), dilation=window.dilation)
    if min(apart.output_size) > 0:
        whole, _ = run(pool, x, apart)
        for start in product(*map(range, window.dilation)):
            lattice = behind(*(slice(at, None, d) for at, d in zip(start, window.dilation)))
            part = dense(case, window.kernel_size)
            part = replace(part, input_size=tuple(x[lattice].shape[2:]))
            if min(part.output_size) > 0:
                same(run(pool, x[lattice], part)[0], whole[lattice])


@law("P22")
def values_places_and_gradients_are_those_of_the_loops(pool: Layer, case: Pooling) -> None:
    """Beyond the list: with NaN and −∞ strewn in, windows of nothing else among them."""
    x = case.input().contiguous()
    strewn = torch.rand(x.shape, generator=torch.Generator().manual_seed(case.seed))
    x = torch.where(strewn < 0.1, nan, torch.where(strewn < 0.4, -inf, x)).requires_grad_()
    values, places = definitions.max_pool(x.detach().numpy(), case.window, case.ceil_mode)
    y, index = run(pool, x, case.window, case.ceil_mode)
    same(y, torch.from_numpy(values))
    assert torch.equal(index, torch.from_numpy(places))
    cotangent = case.cotangent(tuple(y.shape[2:]))
    expected = definitions.max_pool_gradient(cotangent.numpy(), places, case.window)
    same(grad(y, x, cotangent)[0], torch.from_numpy(expected))
