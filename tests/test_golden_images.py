"""The numbers of the article and its companion notes: images, convolutions, sizes (table A of the specification)."""

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manualconv import nn
from manualconv.functional import conv1d, conv2d, linear
from manualconv.geometry import Window, same_padding
from manualconv.testing.cases.tensors import filled

RAMP = torch.arange(36.0).reshape(6, 6)
EDGE_FILTERS = {
    "horizontal": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "diagonal": [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
    "corners": [[1, 0, -1], [0, 0, 0], [-1, 0, 1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
}


def correlate(image: Tensor, kernel: Tensor, **options: object) -> Tensor:
    """CNN convolution of one image (H, W) with one kernel (K, L)."""
    return conv2d(image[None, None], kernel[None, None], **options)[0, 0]


def size(i: int, k: int, s: int = 1, p: int = 0, d: int = 1) -> int:
    """The output size of a square window, checked on a real convolution."""
    (o, _) = Window((i, i), (k, k), (s, s), (d, d), ((p, p), (p, p))).output_size
    assert correlate(torch.ones(i, i), torch.ones(k, k), stride=s, padding=p, dilation=d).shape == (o, o)
    return o


@pytest.mark.parametrize(
    ("f", "g", "expected"),
    [([1, 1, 1], [1, 2, 2, 3], [1, 3, 5, 7, 5, 3]), ([1, 2, 3, 4], [1, 2, 2, 3], [1, 4, 9, 17, 20, 17, 12])],
)
def test_true_convolution_shifts_and_adds(f: list[int], g: list[int], expected: list[int]) -> None:
    """A3: (f∗g)(n) = Σ_u f(u) g(n−u) is a full correlation with the flipped kernel."""
    signal, kernel = torch.tensor(f), torch.tensor(g)
    assert conv1d(signal[None, None], kernel.flip(0)[None, None], padding="full")[0, 0].tolist() == expected
    shifted = sum(torch.tensor([0] * u + [f[u] * v for v in g] + [0] * (len(f) - 1 - u)) for u in range(len(f)))
    assert shifted.tolist() == expected == np.convolve(f, g).tolist()


def test_the_edge_of_a_ramp_is_minus_48_by_correlation_and_plus_48_by_true_convolution() -> None:
    """A5: the two conventions differ by a rotation of the kernel by 180°."""
    kernel = torch.tensor(EDGE_FILTERS["horizontal"]).float()
    assert torch.equal(correlate(RAMP, kernel), torch.full((4, 4), -48.0))
    assert torch.equal(correlate(RAMP, kernel.rot90(2)), torch.full((4, 4), 48.0))


@given(seed=st.integers(0, 999), kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_true_convolution_is_correlation_with_the_kernel_rotated_by_180_degrees(
    seed: int, kernel: tuple[int, int]
) -> None:
    """A5: equal to scipy's convolve2d, in every mode that both have."""
    generator = torch.Generator().manual_seed(seed)
    f, h = filled("small", (5, 7), generator).double(), filled("small", kernel, generator).double()
    for mode in ("valid", "full"):
        expected = torch.from_numpy(scipy.signal.convolve2d(f.numpy(), h.numpy(), mode))
        assert torch.equal(correlate(f, h.rot90(2), padding=mode), expected)


def test_one_placement_is_65() -> None:
    """A6."""
    image = torch.arange(1, 10).reshape(3, 3)
    assert correlate(image, torch.tensor([[1, 2, 1], [2, 1, 2], [1, 2, 1]])).item() == 65


def test_the_binary_image_and_the_cross() -> None:
    """A6."""
    image = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
    cross = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    assert correlate(torch.tensor(image), torch.tensor(cross)).tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


@pytest.mark.parametrize(("name", "expected"), [("horizontal", 0), ("diagonal", 0), ("corners", 0), ("sharpen", 7)])
def test_edge_filters_see_nothing_in_a_constant_image(name: str, expected: int) -> None:
    """A7, Fig 4: the weights of K1–K3 sum to 0, those of K4 to 1."""
    response = correlate(torch.full((6, 8), 7), torch.tensor(EDGE_FILTERS[name]))
    assert torch.equal(response, torch.full((4, 6), expected))


@pytest.mark.parametrize("name", EDGE_FILTERS)
def test_the_picture_of_an_edge_filter_is_normalised_and_cut_at_0_6(name: str) -> None:
    """A7, Fig 4: a bright square; the picture marks some of its border, and not all of the image."""
    image = torch.zeros(12, 12)
    image[4:8, 4:8] = 1
    response = correlate(image, torch.tensor(EDGE_FILTERS[name]).float(), padding="same")
    picture = (response - response.min()) / (response.max() - response.min()) > 0.6
    assert 0 < picture.sum() < picture.numel() / 4
    assert not picture[:2].any()


@pytest.mark.parametrize(("i", "k", "o"), [(6, 3, 4), (5, 3, 3), (28, 3, 26), (28, 5, 24)])
def test_valid_sizes(i: int, k: int, o: int) -> None:
    """A8: o = i − k + 1."""
    assert size(i, k) == o == i - k + 1


def test_a_filter_as_deep_as_the_image_gives_one_map() -> None:
    """A8: 32×32×3 with 5×5×3 → 28×28×1."""
    assert conv2d(torch.ones(3, 32, 32), torch.ones(1, 3, 5, 5)).shape == (1, 28, 28)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_same_padding_keeps_the_size(k: int) -> None:
    """A9: p = (k−1)/2 for odd k; an even k has one more on the right and the bottom."""
    ((before, after), _) = same_padding((k, k), (1, 1))
    assert (before, after) == ((k - 1) // 2, k // 2)
    assert correlate(RAMP, torch.ones(k, k), padding="same").shape == (6, 6)
    assert (size(6, 3, p=1), 6 + 2 * 1) == (6, 8)


def test_full_padding_grows_the_size() -> None:
    """A10: p = k − 1, o = i + k − 1."""
    assert correlate(RAMP, torch.ones(3, 3), padding="full").shape == (8, 8)
    assert size(6, 3, p=2) == 8


def test_the_cs231n_demonstration() -> None:
    """A11: 5×5×3, pad 1, stride 2, two 3×3×3 filters → 3×3×2, 56 parameters."""
    layer = nn.Conv2d(3, 2, 3, stride=2, padding=1)
    assert layer(torch.ones(3, 5, 5)).shape == (2, 3, 3)
    assert sum(p.numel() for p in layer.parameters()) == 56


def influence(padding: int) -> Tensor:
    """How many outputs each pixel of a 6×6 image reaches through a 3×3 kernel: the input gradient of ones."""
    image = torch.zeros(6, 6, requires_grad=True)
    y = correlate(image, torch.ones(3, 3), padding=padding)
    return torch.autograd.grad(y, image, torch.ones_like(y))[0]


def test_a_pixel_s_influence_depends_on_its_place() -> None:
    """A12, Fig 5: corner 1 and centre 9; with padding 1 corner 4, edge 6, centre 9."""
    line = torch.tensor([1.0, 2, 3, 3, 2, 1])
    assert torch.equal(influence(padding=0), torch.outer(line, line))
    padded = influence(padding=1)
    assert (padded[0, 0], padded[0, 3], padded[3, 3]) == (4, 6, 9)


@pytest.mark.parametrize(("i", "k", "s", "o"), [(28, 3, 2, 13), (7, 3, 2, 3), (7, 3, 3, 2)])
def test_strided_sizes(i: int, k: int, s: int, o: int) -> None:
    """A13, Fig 6: o = ⌊(i+2p−d(k−1)−1)/s⌋ + 1."""
    assert size(i, k, s) == o == (i - k) // s + 1


@given(i=st.integers(1, 9), k=st.integers(1, 4), s=st.integers(1, 4), p=st.integers(0, 2), d=st.integers(1, 3))
def test_the_size_formula_for_every_parameter(i: int, k: int, s: int, p: int, d: int) -> None:
    """A13: and without its + 1 the last column would be lost."""
    i = max(i, d * (k - 1) + 1 - 2 * p, 1)
    o = (i + 2 * p - d * (k - 1) - 1) // s + 1
    assert size(i, k, s, p, d) == o
    assert (o - 1) * s + d * (k - 1) + 1 <= i + 2 * p < o * s + d * (k - 1) + 1


def test_a_stride_that_does_not_divide_leaves_the_last_column_unread() -> None:
    """A13: 28 pixels, kernel 3, stride 2 read columns 0 … 26; column 27 has no influence."""
    window = Window((28,), (3,), (2,), (1,), ((0, 0),))
    assert window.leftover == (1,)
    signal = torch.zeros(1, 1, 28, requires_grad=True)
    y = conv1d(signal, torch.ones(1, 1, 3), stride=2)
    (reached,) = torch.autograd.grad(y.sum(), signal)
    assert reached[0, 0].nonzero().flatten().tolist() == list(range(27))


def test_volumes_convolve_with_volumes() -> None:
    """A14, Fig 7: six 5×5×3 filters on 32×32×3 → 28×28×6; a filter must be as deep as its input."""
    image = torch.ones(3, 32, 32)
    assert conv2d(image, torch.ones(6, 3, 5, 5)).shape == (6, 28, 28)
    with pytest.raises(RuntimeError, match="to have 4 channels, but got 3 channels instead"):
        conv2d(image, torch.ones(6, 4, 5, 5))


@pytest.mark.parametrize(("n", "f", "p", "s"), [(32, 5, 0, 1), (7, 3, 1, 2), (9, 4, 2, 3)])
def test_a_volume_s_size(n: int, f: int, p: int, s: int) -> None:
    """A14: [n, n, c] ∗ [f, f, c] × n_f → [⌊(n+2p−f)/s⌋+1, same, n_f]."""
    o = (n + 2 * p - f) // s + 1
    assert conv2d(torch.ones(2, n, n), torch.ones(3, 2, f, f), stride=s, padding=p).shape == (3, o, o)


def test_width_and_height_are_apart() -> None:
    """A15: no parameter needs to be square."""
    y = conv2d(torch.ones(1, 11, 14), torch.ones(1, 1, 3, 2), stride=(2, 3), padding=(1, 0), dilation=(2, 4))
    assert y.shape == (1, (11 + 2 - 5) // 2 + 1, (14 - 5) // 3 + 1)


def test_a_one_by_one_convolution_is_a_linear_layer_in_every_pixel() -> None:
    """A16."""
    generator = torch.Generator().manual_seed(0)
    image, w, b = (filled("small", s, generator) for s in ((2, 3, 4, 5), (6, 3), (6,)))
    by_pixel = linear(image.movedim(1, -1), w, b).movedim(-1, 1)
    assert torch.equal(conv2d(image, w[:, :, None, None], b), by_pixel)


def toeplitz(kernel: Tensor) -> Tensor:
    """The matrix of the convolution 3×3 → 2×2 with a 2×2 kernel: its Jacobian, (outputs A–D, neurons 1–9)."""
    image = torch.zeros(3, 3, dtype=kernel.dtype)
    return torch.func.jacrev(lambda x: correlate(x, kernel))(image).reshape(4, 9)


def test_connections_are_sparse_and_weights_shared() -> None:
    """A18, Fig 9: 16 of 36 entries, 4 distinct weights; neuron 5 is used four times, neuron 1 feeds only A."""
    matrix = toeplitz(torch.tensor([[1.0, 2], [3, 4]]))
    assert matrix.count_nonzero() == 16
    assert matrix.unique().tolist() == [0, 1, 2, 3, 4]
    assert matrix.count_nonzero(0).tolist() == [1, 2, 1, 2, 4, 2, 1, 2, 1]
    assert matrix[:, 0].nonzero().flatten().tolist() == [0]
    assert matrix[0].tolist() == [1, 2, 0, 3, 4, 0, 0, 0, 0]


def test_the_matrix_is_the_forward_and_its_transpose_the_input_gradient() -> None:
    """A18."""
    kernel = torch.tensor([[1.0, 2], [3, 4]])
    image = torch.arange(1.0, 10).reshape(3, 3).requires_grad_()
    y = correlate(image, kernel)
    assert torch.equal(y.flatten(), toeplitz(kernel) @ image.flatten())
    cotangent = torch.tensor([[5.0, -1], [2, 7]])
    (image_bar,) = torch.autograd.grad(y, image, cotangent)
    assert torch.equal(image_bar.flatten(), toeplitz(kernel).T @ cotangent.flatten())


@given(seed=st.integers(0, 999), shift=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_shifting_the_image_shifts_the_response(seed: int, shift: tuple[int, int]) -> None:
    """A19: conv(shift x) = shift conv(x) away from the borders."""
    generator = torch.Generator().manual_seed(seed)
    image, kernel = filled("small", (6, 7), generator).double(), filled("small", (3, 2), generator).double()
    down, right = shift
    moved = torch.zeros(9, 10).double()
    moved[down : down + 6, right : right + 7] = image
    response = correlate(moved, kernel)[down : down + 4, right : right + 6]
    assert torch.equal(response, correlate(image, kernel))
