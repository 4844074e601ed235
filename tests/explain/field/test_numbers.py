"""The published receptive fields come out: the notes' three networks row by row, torchvision's at their last maps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision import models

import manualconv
from manualconv import explain
from manualconv.explain.field.axis import merged, whole_input
from manualconv.explain.field.follow import followed
from manualconv.explain.field.path import Row
from manualconv.explain.field.reading import shifted, transposed, window
from manualconv.explain.field.tensor import met, of_input
from manualconv.explain.networks.named import LISTS, built, named
from manualconv.explain.networks.receptive import last_row


def three(row: Row) -> tuple[int, ...]:
    """Output size, stride, receptive field of a row whose axes are alike."""
    axes = [row.field.of(0), row.field.of(1)]
    assert axes[0] is not None and axes[1] is not None
    (first,), (second,) = axes[0].ends, axes[1].ends
    assert first == second and first is not None
    return axes[0].size, axes[0].jump, first[1] - first[0] + 1


def numbers(text: str) -> list[tuple[int, ...]]:
    """``54/4/11 26/8/19`` as triples."""
    return [tuple(map(int, part.split("/"))) for part in text.split()]


SPEC = {
    ("alexnet", 224): "54/4/11 26/8/19 26/8/51 12/16/67 12/16/99 12/16/131 12/16/163 5/32/195",
    ("alexnet", 227): "55/4/11 27/8/19 27/8/51 13/16/67 13/16/99 13/16/131 13/16/163 6/32/195",
    ("zf5", 224): "112/2/7 56/4/11 28/8/27 14/16/43 14/16/75 14/16/107 14/16/139",
    ("vgg16", 224): "224/1/3 224/1/5 112/2/6 112/2/10 112/2/14 56/4/16 56/4/24 56/4/32 56/4/40 28/8/44 28/8/60 28/8/76 "
    "28/8/92 14/16/100 14/16/132 14/16/164 14/16/196 7/32/212",
}


@pytest.mark.parametrize(("name", "size"), SPEC)
def test_the_notes_networks_row_by_row(name: str, size: int) -> None:
    rows = explain.receptive_fields(named(name), size).rows
    assert [row.name for row in rows] == [layer.name for layer in LISTS[name]]
    assert [three(row) for row in rows] == numbers(SPEC[name, size])


def test_vgg16_s_convolutions_hold_its_parameters() -> None:
    assert sum(p.numel() for p in named("vgg16").parameters()) == 14_714_688


def mobilenet_v1() -> nn.Sequential:
    """Howard et al. 2017, table 1, without its classifier."""
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    blocks = [
        layer
        for stride in strides
        for layer in (nn.Conv2d(8, 8, 3, stride, 1, groups=8), nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.ReLU6())
    ]
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), *blocks)


PUBLISHED: dict[str, tuple[Callable[[], nn.Module], int, tuple[int, int, int]]] = {
    "inception_v3": (lambda: models.inception_v3(weights=None, init_weights=False), 299, (1311, 32, 618)),
    "alexnet": (lambda: models.alexnet(weights=None).features, 224, (195, 32, 66)),
    "vgg16": (lambda: models.vgg16(weights=None).features, 224, (212, 32, 90)),
    "resnet18": (lambda: models.resnet18(weights=None), 224, (435, 32, 217)),
    "resnet50": (lambda: models.resnet50(weights=None), 224, (427, 32, 213)),
    "mobilenet_v1": (mobilenet_v1, 224, (315, 32, 157)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_fields_come_out(name: str) -> None:
    """Receptive field, stride, effective padding of the last map; MobileNet's padding is symmetric here."""
    build, size, expected = PUBLISHED[name]
    with torch.device("meta"):
        model = build()
    row = last_row(followed(model, (size, size), 3))
    assert row is not None
    axis = row.field.of(1)
    assert axis is not None and axis.ends[0] is not None
    low, high = axis.ends[0]
    assert (high - low + 1, axis.jump, -low) == expected


layers = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(0, 3), st.integers(0, 3))


@given(st.lists(layers, min_size=1, max_size=5))
def test_a_chain_is_the_notes_program(chain: list[tuple[int, ...]]) -> None:
    """From the top: RF = (RF − 1)·s + d(k − 1) + 1, stride = Π s, and the padding Σ p·(strides below)."""
    axis = whole_input(0, 1)
    for kernel, stride, dilation, before, _ in chain:
        axis = axis.through(shifted(before), 1).through(window(kernel, stride, dilation, 0), 1)
    extent, jump, padding = 1, 1, 0
    for kernel, stride, dilation, _, _ in reversed(chain):
        extent = (extent - 1) * stride + dilation * (kernel - 1) + 1
    for _, stride, _, before, _ in chain:
        padding += before * jump
        jump *= stride
    assert axis.ends == ((-padding, extent - 1 - padding),)
    assert axis.jump == jump
    assert axis.at(7) == (7 * jump - padding, 7 * jump - padding + extent - 1)


@given(st.lists(layers, min_size=2, max_size=3), st.integers(1, 9))
def test_a_merge_takes_the_least_and_the_greatest(branches: list[tuple[int, ...]], size: int) -> None:
    begin = whole_input(0, size)
    axes = [begin.through(window(k, 2, d, a), size) for k, _, d, a, _ in branches]
    axis, alike = merged(axes)
    ends = [each.ends[0] for each in axes]
    assert alike and axis.jump == 2
    assert axis.ends == ((min(low for low, _ in filter(None, ends)), max(high for _, high in filter(None, ends))),)


def test_phases_of_an_enlargement_see_unequal_parts() -> None:
    """Kernel 3 and stride 2: taps 0 and 2 meet at even positions, tap 1 alone at odd ones."""
    axis = whole_input(0, 4).through(transposed(3, 2, 1, 0), 9)
    assert axis.lengths == [2, 1] and axis.jump == 1 and axis.stride * 2 == 1
    assert axis.seen == ((0, 0), (0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 3))
    assert axis.through(window(1, 2, 1, 0), 5).lengths == [2]


def test_ours_see_what_torch_s_see() -> None:
    """Layers of manualconv.nn and converted ones, and those that torch does not have."""

    def network(library: object) -> nn.Sequential:
        kinds = [getattr(library, name) for name in ("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "ConvTranspose2d")]
        convolution, norm, rectifier, pooling, back = kinds
        return nn.Sequential(
            convolution(3, 4, (3, 5), padding="same", dilation=2), norm(4), rectifier(), pooling(2), back(4, 2, 3, 2)
        )

    theirs, ours = network(nn), network(manualconv.nn)
    expected = explain.receptive_fields(theirs, (16, 18)).text
    assert explain.receptive_fields(ours, (16, 18)).text == expected
    assert explain.receptive_fields(manualconv.convert(theirs), (16, 18)).text == expected
    sub = nn.Sequential(manualconv.nn.Conv2d(1, 2, 5, padding="full"), manualconv.nn.Subsample2d(2, 2))
    row = last_row(followed(sub, (12, 12), 1))
    assert row is not None and three(row) == (8, 2, 6)


def test_lists_pair_up() -> None:
    """A list's channels are what its next convolution takes."""
    assert all(isinstance(layer, nn.Module) for layer in built(LISTS["alexnet"]))
    convolutions = [layer for layer in built(LISTS["zf5"]) if isinstance(layer, nn.Conv2d)]
    assert all(one.out_channels == other.in_channels for one, other in pairwise(convolutions))


def test_away_from_the_borders_the_endless_ends_are_what_is_seen() -> None:
    """Behind an encoder, a decoder and another encoder, whose phases repeat: with zero padding, at every position."""
    axis = whole_input(0, 96)
    for reading, size in (
        (window(3, 2, 1, 1), 48),
        (transposed(3, 2, 1, 1), 95),
        (transposed(4, 3, 2, 1), 287),
        (window(5, 1, 2, 4), 287),
        (window(2, 4, 1, 0), 71),
    ):
        axis = axis.through(reading, size)
        inside = [q for q in range(size) if (ends := axis.at(q)) and ends[0] >= 8 and ends[1] < 88]
        assert len(inside) > size // 2
        assert all(axis.at(q) == axis.seen[q] for q in inside)


def test_a_span_that_grows_keeps_what_it_had() -> None:
    field = of_input((4, 6))
    rows = field.arranged([0, 1, 2, 3]).spread([2])
    assert rows.spans == ((0, 3), None)
    assert rows.spread([3]).spans == ((0, 3), (0, 5))
    first = field.through([shifted(0), shifted(0)], (1, 6)).mixed([2])
    assert first.spans == ((0, 0), None)
    again = met([first, field.through([shifted(-2), shifted(0)], (1, 6))], [(1, 3, 1, 6)] * 2, (1, 3, 1, 6)).spread([2])
    assert again.spans == ((0, 2), None)


def test_what_is_left_unread_is_of_the_input() -> None:
    """ZF-5's remainders are padding; a pooling in ceil mode has none; AlexNet's are rows and columns."""
    zf5 = explain.receptive_fields(named("zf5"), 224).text
    assert "conv1 (224 + 6 − 7)/2 + 1 = 112.5" in zf5 and "left unread" not in zf5
    assert "rounded" not in explain.receptive_fields(nn.MaxPool2d(2, ceil_mode=True), 5, 1).text
    assert "left unread: " in explain.receptive_fields(nn.MaxPool2d(2), 5, 1).text
