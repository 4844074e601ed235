"""Minimal filtering by phases: phases and back, and padding that stays padding."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv.geometry import Window
from manualconv.kernels.correlation import winograd_dilated
from manualconv.kernels.movement.phases import joined, phases


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
