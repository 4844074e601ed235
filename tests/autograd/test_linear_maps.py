"""Sums and spreads, copies, frames and selections of any geometry: linear maps, each the other's derivative."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import forward_ad, grad

from manualconv.autograd import (
    Extend,
    FoldBack,
    Maximum,
    Pad,
    Scatter,
    ScatterTaps,
    Select,
    SelectTaps,
    SpreadBias,
    SpreadWindows,
    SumToBias,
    SumWindows,
)
from manualconv.geometry import Extension, Window
from manualconv.testing.cases import Convolution, Padding, convolutions, paddings
from manualconv.testing.cases.tensors import filled


class Pair(NamedTuple):
    """A map, its adjoint, an argument and a cotangent."""

    apply: Callable[[Tensor], Tensor]
    adjoint: Callable[[Tensor], Tensor]
    x: Tensor
    y: Tensor


DIMENSIONS = st.sampled_from((2, 1, 3))
CONSTANT = DIMENSIONS.flatmap(lambda ndim: paddings(ndim, modes=("constant",)))
COPYING = DIMENSIONS.flatmap(lambda ndim: paddings(ndim, modes=("reflect", "replicate", "circular")))
WINDOWED = DIMENSIONS.flatmap(lambda ndim: convolutions(ndim, groups=(1,)))
SEEDS = st.integers(0, 999)


def framed(case: Padding) -> Pair:
    back = tuple(-side for side in case.frame)
    return Pair(lambda t: Pad.call(t, case.frame, 0), lambda t: Pad.call(t, back, 0), case.input(), case.cotangent())


def copied(case: Padding) -> Pair:
    e = Extension(case.input_size, case.padding, case.mode)
    return Pair(lambda t: Extend.call(t, e), lambda t: FoldBack.call(t, e), case.input(), case.cotangent())


def drawn(seed: int, *shape: int) -> Tensor:
    """Small integers as float64."""
    return filled("small", shape, torch.Generator().manual_seed(seed)).double()


def places(seed: int, *shape: int) -> Tensor:
    """Flat positions into a 3×4 image, often the same one."""
    return torch.randint(12, shape, generator=torch.Generator().manual_seed(seed))


def selected(seed: int) -> Pair:
    x, y, index = drawn(seed, 2, 3, 3, 4), drawn(seed + 1, 2, 3, 2, 5), places(seed, 2, 3, 2, 5)
    return Pair(lambda t: Select.call(t, index, 2), lambda t: Scatter.call(t, index, (3, 4)), x, y)


def tapped(seed: int) -> Pair:
    window = Window((5, 6), (3, 2), (2, 1), (1, 2), ((1, 0), (0, 1)))
    x, y = drawn(seed, 2, 3, 5, 6), drawn(seed + 1, 2, 3, *window.output_size)
    _, taps = Maximum.call(x, window)
    return Pair(lambda t: SelectTaps.call(t, taps, window), lambda t: ScatterTaps.call(t, taps, window), x, y)


def summed(case: Convolution) -> Pair:
    x, _, y = case.batched()
    y = y[:, :1].expand(-1, x.shape[1], *y.shape[2:])
    return Pair(lambda t: SumWindows.call(t, case.window), lambda t: SpreadWindows.call(t, case.window), x, y)


def biased(case: Convolution) -> Pair:
    _, _, y = case.batched()
    b = torch.arange(1.0, y.shape[1] + 1, dtype=y.dtype)
    return Pair(SumToBias.call, lambda t: SpreadBias.call(t, y.shape[0], tuple(y.shape[2:])), y, b)


def turned(make: Callable[[Any], Pair]) -> Callable[[Any], Pair]:
    """The adjoint's pair."""

    def back(case: Any) -> Pair:
        apply, adjoint, x, y = make(case)
        return Pair(adjoint, apply, y, x)

    return back


MAPS: dict[str, st.SearchStrategy[Pair]] = {
    "Pad": CONSTANT.map(framed),
    "Extend": COPYING.map(copied),
    "FoldBack": COPYING.map(turned(copied)),
    "Select": SEEDS.map(selected),
    "Scatter": SEEDS.map(turned(selected)),
    "SelectTaps": SEEDS.map(tapped),
    "ScatterTaps": SEEDS.map(turned(tapped)),
    "SumWindows": WINDOWED.map(summed),
    "SpreadWindows": WINDOWED.map(turned(summed)),
    "SumToBias": WINDOWED.map(biased),
    "SpreadBias": WINDOWED.map(turned(biased)),
}
EVERY = pytest.mark.parametrize("pairs", MAPS.values(), ids=MAPS)


@EVERY
@given(data=st.data())
def test_the_gradient_is_the_adjoint_and_the_tangent_the_map(pairs: st.SearchStrategy[Pair], data: Any) -> None:
    apply, adjoint, x, y = data.draw(pairs)
    assert (apply(x) * y).sum() == (x * adjoint(y)).sum()
    leaf = x.detach().requires_grad_()
    assert torch.equal(grad(apply(leaf), leaf, y)[0], adjoint(y))
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(apply(forward_ad.make_dual(x.flip(0), x))).tangent
    assert torch.equal(tangent, apply(x))


@given(frame=CONSTANT, copies=COPYING)
def test_what_is_framed_is_cut_out_again_and_what_is_copied_counts(frame: Padding, copies: Padding) -> None:
    outwards = tuple(max(side, 0) for side in frame.frame)
    assert torch.equal(
        Pad.call(Pad.call(frame.input(), outwards, 7), tuple(-side for side in outwards), 0), frame.input()
    )
    extend, fold_back, x, _ = copied(copies)
    assert torch.equal(fold_back(extend(x)), fold_back(extend(torch.ones_like(x))) * x)


@given(seed=SEEDS, x_at=st.sampled_from((0, 1, 4, None)), index_at=st.sampled_from((0, 2, 4, None)))
def test_images_and_places_are_mapped_together_and_alone(seed: int, x_at: int | None, index_at: int | None) -> None:
    if x_at is None and index_at is None:
        x_at = 3
    images = [drawn(seed + n, 2, 3, 3, 4) for n in range(3)]
    indices = [places(seed + n, 2, 3, 2, 5) for n in range(3)]
    x = images[0] if x_at is None else torch.stack(images, x_at)
    index = indices[0] if index_at is None else torch.stack(indices, index_at)
    got = torch.vmap(Select.call, (x_at, index_at, None))(x, index, 2)
    pairs = [(images[0 if x_at is None else n], indices[0 if index_at is None else n]) for n in range(3)]
    assert torch.equal(got, torch.stack([Select.call(a, i, 2) for a, i in pairs]))
    scattered = torch.vmap(Scatter.call, (0, index_at, None))(got, index, (3, 4))
    assert torch.equal(scattered, torch.stack([Scatter.call(Select.call(a, i, 2), i, (3, 4)) for a, i in pairs]))
