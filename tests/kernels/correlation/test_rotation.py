"""The input gradient's two forms are one map: full convolution with the rotated kernel is overlap-add of W·dZ."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv import definitions
from manualconv.geometry import Window
from manualconv.kernels.correlation import maps as correlation
from manualconv.kernels.correlation import rotation
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.judge import error


@pytest.mark.parametrize("ndim", [0, 1, 2, 3])
@given(data=st.data())
def test_rotated_full_convolution_equals_overlap_add_and_the_loops(ndim: int, data: st.DataObject) -> None:
    case = data.draw(convolutions(ndim))
    _, w, y = case.batched(data.draw(st.sampled_from((torch.float64, torch.float32, torch.int64))))
    got = rotation.to_input(w, y, case.window)
    assert torch.equal(got, correlation.to_input(w, y, case.window))
    assert torch.equal(got, torch.from_numpy(definitions.to_input(w.numpy(), y.numpy(), case.window)))


@given(case=convolutions(2))
def test_on_floats_the_two_forms_differ_by_rounding_only(case: Convolution) -> None:
    generator = torch.Generator().manual_seed(case.seed)
    _, w, y = (torch.randn(shape, generator=generator) for shape in case.shapes)
    exact = correlation.to_input(w.double(), y.double(), case.window)
    scale = correlation.to_input(w.double().abs(), y.double().abs(), case.window)
    terms = case.outputs * definitions.taps(case.window)
    assert error(rotation.to_input(w, y, case.window), exact, scale) <= terms + 2


def test_at_stride_1_without_padding_it_is_the_article_s_full_convolution() -> None:
    """dA over a 3×3 input from a 2×2 dZ and a 2×2 kernel: dZ framed by one zero, the kernel turned by 180°."""
    window = Window((3, 3), (2, 2), (1, 1), (1, 1), ((0, 0), (0, 0)))
    w = torch.tensor([[[[1, 2], [3, 4]]]])
    y = torch.tensor([[[[5, 6], [7, 8]]]])
    assert rotation.rotated(w, 1).tolist() == [[[[4, 3], [2, 1]]]]
    assert rotation.stuffed(y, window).tolist() == [[[[0, 0, 0, 0], [0, 5, 6, 0], [0, 7, 8, 0], [0, 0, 0, 0]]]]
    assert rotation.to_input(w, y, window).tolist() == [[[[5, 16, 12], [22, 60, 40], [21, 52, 32]]]]


def test_a_stride_stuffs_zeros_and_the_leftover_is_read_as_zeros() -> None:
    window = Window((6,), (2,), (3,), (1,), ((0, 0),))
    assert window.output_size == (2,) and window.leftover == (1,)
    assert rotation.stuffed(torch.tensor([[[5, 7]]]), window).tolist() == [[[0, 5, 0, 0, 7, 0, 0]]]
    assert rotation.to_input(torch.tensor([[[2, 10]]]), torch.tensor([[[5, 7]]]), window).tolist() == [
        [[10, 50, 0, 14, 70, 0]]
    ]
