"""Laws of average pooling: what holds of every mean of windows, whatever computes it.

Numbers are those of the list of laws in the names: P1, P2, P5, P7, P14 to P18, P20; all on whole numbers that every
count divides, so that each comparison is exact.
"""

from dataclasses import replace
from math import prod

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.cases import Pooling
from manualconv.testing.cases.averaging import DIVISIBLE, averages, options

BY_HAND = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CASES = averages(2, 1, 3)
#: Windows that count nothing but the input: a constant's mean is the constant.
OWN_COUNT = CASES.map(lambda case: replace(case, count_include_pad=False, divisor_override=None))
PLAIN = CASES.map(lambda case: replace(case, window=case.window.unpadded(), ceil_mode=False, divisor_override=None))


def pool(case: Pooling, x: Tensor, **changes: object) -> Tensor:
    """The pooling of a case."""
    return BY_HAND[case.window.ndim](x, **{**options(case), **changes})


def image(case: Pooling, seed: int = 0) -> Tensor:
    """x ``(N, C, *I)`` that every count divides."""
    return DIVISIBLE * replace(case, seed=case.seed + seed).input()


def totals(case: Pooling, framed: Tensor, size: tuple[int, ...]) -> Tensor:
    """The sums of the first `size` windows, cut out one by one."""
    for axis, (k, s, p) in enumerate(zip(case.window.kernel_size, case.window.stride, size)):
        framed = framed.unfold(axis + 2, k, s).narrow(axis + 2, 0, p)
    return framed.sum(tuple(range(-len(size), 0)))


@given(case=CASES)
def test_p1_a_mean_is_the_sum_of_the_window_over_what_it_counts(case: Pooling) -> None:
    """Windows cut out one by one, zeros where there is no input; padding counts if it is to, an overhang never."""
    x, window = image(case), case.window
    y = pool(case, x)
    size = tuple(y.shape[2:])
    reach = [s * (p - 1) + k for s, p, k in zip(window.stride, size, window.kernel_size)]
    padding = [side for a, b in reversed(window.padding) for side in (a, b)]
    over = zip(reach, window.input_size, window.padding)
    overhang = [side for r, i, (a, b) in reversed(list(over)) for side in (0, max(r - i - a - b, 0))]
    counted = F.pad(torch.ones_like(x), padding, value=float(case.count_include_pad))
    count = totals(case, F.pad(counted, overhang), size)
    divisor = case.divisor_override if case.divisor_override is not None else count
    assert torch.equal(y * divisor, totals(case, F.pad(F.pad(x, padding), overhang), size))


@given(case=CASES)
def test_p2_a_window_of_one_position_is_a_copy(case: Pooling) -> None:
    x = image(case)
    y = BY_HAND[case.window.ndim](x, 1, 1)
    assert torch.equal(y, x)
    assert y is not x and (not y.numel() or y.data_ptr() != x.data_ptr())


@given(case=OWN_COUNT, constant=st.integers(-5, 5))
def test_p5_p7_more_gives_more_and_a_constant_passes_through(case: Pooling, constant: int) -> None:
    x, c = image(case), constant * DIVISIBLE
    y = pool(case, x)
    assert torch.equal(pool(case, x + c), y + c)
    assert (y <= pool(case, x + image(case, 1).abs())).all()


@given(case=OWN_COUNT)
def test_p14_a_gradient_loses_and_gains_nothing(case: Pooling) -> None:
    x = image(case).requires_grad_()
    y = pool(case, x)
    cotangent = DIVISIBLE * case.cotangent(tuple(y.shape[2:]))
    assert grad(y, x, cotangent)[0].sum() == cotangent.sum()


@given(case=PLAIN)
def test_p15_overlapping_windows_add_up_to_the_cover_over_their_size(case: Pooling) -> None:
    window = case.window
    x = image(case).requires_grad_()
    y = pool(case, x)
    (x_bar,) = grad(y, x, torch.full_like(y, window.taps))
    cover = torch.ones((), dtype=torch.float64)
    for i, k, s, p in zip(window.input_size, window.kernel_size, window.stride, window.output_size):
        covering = [sum(s * q <= at < s * q + k for q in range(p)) for at in range(i)]
        cover = cover.unsqueeze(-1) * torch.tensor(covering, dtype=torch.float64)
    assert torch.equal(x_bar, cover.expand_as(x_bar))


@given(case=CASES, a=st.integers(-3, 3))
def test_p16_it_is_linear_and_its_gradient_the_adjoint(case: Pooling, a: int) -> None:
    x, other = image(case).requires_grad_(), image(case, 1)
    y = pool(case, x)
    assert torch.equal(pool(case, a * x + other), a * y + pool(case, other))
    cotangent = DIVISIBLE * case.cotangent(tuple(y.shape[2:]))
    assert (y * cotangent).sum() == (x * grad(y, x, cotangent)[0]).sum()


@given(case=PLAIN)
def test_p16_it_is_a_depthwise_convolution_with_equal_taps(case: Pooling) -> None:
    x, window = image(case), case.window
    ones = torch.ones(x.shape[1], 1, *window.kernel_size, dtype=x.dtype)
    y = CONVOLUTIONS[window.ndim](x.contiguous(), ones, None, window.stride, groups=x.shape[1])
    assert torch.equal(pool(case, x) * prod(window.kernel_size), y)


@given(case=OWN_COUNT)
def test_p17_ceil_mode_adds_a_placement_only_where_it_starts_inside(case: Pooling) -> None:
    """Its divisor leaves the overhang out: a constant's mean is the constant at the border, too."""
    window = case.window
    y = pool(case, torch.ones_like(image(case)), ceil_mode=True)
    for got, i, k, s, (a, _) in zip(
        y.shape[2:], window.input_size, window.kernel_size, window.stride, window.padding, strict=True
    ):
        expected = -((k - i - 2 * a) // s) + 1
        assert got == (expected - 1 if (expected - 1) * s >= i + a else expected)
    assert torch.equal(y, torch.ones_like(y))


@given(case=averages(2, 3), divisor=st.sampled_from((1, 2, 9, -4)))
def test_p18_a_divisor_times_the_mean_is_the_sum(case: Pooling, divisor: int) -> None:
    x = image(case)
    assert torch.equal(divisor * pool(case, x, divisor_override=divisor), pool(case, x, divisor_override=1))


@given(case=CASES, data=st.data())
def test_p20_axes_may_change_places(case: Pooling, data: st.DataObject) -> None:
    x, ndim = image(case), case.window.ndim
    order = data.draw(st.permutations(range(ndim)))
    axes = (0, 1, *(n + 2 for n in order))
    turned = {name: tuple(value[n] for n in order) for name, value in case.sizes.items()}
    assert torch.equal(pool(case, x.permute(axes), **turned), pool(case, x).permute(axes))


@given(case=PLAIN)
def test_p20_reversing_the_input_reverses_the_means_where_nothing_is_left_over(case: Pooling) -> None:
    window, x = case.window, image(case)
    x = x[(..., *(slice(0, i - r) for i, r in zip(window.input_size, window.leftover)))]
    axes = tuple(range(2, x.dim()))
    assert torch.equal(pool(case, x.flip(axes)), pool(case, x).flip(axes))


@given(case=PLAIN)
def test_p20_moving_the_input_by_a_stride_moves_the_means_by_one(case: Pooling) -> None:
    window, x = case.window, image(case)
    moved = F.pad(x, [side for s in reversed(window.stride) for side in (s, 0)])
    inner = (..., *(slice(1, None) for _ in window.stride))
    assert torch.equal(pool(case, moved)[inner], pool(case, x))


@given(case=CASES, data=st.data())
def test_p20_channels_and_samples_do_not_see_each_other(case: Pooling, data: st.DataObject) -> None:
    x = image(case)
    n, c = (data.draw(st.permutations(range(length))) for length in x.shape[:2])
    assert torch.equal(pool(case, x[n][:, c]), pool(case, x)[n][:, c])
