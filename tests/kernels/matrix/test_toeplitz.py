"""Where a convolution's weights stand in its matrix: every entry against the loops, in coalesced order."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv import definitions
from manualconv.kernels.matrix.toeplitz import entries
from manualconv.testing.cases import convolutions


@pytest.mark.parametrize("ndim", [0, 1, 2, 3])
@given(data=st.data())
def test_entries_are_the_terms_of_the_trilinear_form_in_order(ndim: int, data: st.DataObject) -> None:
    case = data.draw(convolutions(ndim))
    window, (_, outputs, *_) = case.window, case.shapes[2]
    channels = case.channels * window.groups

    def flat(at: tuple[int, ...], size: tuple[int, ...]) -> int:
        total = 0
        for index, length in zip(at, size, strict=True):
            total = total * length + index
        return total

    expected = sorted(
        (
            flat(at_y[1:], (outputs, *window.output_size)),
            flat(at_x[1:], (channels, *window.input_size)),
            flat(at_w, case.shapes[1]),
        )
        for at_x, at_w, at_y in definitions.terms(1, channels, outputs, window)
    )
    got = entries(outputs, case.channels, window, torch.device("cpu"))
    assert list(zip(*(t.tolist() for t in got))) == expected
