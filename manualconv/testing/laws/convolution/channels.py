"""Laws of samples and channels: groups are blocks, channels add up, samples do not see each other."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.testing.cases import Convolution
from manualconv.testing.laws.convolution.layer import Layer, bias, changed, gradients, law, run
from manualconv.testing.laws.law import same


def shuffled(size: int, seed: int) -> Tensor:
    """A permutation of `size` numbers."""
    return torch.randperm(size, generator=torch.Generator().manual_seed(seed))


@law("C16")
def groups_are_separate_convolutions_and_one_with_a_block_diagonal_kernel(conv: Layer, case: Convolution) -> None:
    window = case.window
    dense = replace(window, groups=1)
    x, w, y = case.batched()
    got = run(conv, x, w, None, window)
    parts = list(zip(x.chunk(window.groups, 1), w.chunk(window.groups), y.chunk(window.groups, 1)))
    same(got, torch.cat([run(conv, x_g, w_g, None, dense) for x_g, w_g, _ in parts], 1))
    blocks = w.new_zeros((w.shape[0], x.shape[1], *w.shape[2:]))
    for g, w_g in enumerate(w.chunk(window.groups)):
        blocks[g * case.outputs : (g + 1) * case.outputs, g * case.channels : (g + 1) * case.channels] = w_g
    same(got, run(conv, x, blocks, None, dense))
    separate = [gradients(conv, (x_g, w_g, None), y_g, dense) for x_g, w_g, y_g in parts]
    x_bars, w_bars = zip(*separate)
    same(gradients(conv, (x, w, None), y, window), (torch.cat(x_bars, 1), torch.cat(w_bars)))


@law("C17")
def depthwise_is_one_convolution_per_channel(conv: Layer, case: Convolution) -> None:
    case = changed(case, channels=1, groups=3)
    x, w, _ = case.batched()
    alone = replace(case.window, groups=1)
    each = [
        run(conv, x[:, c : c + 1], w[o : o + 1], None, alone)
        for c in range(3)
        for o in range(c * case.outputs, (c + 1) * case.outputs)
    ]
    same(run(conv, x, w, None, case.window), torch.cat(each, 1))


@law("C20")
def a_kernel_of_one_tap_is_a_linear_layer_over_the_channels(conv: Layer, case: Convolution) -> None:
    case = changed(case, kernel_size=1, padding=0, stride=1, groups=1)
    x, w, y = case.batched()
    linear = torch.einsum("nc...,oc->no...", x, w.flatten(1))
    same(run(conv, x, w, None, case.window), linear)
    same(gradients(conv, (x, w, None), y, case.window)[1].flatten(1), torch.einsum("nc...,no...->oc", x, y))


@law("C21")
def a_kernel_as_large_as_the_input_is_a_linear_layer_over_everything(conv: Layer, case: Convolution) -> None:
    case = changed(case, padding=0, dilation=1, groups=1)
    case = changed(case, kernel_size=case.window.input_size)
    x, w, _ = case.batched()
    assert case.window.output_size == (1,) * case.window.ndim
    got = run(conv, x, w, bias(case), case.window)
    same(got.flatten(1), F.linear(x.flatten(1), w.flatten(1), bias(case)))


@law("C27")
def permuting_channels_permutes_what_belongs_to_them(conv: Layer, case: Convolution) -> None:
    x, w, _ = case.batched()
    groups, window = case.window.groups, case.window
    b = bias(case)
    y = run(conv, x, w, b, window)
    # Inside every group the same permutation of its channels, on x and w together.
    inside = shuffled(case.channels, case.seed)
    x_inside = x.unflatten(1, (groups, case.channels))[:, :, inside].flatten(1, 2)
    same(run(conv, x_inside, w[:, inside], b, window), y)
    # Output channels inside every group.
    outputs = shuffled(case.outputs, case.seed + 1)
    order = (torch.arange(groups)[:, None] * case.outputs + outputs).flatten()
    same(run(conv, x, w[order], b[order], window), y[:, order])
    # Whole groups.
    whole = shuffled(groups, case.seed + 2)
    x_whole = x.unflatten(1, (groups, case.channels))[:, whole].flatten(1, 2)
    order = (whole[:, None] * case.outputs + torch.arange(case.outputs)).flatten()
    same(run(conv, x_whole, w[order], b[order], window), y[:, order])


@law("C28")
def input_channels_add_up(conv: Layer, case: Convolution) -> None:
    case = changed(case, groups=1, channels=case.channels + 1)
    x, w, _ = case.batched()
    parts = [run(conv, x[:, part], w[:, part], None, case.window) for part in (slice(0, 1), slice(1, None))]
    same(run(conv, x, w, None, case.window), parts[0] + parts[1])


@law("C29")
def output_channels_stand_beside_each_other(conv: Layer, case: Convolution) -> None:
    case = changed(case, groups=1, outputs=case.outputs + 1)
    x, w, y = case.batched()
    b = bias(case)
    parts = (slice(0, 1), slice(1, None))
    same(
        run(conv, x, w, b, case.window),
        torch.cat([run(conv, x, w[part], b[part], case.window) for part in parts], 1),
    )
    bars = [gradients(conv, (x, w[part], b[part]), y[:, part], case.window) for part in parts]
    x_bar, w_bar, b_bar = gradients(conv, (x, w, b), y, case.window)
    same((x_bar, w_bar, b_bar), (bars[0][0] + bars[1][0], *(torch.cat(t) for t in list(zip(*bars))[1:])))


@law("C30")
def samples_do_not_see_each_other(conv: Layer, case: Convolution) -> None:
    case = replace(case, batch=3)
    x, w, y = case.batched()
    b, window = bias(case), case.window
    whole = run(conv, x, w, b, window)
    same(whole, torch.cat([run(conv, x[n : n + 1], w, b, window) for n in range(3)]))
    same(whole, torch.stack([run(conv, image, w, b, window) for image in x]))
    order = shuffled(3, case.seed)
    same(run(conv, x[order], w, b, window), whole[order])
    bars = gradients(conv, (x, w, b), y, window)
    alone = [gradients(conv, (x[n], w, b), y[n], window) for n in range(3)]
    x_bars, w_bars, b_bars = zip(*alone)
    same(bars, (torch.stack(x_bars), sum(w_bars), sum(b_bars)))
