"""Data movement: windows and overlap-add, pad and crop, each the other's adjoint."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv.definitions import indices, inside
from manualconv.geometry import Window
from manualconv.kernels.movement.windows import crop, overlap_add, pad, taps, windows
from manualconv.testing.cases import windows as any_window
from manualconv.testing.cases.tensors import filled

WINDOWS = st.sampled_from((2, 1, 3)).flatmap(any_window)
CUT_WINDOWS = st.sampled_from((2, 1, 3)).flatmap(lambda ndim: any_window(ndim, cut=True))
#: Axes before and behind the spatial ones: images (N, C, *I), and with the batch innermost (C, *I, N).
FRAMES = st.sampled_from((((2, 3), ()), ((2,), (3,))))
Frame = tuple[tuple[int, ...], tuple[int, ...]]


def numbers(frame: Frame, size: tuple[int, ...], seed: int) -> torch.Tensor:
    """Small integers as float64, `size` between the frame's axes."""
    before, behind = frame
    return filled("small", (*before, *size, *behind), torch.Generator().manual_seed(seed)).double()


@given(window=WINDOWS, frame=FRAMES)
def test_windows_read_placement_plus_tap_and_overlap_add_is_their_adjoint(window: Window, frame: Frame) -> None:
    window, lead = window.unpadded(), len(frame[0])
    x = numbers(frame, window.input_size, 1)
    v = windows(x, window, lead)
    assert v.shape == (*frame[0], *window.kernel_size, *window.output_size, *frame[1])
    whole = (slice(None),) * lead
    for k in indices(window.kernel_size):
        for p in indices(window.output_size):
            i = tuple(s * q + d * j for s, q, d, j in zip(window.stride, p, window.dilation, k))
            assert torch.equal(v[(*whole, *k, *p)], x[(*whole, *i)])
    other = numbers(frame, (*window.kernel_size, *window.output_size), 2)
    assert (v * other).sum() == (x * overlap_add(other, window, lead)).sum()
    coverage = overlap_add(windows(torch.ones_like(x), window, lead), window, lead)
    assert torch.equal(overlap_add(v, window, lead), coverage * x)


@given(window=CUT_WINDOWS, frame=FRAMES)
def test_a_frame_is_added_a_negative_side_cuts_off_and_the_adjoint_undoes_it(window: Window, frame: Frame) -> None:
    lead = len(frame[0])
    x, y = numbers(frame, window.input_size, 1), numbers(frame, window.padded_size, 2)
    padded, cropped = pad(x, window, lead, 7.0), crop(y, window, lead)
    assert padded.shape == y.shape and cropped.shape == x.shape
    assert padded.is_contiguous() and pad(x, window, lead).is_contiguous()
    whole, starts = (slice(None),) * lead, [a for a, _ in window.padding]
    seen = torch.zeros_like(x)
    for j in indices(window.padded_size):
        i = tuple(at - a for at, a in zip(j, starts))
        is_inside = inside(i, window.input_size)
        held = x[(*whole, *i)] if is_inside else torch.tensor(7.0, dtype=x.dtype)
        assert torch.equal(padded[(*whole, *j)], held.expand(*frame[0], *frame[1]))
        if is_inside:
            seen[(*whole, *i)] = y[(*whole, *j)]
    assert torch.equal(cropped, seen)


def test_taps_are_row_major() -> None:
    window = Window((3, 3), (2, 3), (1, 1), (1, 1), ((0, 0), (0, 0)))
    assert list(taps(window)) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
