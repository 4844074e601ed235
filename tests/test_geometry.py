"""The index relation: sizes against counting, spellings against torch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv import definitions
from manualconv.geometry import (
    Once,
    TransposedWindow,
    Window,
    ceil_padding,
    full_padding,
    per_axis,
    same_padding,
    transposed_window,
    window_of_output,
    within_reach,
)
from manualconv.testing.cases import Pooling, poolings, windows

WINDOWS = st.tuples(st.sampled_from((2, 1, 3)), st.booleans()).flatmap(lambda kind: windows(kind[0], cut=kind[1]))


@given(window=WINDOWS)
def test_the_output_size_counts_the_placements(window: Window) -> None:
    assert window.output_size == definitions.output_size(window)


@given(window=WINDOWS)
def test_the_leftover_is_what_no_placement_reaches(window: Window) -> None:
    last = definitions.position(
        tuple(p - 1 for p in window.output_size), tuple(k - 1 for k in window.kernel_size), window
    )
    ends = tuple(i + b for i, (_, b) in zip(window.input_size, window.padding))
    assert window.leftover == tuple(end - 1 - at for end, at in zip(ends, last))


@given(window=WINDOWS)
def test_a_tap_s_slices_read_one_position_per_output(window: Window) -> None:
    for k in definitions.indices(window.kernel_size):
        assert window.tap(k, lead=2)[:2] == (slice(None),) * 2
        for axis, positions in enumerate(window.tap(k, lead=0)):
            a, size = window.padding[axis][0], window.padded_size[axis]
            reads = [window.stride[axis] * p + window.dilation[axis] * k[axis] for p in range(window.output_size[axis])]
            assert list(range(size))[positions] == reads
            assert reads[0] - a == definitions.position((0,) * window.ndim, k, window)[axis]


@given(window=WINDOWS, more=st.tuples(*[st.integers(0, 3)] * 3))
def test_the_smallest_input_of_an_output_size_gives_it_back(window: Window, more: tuple[int, ...]) -> None:
    arguments = (window.output_size, window.kernel_size, window.stride, window.dilation, window.padding, 5)
    smallest = window_of_output(*arguments)
    assert smallest.output_size == window.output_size
    assert not any(smallest.leftover)
    assert smallest.groups == 5
    larger = window_of_output(*arguments, more[: window.ndim])
    assert larger.output_size == window.output_size
    assert larger.input_size == tuple(i + m for i, m in zip(smallest.input_size, more))


@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True)))
def test_ceil_mode_is_a_larger_right_padding(case: Pooling) -> None:
    raised = ceil_padding(case.window)
    assert raised.output_size == definitions.output_size(case.window, ceil_mode=True)
    assert all(a == b for (a, _), (b, _) in zip(raised.padding, case.window.padding))
    more = [a > b for a, b in zip(raised.output_size, case.window.output_size)]
    # No larger than the one more placement needs: nothing is left over then.
    assert raised.leftover == tuple(0 if one else r for one, r in zip(more, case.window.leftover))
    assert all(one or a == b for one, a, b in zip(more, raised.padding, case.window.padding))


@given(window=windows(2, cut=True))
def test_the_inner_slices_are_the_input_and_the_kept_ones_what_no_negative_side_cuts_off(window: Window) -> None:
    axes = zip(window.padding, window.input_size, window.padded_size, window.inner(lead=0), window.kept(lead=0))
    for (a, b), size, padded, inner, kept in axes:
        positions = range(-max(a, 0), size + max(b, 0))  # of the input with its positive padding
        assert list(positions)[inner] == list(range(size))
        assert list(positions)[kept] == list(range(-a, padded - a))


def test_the_frame_is_torch_s_order_of_padding() -> None:
    window = Window((4, 5), (1, 1), (1, 1), (1, 1), ((1, 2), (3, 0)))
    assert window.frame == [3, 0, 1, 2]
    assert window.is_padded
    assert not window.unpadded().is_padded


@given(window=windows(2))
def test_a_window_on_the_padded_input_places_alike(window: Window) -> None:
    assert window.unpadded().input_size == window.padded_size
    assert window.unpadded().output_size == window.output_size


@given(kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)), dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)))
def test_same_keeps_the_size_and_puts_the_odd_one_right(kernel: tuple[int, int], dilation: tuple[int, int]) -> None:
    window = Window((9, 11), kernel, (1, 1), dilation, same_padding(kernel, dilation))
    assert window.output_size == window.input_size
    assert all(b - a in (0, 1) for a, b in window.padding)


def test_full_lets_every_tap_meet_every_position() -> None:
    window = Window((4, 5), (2, 3), (1, 1), (3, 2), full_padding((2, 3), (3, 2)))
    assert window.padding == ((3, 3), (4, 4))
    assert window.output_size == (4 + 3, 5 + 4)


def test_one_number_stands_for_every_axis() -> None:
    assert per_axis(3, 2) == per_axis((3,), 2) == per_axis([3], 2) == per_axis((3, 3), 2) == (3, 3)
    assert per_axis(3, 0) == ()
    with pytest.raises(ValueError, match="3 entries where 1 or 2 are needed"):
        per_axis((1, 2, 3), 2)


def test_sizes_of_a_meta_tensor_need_no_data() -> None:
    x = torch.empty(2, 3, 28, 28, device="meta")
    assert Window(tuple(x.shape[2:]), (5, 5), (1, 1), (1, 1), ((2, 2), (2, 2))).output_size == (28, 28)


def test_a_window_is_frozen_and_hashable() -> None:
    window = Window((4,), (2,), (1,), (1,), ((0, 0),))
    assert hash(window) == hash(Window((4,), (2,), (1,), (1,), ((0, 0),)))
    with pytest.raises(AttributeError, match="cannot assign"):
        window.groups = 2  # type: ignore[misc]


def test_a_settled_window_has_nothing_left_to_keep() -> None:
    window = Window((5, 4), (3, 2), (1, 2), (1, 1), ((0, 1), (2, 0)))
    window.settle()
    kept = {name for name, value in vars(Window).items() if isinstance(value, Once)}
    assert kept and kept <= vars(window).keys()


def test_what_a_window_is_called() -> None:
    window = Window((9, 8), (3, 2), (2, 1), (1, 4), ((1, 0), (0, 0)))
    assert (window.ndim, window.extent, window.padded_size) == (2, (3, 5), (10, 8))
    assert (window.output_size, window.leftover) == ((4, 4), (1, 0))
    assert (window.taps, window.placements) == (6, 16)
    assert (window.groups, window.channels_last, window.algorithm, window.accuracy) == (1, False, None, "exact")
    assert window_of_output((4, 4), (3, 2), (2, 1), (1, 4), ((1, 0), (0, 0))).groups == 1


@pytest.mark.parametrize(
    ("kernel", "stride", "pointwise"),
    [((1, 1), (1, 1), True), ((1, 2), (1, 1), False), ((2, 1), (1, 1), False), ((1, 1), (1, 2), False), ((), (), True)],
)
def test_pointwise_is_one_tap_and_no_step(kernel: tuple[int, ...], stride: tuple[int, ...], pointwise: bool) -> None:
    ones = (1,) * len(kernel)
    assert Window((6,) * len(kernel), kernel, stride, ones, ((0, 0),) * len(kernel)).is_pointwise is pointwise


@pytest.mark.parametrize(
    ("padding", "padded", "cut"),
    [
        (((0, 0), (0, 0)), False, False),
        (((0, 0), (0, 1)), True, False),
        (((1, 0), (0, 0)), True, False),
        (((0, 0), (-1, 0)), True, True),
        (((2, -1), (3, 3)), True, True),
    ],
)
def test_padded_and_cut(padding: tuple[tuple[int, int], ...], padded: bool, cut: bool) -> None:
    window = Window((6, 6), (1, 1), (1, 1), (1, 1), padding)
    assert (window.is_padded, window.is_cut) == (padded, cut)


def test_a_transposed_window_is_the_same_one_by_another_name() -> None:
    window = Window((9, 8), (3, 2), (2, 1), (1, 4), ((1, 0), (0, 0)), 3, True, "direct", "fast")
    turned = transposed_window(window)
    assert type(turned) is TransposedWindow
    assert vars(turned) == {name: vars(window)[name] for name in vars(turned)}
    assert len(vars(turned)) == 9


FAR = 2**31


@pytest.mark.parametrize("far", [FAR + 1, 2**62])
def test_steps_that_are_never_made_are_left_out(far: int) -> None:
    padding = ((1, 2), (0, 0))
    for stride, dilation in (((far, 2), (3, 4)), ((2, far), (3, 4)), ((2, 3), (far, 4)), ((far, far), (far, far))):
        window = Window((7, 5), (1, 2), stride, dilation, padding, 3, True, "direct", "fast")
        near = within_reach(window)
        assert near.stride == tuple(min(s, i) for s, i in zip(stride, (10, 5)))
        assert near.dilation == (1, dilation[1])
        kept = ("input_size", "kernel_size", "padding", "groups", "channels_last", "algorithm", "accuracy")
        assert all(getattr(near, name) == getattr(window, name) for name in kept)
        if dilation[1] < far:
            assert near.output_size == window.output_size


@pytest.mark.parametrize(("stride", "dilation"), [((FAR, 1), (1, FAR)), ((1, 1), (FAR, 1)), ((2, 3), (4, 5))])
def test_a_window_with_steps_within_reach_is_left_alone(stride: tuple[int, int], dilation: tuple[int, int]) -> None:
    window = Window((7, 5), (1, 1), stride, dilation, ((0, 0), (0, 0)))
    assert within_reach(window) is window
