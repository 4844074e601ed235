"""Intervals are the boxes of gradients: of drawn networks at every unit, of torchvision's at their last maps."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision import models

from manualconv.explain.field.axis import hull
from manualconv.explain.field.follow import followed
from manualconv.explain.field.tensor import Field
from manualconv.explain.networks.receptive import last_row
from tests.explain.field.gradients import Means, box, positive, seen_by_gradient, units


class Step(NamedTuple):
    """A function of the drawn network."""

    words: str
    run: Callable[[Tensor], Tensor]


class Drawn(nn.Module):
    """Steps one after another, in one channel."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, x: Tensor) -> Tensor:
        """All of them."""
        for step in self.steps:
            x = step.run(x)
        return x


def ones(x: Tensor, kernel: Sequence[int]) -> Tensor:
    return torch.ones(1, 1, *kernel, dtype=x.dtype, device=x.device)


def convolved(x: Tensor, kernel: Sequence[int], stride: Any, frame: Sequence[int], dilation: Any, mode: str) -> Tensor:
    """Padded apart on each side, then convolved."""
    layer = F.conv1d if x.dim() == 3 else F.conv2d
    return layer(F.pad(x, list(frame), mode), ones(x, kernel), None, stride, 0, dilation)


def enlarged(x: Tensor, kernel: Sequence[int], stride: Any, padding: Any, dilation: Any, more: Any) -> Tensor:
    layer = F.conv_transpose1d if x.dim() == 3 else F.conv_transpose2d
    return layer(x, ones(x, kernel), None, stride, padding, more, 1, dilation)


def pooled(x: Tensor, kernel: Sequence[int], stride: Any, padding: Any, ceil: bool) -> Tensor:
    layer = F.avg_pool1d if x.dim() == 3 else F.avg_pool2d
    return layer(x, tuple(kernel), stride, padding, ceil, True)


def joined(x: Tensor, one: Sequence[Step], other: Sequence[Step]) -> Tensor:
    return Drawn(one)(x) + Drawn(other)(x)


@st.composite
def steps(draw: st.DrawFn, size: list[int], branches: bool = True) -> Step:
    """One step on a map of this size, which is changed to that of the result."""
    ndim = len(size)

    def numbers(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(low, high), min_size=ndim, max_size=ndim)))

    kinds = ["convolution", "pooling", "transposed", "resized", "cut", *(["branches"] if branches else [])]
    kind = draw(st.sampled_from(kinds))
    kernel, stride = numbers(1, 3), numbers(1, 3)
    if kind == "convolution":
        dilation, mode = numbers(1, 2), draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
        sides = [(a, b) for a, b in zip(numbers(0, 2), numbers(0, 2))]
        if mode != "constant":
            sides = [(min(a, i - 1), min(b, i - 1)) for (a, b), i in zip(sides, size)]
        extents = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
        sides = [
            (a, b + max(0, e - i - a - b)) if mode == "constant" else (a, b)
            for (a, b), i, e in zip(sides, size, extents)
        ]
        kernel = tuple(k if i + a + b >= e else 1 for k, i, (a, b), e in zip(kernel, size, sides, extents))
        frame = [side for pair in reversed(sides) for side in pair]
        size[:] = [
            (i + a + b - d * (k - 1) - 1) // s + 1 for i, (a, b), d, k, s in zip(size, sides, dilation, kernel, stride)
        ]
        return Step(
            f"{kind} {kernel} {stride} {sides} {dilation} {mode}",
            lambda x: convolved(x, kernel, stride, frame, dilation, mode),
        )
    if kind == "pooling":
        kernel = tuple(min(k, i) for k, i in zip(kernel, size))
        padding, ceil = tuple(draw(st.integers(0, k // 2)) for k in kernel), draw(st.booleans())
        size[:] = pooled(torch.empty(1, 1, *size), kernel, stride, padding, ceil).shape[2:]
        return Step(f"{kind} {kernel} {stride} {padding} {ceil}", lambda x: pooled(x, kernel, stride, padding, ceil))
    if kind == "transposed":
        dilation = numbers(1, 2)
        more = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
        sizes = [s * (i - 1) + d * (k - 1) + 1 + m for i, k, s, d, m in zip(size, kernel, stride, dilation, more)]
        padding = tuple(draw(st.integers(0, min(2, (o - 1) // 2))) for o in sizes)
        size[:] = [o - 2 * p for o, p in zip(sizes, padding)]
        return Step(
            f"{kind} {kernel} {stride} {padding} {dilation} {more}",
            lambda x: enlarged(x, kernel, stride, padding, dilation, more),
        )
    if kind == "resized":
        new = tuple(max(1, i + n) for i, n in zip(size, numbers(-3, 5)))
        mode = draw(st.sampled_from(["nearest", "nearest-exact", "linear" if ndim == 1 else "bilinear", "area"]))
        corners = draw(st.booleans()) if mode.endswith("linear") else None
        size[:] = new
        return Step(f"{kind} {new} {mode} {corners}", lambda x: F.interpolate(x, new, mode=mode, align_corners=corners))
    if kind == "cut":
        first = [draw(st.integers(0, min(1, i - 1))) for i in size]
        step = numbers(1, 2)
        index = (..., *(slice(a, None, s) for a, s in zip(first, step)))
        size[:] = [len(range(a, i, s)) for i, a, s in zip(size, first, step)]
        return Step(f"{kind} {index}", lambda x: x[index])
    one_size, other_size = list(size), list(size)
    one = draw(st.lists(steps(one_size, False), max_size=2))
    other = draw(st.lists(steps(other_size, False), max_size=2))
    size[:] = one_size
    target = tuple(one_size)
    back = Step(f"to {target}", lambda x: F.interpolate(x, target))
    return Step(f"{kind} {one} {other}", lambda x: joined(x, one, [*other, back]))


@st.composite
def networks(draw: st.DrawFn) -> tuple[tuple[int, ...], list[Step]]:
    """An input's size and up to four steps."""
    size = draw(st.lists(st.integers(3, 9), min_size=1, max_size=2))
    first = tuple(size)
    return first, [draw(steps(size)) for _ in range(draw(st.integers(1, 4)))]


def dims_of(field: Field) -> list[int | None]:
    """For each axis of the input the dimension that follows it."""
    places = {axis.axis: dim for dim, axis in enumerate(field.axes) if axis is not None}
    return [places.get(axis) for axis in range(len(field.spans))]


def check(y: Tensor, x: Tensor, field: Field, places: Sequence[tuple[int, ...]]) -> None:
    """The field's box of each place is the gradient's."""
    dims = dims_of(field)
    for place in places:
        index: list[Any] = [slice(None)] * y.dim()
        for dim, q in zip(dims, place):
            if dim is not None:
                index[dim] = q
        assert field.box(place) == box(y[tuple(index)], x), place


@given(networks())
def test_drawn_networks_see_what_their_gradients_say(drawn: tuple[tuple[int, ...], list[Step]]) -> None:
    """Chains and branches: of each row and column of units, the rows or columns of the input that they see.

    Where a unit on the way sees padding alone on one axis, it sees nothing on the other: then less may be seen.
    """
    sizes, layers = drawn
    model = Drawn(layers)
    path, x = seen_by_gradient(model, sizes, 1, [""])
    y, field = path.kept[""], path.modules[""][0]
    for number, dim in enumerate(dims_of(field)):
        axis = field.of(number)
        assert dim is not None and axis is not None and axis.size == y.shape[dim]
        for q in range(axis.size):
            found, expected = axis.seen[q], box(y.select(dim, q), x, least=1e-9)[number]
            if len(sizes) == 1 or not any(None in each.seen for row in path.rows for each in row.field.axes if each):
                assert found == expected, (number, q)
            else:
                assert expected is None or hull([found, expected]) == found, (number, q)
    assert followed(model, sizes, 1).modules[""] == path.modules[""]


NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int]]] = {
    "alexnet": (lambda: models.alexnet(weights=None).features, (300, 65)),
    "googlenet": (lambda: models.googlenet(weights=None, init_weights=False), (40, 57)),
    "lraspp": (
        lambda: models.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None),
        (40, 66),
    ),
    "mnasnet0_5": (lambda: models.mnasnet0_5(weights=None), (40, 66)),
    "mobilenet_v3_small": (lambda: models.mobilenet_v3_small(weights=None), (66, 40)),
    "regnet_y_400mf": (lambda: models.regnet_y_400mf(weights=None), (40, 66)),
    "resnet18": (lambda: models.resnet18(weights=None), (449, 17)),
    "shufflenet_v2_x0_5": (lambda: models.shufflenet_v2_x0_5(weights=None), (560, 17)),
    "squeezenet1_0": (lambda: models.squeezenet1_0(weights=None), (200, 64)),
    "vgg11": (lambda: models.vgg11(weights=None).features, (200, 33)),
}
#: Larger ones, for `make prove`.
LARGER: dict[str, tuple[Callable[[], nn.Module], tuple[int, int]]] = {
    "densenet121": (lambda: models.densenet121(weights=None).features, (64, 64)),
    "fcn_resnet50": (lambda: models.segmentation.fcn_resnet50(weights=None, weights_backbone=None), (64, 64)),
    "inception_v3": (lambda: models.inception_v3(weights=None, init_weights=False), (107, 75)),
    "mobilenet_v2": (lambda: models.mobilenet_v2(weights=None), (515, 33)),
    "resnet50": (lambda: models.resnet50(weights=None), (64, 96)),
}
if os.environ.get("MANUALCONV_PROOF_PART") == "1":
    NETS |= LARGER


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return build()


@pytest.mark.parametrize("name", NETS)
def test_torchvision_s_networks_see_what_their_gradients_say(name: str) -> None:
    """A row in the middle and the result at the centre, the last map at the centre and in the corner."""
    build, sizes = NETS[name]
    model = positive(build() if name.startswith("regnet") else on_meta(build))
    with Means():
        rows = followed(model, sizes, 3).rows
    path, x = seen_by_gradient(model, sizes, 3, [row.name for row in rows])
    assert [row.name for row in path.rows] == [row.name for row in rows]
    last = last_row(path)
    assert last is not None
    for row in (rows[len(rows) // 2], last, rows[-1]):
        places = units(path.kept[row.name], dims_of(row.field))
        check(path.kept[row.name], x, row.field, [places[len(places) // 2], places[-1]][: 1 + (row is last)])
