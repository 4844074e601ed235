"""Minimal filtering by phases: the loops exactly, phases and back, and chosen where there are many channels."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import manualconv
from manualconv import functional
from manualconv.geometry import Window
from manualconv.kernels.correlation import winograd_dilated
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.movement.phases import joined, phases
from manualconv.testing.cases import Convolution, convolutions
from tests.kernels.correlation.three_maps import at_stride_one, by_loops, is_fresh, maps


def taken(case: Convolution) -> Convolution:
    """The drawn layer with stride and groups 1, on the input that gives its output, up to three taps an axis."""
    window = replace(case.window, kernel_size=tuple(min(k, 3) for k in case.window.kernel_size), groups=1)
    return at_stride_one(replace(case, batch=case.batch or 1, window=window))


@pytest.mark.parametrize("ndim", [1, 2, 3])
@given(data=st.data())
def test_the_three_maps_are_the_loops(ndim: int, data: st.DataObject) -> None:
    case = taken(data.draw(convolutions(ndim, cut=data.draw(st.booleans()))))
    x, w, y = case.batched()
    got = maps(winograd_dilated, x, w, y, case.window)
    assert all(map(torch.equal, got, by_loops(x, w, y, case.window))) and all(map(is_fresh, got))


@given(data=st.data())
def test_phases_hold_every_position_of_the_frame_once_and_joined_is_their_adjoint(data: st.DataObject) -> None:
    size, steps, before, length = (
        tuple(data.draw(st.integers(low, high)) for _ in range(2)) for low, high in ((1, 6), (1, 3), (-2, 3), (1, 4))
    )
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(-9, 9, (2, 3, *size), generator=generator).double()
    z = torch.randint(-9, 9, (*steps, 2, 3, *length), generator=generator).double()
    apart = phases(x, steps, before, length)
    for r, s in torch.cartesian_prod(*map(torch.arange, steps)).tolist():
        for q, p in torch.cartesian_prod(*map(torch.arange, length)).tolist():
            i, j = steps[0] * q + r - before[0], steps[1] * p + s - before[1]
            inside = 0 <= i < size[0] and 0 <= j < size[1]
            assert torch.equal(apart[r, s, :, :, q, p], x[:, :, i, j] if inside else torch.zeros(2, 3).double())
    assert (apart * z).sum() == (x * joined(z, steps, before, size)).sum()


def test_padding_in_whole_steps_stays_padding() -> None:
    """So a phase has no more placements than its share, for the gradient too, which is tiled over the input."""
    window = Window((64, 64), (3, 3), (1, 1), (2, 2), ((2, 2), (2, 2)))
    steps, before, inner = winograd_dilated._phase(window)
    assert (steps, before) == ((2, 2), (0, 0))
    assert (inner.input_size, inner.output_size, inner.padding) == ((32, 32), (32, 32), ((1, 1), (1, 1)))


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"stride": 2}, "stride 1 only"), ({}, "no dilation"), ({"dilation": 2}, "kernels of 2 to 5")],
)
def test_what_it_does_not_take_is_refused(options: dict[str, int], reason: str) -> None:
    kernel = 6 if options.get("dilation") else 3
    with manualconv.algorithm("winograd_dilated"), pytest.raises(RuntimeError, match=reason):
        functional.conv2d(torch.ones(1, 2, 19, 19), torch.ones(2, 2, kernel, kernel), **options)
    window = Window((9,), (3,), (1,), (2,), ((0, 0),), 2)
    assert winograd_dilated.refusal(Sizes(1, 2, 2, torch.float32, window)) == "one group, stride and dilation 1"
