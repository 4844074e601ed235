"""Laws of the index relation ``i = s·p + d·k − a``: shift, padding, dilation, stride, flip, axes exchanged or added."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.geometry import Window, same_padding
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.cases.tensors import behind
from manualconv.testing.laws.convolution.layer import (
    Layer,
    bias,
    changed,
    gradients,
    law,
    run,
    run_padded,
    with_a_sample,
    without_leftover,
)
from manualconv.testing.laws.law import same


def axes(window: Window) -> list[int]:
    """The spatial axes of a batched tensor."""
    return list(range(2, 2 + window.ndim))


def frame(padding: tuple[tuple[int, int], ...]) -> list[int]:
    """One pair per axis as F.pad takes them."""
    return [side for pair in reversed(padding) for side in pair]


def read(window: Window) -> Tensor:
    """Which input positions any window reads, counted from the index relation axis by axis: ``(*I,)``."""
    reached = torch.ones(window.input_size, dtype=torch.bool)
    for axis, (i, k, s, d, (a, _), p) in enumerate(
        zip(window.input_size, window.kernel_size, window.stride, window.dilation, window.padding, window.output_size)
    ):
        at = {s * q + d * j - a for q, j in product(range(p), range(k))}
        one = torch.tensor([position in at for position in range(i)])
        reached &= one.reshape(-1, *(1,) * (window.ndim - 1 - axis))
    return reached


@law("C7", needs=["direct"])
def positions_never_read_get_an_exact_zero(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    generator = torch.Generator().manual_seed(case.seed)
    y = y + torch.rand(y.shape, generator=generator, dtype=y.dtype)
    x_bar, _ = gradients(conv, (x, w + 0.1, None), y, case.window)
    assert x_bar.shape == x.shape
    assert torch.all(x_bar[..., ~read(case.window)] == 0)


@law("C10")
def moving_the_input_by_a_stride_moves_the_output_by_one(conv: Layer, case: Convolution) -> None:
    case = changed(case, padding=0)
    window = case.window
    x, w, _ = case.batched()
    moves = [int(p > 1) for p in window.output_size]
    cut = behind(*(slice(s * t, None) for s, t in zip(window.stride, moves)))
    moved = replace(window, input_size=tuple(x[cut].shape[2:]))
    kept = behind(*(slice(t, None) for t in moves))
    same(run(conv, x[cut], w, None, moved), run(conv, x, w, None, window)[kept])


@law("C11")
def rolling_a_circular_input_rolls_the_output(conv: Layer, case: Convolution) -> None:
    case = with_a_sample(case)
    window = case.window
    padding = same_padding(window.kernel_size, window.dilation)
    sizes = tuple(s * max(p, -(-e // s)) for s, p, e in zip(window.stride, window.output_size, window.extent))
    case = changed(case, input_size=sizes)
    x, w, _ = case.batched()
    padded = replace(window, input_size=sizes, padding=padding).unpadded()

    def circular(t: Tensor) -> Tensor:
        return run(conv, F.pad(t, frame(padding), mode="circular"), w, None, padded)

    moved = circular(x.roll(window.stride, axes(window)))
    same(moved, circular(x).roll((1,) * window.ndim, axes(window)))


@law("C12")
def padding_is_a_frame_of_zeros(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    window = case.window
    framed = F.pad(x, frame(window.padding))
    same(run(conv, x, w, bias(case), window), run(conv, framed, w, bias(case), window.unpadded()))
    x_bar, w_bar = gradients(conv, (x, w, None), y, window)
    framed_bar, framed_w_bar = gradients(conv, (framed, w, None), y, window.unpadded())
    same((x_bar, w_bar), (framed_bar[window.inner(2)], framed_w_bar))


@law("C13")
def same_padding_puts_the_odd_one_on_the_right(conv: Layer, case: Convolution) -> None:
    case = changed(case, stride=1)
    window = case.window
    x, w, _ = case.batched()
    totals = [d * (k - 1) for d, k in zip(window.dilation, window.kernel_size)]
    pairs = tuple((t // 2, t - t // 2) for t in totals)
    got = conv(x, w, bias(case), 1, "same", window.dilation, window.groups)
    assert got.shape[2:] == x.shape[2:]
    same(got, conv(x, w, bias(case), 1, pairs, window.dilation, window.groups))


@law("C14")
def dilation_stuffs_the_kernel_with_zeros(conv: Layer, case: Convolution) -> None:
    x, w, _ = case.batched()
    window = case.window
    stuffed = w.new_zeros((*w.shape[:2], *window.extent))
    stuffed[behind(*(slice(None, None, d) for d in window.dilation))] = w
    undilated = replace(window, kernel_size=window.extent, dilation=(1,) * window.ndim)
    same(run(conv, x, w, None, window), run(conv, x, stuffed, None, undilated))


@law("C15")
def a_stride_takes_every_so_manieth_output(conv: Layer, case: Convolution) -> None:
    x, w, _ = case.batched()
    dense = run(conv, x, w, bias(case), changed(case, stride=1).window)
    every = behind(*(slice(None, None, s) for s in case.window.stride))
    same(run(conv, x, w, bias(case), case.window), dense[every])


@law("C18")
def a_delta_in_the_middle_is_the_identity(conv: Layer, case: Convolution) -> None:
    kernel = tuple(k | 1 for k in case.window.kernel_size)
    padding = same_padding(kernel, case.window.dilation)
    drawn, case = case, changed(case, stride=1, kernel_size=kernel, padding=padding, groups=1)
    x, _, _ = case.batched()
    w = x.new_zeros((x.shape[1], x.shape[1], *kernel))
    w[behind(*(k // 2 for k in kernel))] = torch.eye(x.shape[1], dtype=x.dtype)
    y = run_padded(conv, drawn, x, w, case.window)
    same(y, x)
    assert y.data_ptr() != x.data_ptr() or not x.numel()
    one = changed(case, kernel_size=1, padding=((0, 0),) * case.window.ndim)
    y = run(conv, x, w.sum(axes(case.window), keepdim=True), None, one.window)
    same(y, x)
    assert y.data_ptr() != x.data_ptr() or not x.numel()


@law("C19")
def a_delta_elsewhere_moves_the_input(conv: Layer, case: Convolution) -> None:
    case = changed(case, stride=1, groups=1)
    window = case.window
    x, _, _ = case.batched()
    taps = list(product(*map(range, window.kernel_size)))
    k = taps[case.seed % len(taps)]
    w = x.new_zeros((x.shape[1], x.shape[1], *window.kernel_size))
    w[behind(*k)] = torch.eye(x.shape[1], dtype=x.dtype)
    framed = F.pad(x, frame(window.padding))
    for axis, d, j, p in zip(axes(window), window.dilation, k, window.output_size):
        framed = framed.narrow(axis, d * j, p)
    same(run(conv, x, w, None, window), framed)


@law("C22")
def flipping_input_and_kernel_flips_the_output(conv: Layer, case: Convolution) -> None:
    case = without_leftover(case)
    window, over = case.window, axes(case.window)
    x, w, _ = case.batched()
    mirrored = replace(window, padding=tuple((b, a) for a, b in window.padding))
    same(run(conv, x, w, None, window).flip(over), run(conv, x.flip(over), w.flip(over), None, mirrored))


@law("C23", cases=convolutions(2) | convolutions(3))
def exchanging_the_axes_of_everything_exchanges_those_of_the_result(conv: Layer, case: Convolution) -> None:
    window = case.window
    x, w, y = case.batched()
    order = (0, 1, *reversed(axes(window)))
    per_axis: Any = (window.input_size, window.kernel_size, window.stride, window.dilation, window.padding)
    turned = replace(Window(*(t[::-1] for t in per_axis)), groups=window.groups)
    same(run(conv, x.permute(order), w.permute(order), None, turned), run(conv, x, w, None, window).permute(order))
    other = gradients(conv, (x.permute(order), w.permute(order), None), y.permute(order), turned)
    same(other, [t.permute(order) for t in gradients(conv, (x, w, None), y, window)])


@law("C31", cases=convolutions(1) | convolutions(2))
def an_axis_of_length_one_changes_nothing(conv: Layer, case: Convolution) -> None:
    window = case.window
    x, w, y = case.batched()
    flat = run(conv, x, w, bias(case), window)
    flat_bars = gradients(conv, (x, w, bias(case)), y, window)
    for at in range(window.ndim + 1):

        def lifted(numbers: Any, one: Any, at: int = at) -> Any:
            return (*numbers[:at], one, *numbers[at:])

        numbers: Any = (window.input_size, window.kernel_size, window.stride, window.dilation)
        parts = (*(lifted(t, 1) for t in numbers), lifted(window.padding, (0, 0)))
        higher = replace(Window(*parts), groups=window.groups)
        x_l, w_l, y_l = (t.unsqueeze(2 + at) for t in (x, w, y))
        same(run(conv, x_l, w_l, bias(case), higher).squeeze(2 + at), flat)
        x_bar, w_bar, b_bar = gradients(conv, (x_l, w_l, bias(case)), y_l, higher)
        same((x_bar.squeeze(2 + at), w_bar.squeeze(2 + at), b_bar), flat_bars)
