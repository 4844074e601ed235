"""A convolution's matrix with letters: named as numbers are named, its entries and counts those of the layer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import grad

from manualconv.explain import toeplitz_matrix
from manualconv.explain.figures.lettered import letter, lettered, roman
from manualconv.testing.cases import convolutions

ONE = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}


@given(number=st.integers(1, 399))
def test_roman_numbers_are_read_back(number: int) -> None:
    values = [ONE[sign] for sign in roman(number)]
    assert sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True)) == number


def test_roman_numbers_of_the_article() -> None:
    assert [roman(n) for n in (1, 2, 3, 4, 9, 14, 40, 99)] == ["I", "II", "III", "IV", "IX", "XIV", "XL", "XCIX"]


def test_letters_go_on_behind_z() -> None:
    assert [letter(n) for n in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


@settings(max_examples=max(25, settings.default.max_examples // 3))
@given(case=st.sampled_from((1, 2, 3)).flatmap(convolutions))
def test_the_letters_lie_where_torch_s_layer_multiplies(case) -> None:
    """Row by row: the weight at an input is the derivative of the output by that input, for weights 1, 2, …."""
    window = case.window
    made = lettered(window.input_size, window.kernel_size, window.stride, window.padding, window.dilation)
    x = torch.zeros(1, 1, *window.input_size, dtype=torch.float64, requires_grad=True)
    w = torch.arange(1.0, window.taps + 1).double().reshape(1, 1, *window.kernel_size)
    frame = [side for pair in reversed(window.padding) for side in pair]
    conv = (F.conv1d, F.conv2d, F.conv3d)[window.ndim - 1]
    y = conv(F.pad(x, frame), w, None, window.stride, 0, window.dilation).flatten()
    table = made.rows("")
    assert len(table) == len(y) == made.counts.rows
    for row, output in zip(table, y, strict=True):
        (slopes,) = grad(output, x, retain_graph=True)
        assert row == [roman(int(v)) if v else "" for v in slopes.flatten()]


def test_a_matrix_too_large_to_read_is_counted_and_drawn_without_letters() -> None:
    figure = toeplitz_matrix((12, 12), (3, 3), 2, 1)
    assert "36 x 144: printed up to 40 x 40" in figure.text
    assert "289 of 5184 non-zeros, 9 distinct weights" in figure.text
    assert figure._repr_png_()


def test_an_input_that_no_placement_reads_is_named() -> None:
    assert "neuron 4 feeds no output: no placement reaches it" in toeplitz_matrix((4,), (2,), 2, 0, 2).text


def test_one_number_or_one_pair_stands_for_every_axis() -> None:
    assert toeplitz_matrix((3, 4), 2, 1, ((1, 0),)).text == toeplitz_matrix((3, 4), (2, 2), 1, ((1, 0), (1, 0))).text
    assert toeplitz_matrix(4, 2).text == toeplitz_matrix((4,), (2,)).text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((3, 3), (4, 4)), "the kernel spans .* give a smaller kernel"),
        (((3, 3), (2, 2, 2)), "numbers for unequal axes: input 2, kernel 3"),
        (((3,) * 4, (1,) * 4), "the input has 4 axes, and PyTorch's layers have one to three"),
        (((3, 0), (1, 1)), "the input is 3×0; it is at least 1"),
        (((3, 3), (2, 2), 0), "the stride is 0; it is at least 1"),
        (((3, 3), (2, 2), 1, -1), r"the padding is \(-1, -1\); it is at least 0"),
        (((3, 3), (2, 2), (1, 1, 1)), "numbers for unequal axes: input 2, kernel 2, stride 3"),
        (((99999, 99999), (2, 2)), "a matrix of 9999600004 x 9999800001 has more than 2000000 places"),
        (((10**9,), (10**9,)), "a matrix of 1 x 1000000000 has more than 2000000 places"),
        (((1000, 1000), (2, 2)), "a matrix of 998001 x 1000000 has more than 2000000 places"),
    ],
)
def test_sizes_that_make_no_matrix_are_said_in_a_sentence(arguments, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        toeplitz_matrix(*arguments)
