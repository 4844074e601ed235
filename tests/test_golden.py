"""The numbers of the article and its companion notes that stand nowhere else (tables A and B of the specification).

Its numbers of pooling, softmax, cross-entropy and batch normalisation are the examples of `manualconv.definitions`;
what it says of rotated kernels, shifts, frames and the three gradients are laws (`manualconv.testing.laws`), and its
matrix is in tests/functional/test_toeplitz.py.
"""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional, nn
from manualconv.functional import conv1d, conv2d
from manualconv.geometry import Window
from tests.layers import spread_out

RAMP = torch.arange(36.0).reshape(6, 6)
EDGE_FILTERS = {
    "horizontal": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "diagonal": [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
    "corners": [[1, 0, -1], [0, 0, 0], [-1, 0, 1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
}
CROSS = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
BINARY = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
CONSTANT = [[7] * 8] * 6


def correlate(image: Tensor, kernel: Tensor, **options: Any) -> Tensor:
    """CNN convolution of one image (H, W) with one kernel (K, L)."""
    return conv2d(image[None, None], kernel[None, None], **options)[0, 0]


#: An image, a kernel, options, and what comes out.
IMAGES: dict[str, tuple[list[list[int]], list[list[int]], dict[str, Any], list[list[int]]]] = {
    "A3: 1 1 1 ∗ 1 2 2 3": ([[1, 1, 1]], [[3, 2, 2, 1]], {"padding": "full"}, [[1, 3, 5, 7, 5, 3]]),
    "A3: 1 2 3 4 ∗ 1 2 2 3": ([[1, 2, 3, 4]], [[3, 2, 2, 1]], {"padding": "full"}, [[1, 4, 9, 17, 20, 17, 12]]),
    "A5: a ramp": (RAMP.int().tolist(), EDGE_FILTERS["horizontal"], {}, [[-48] * 4] * 4),
    "A5: by true convolution": (RAMP.int().tolist(), EDGE_FILTERS["horizontal"], {"flip": True}, [[48] * 4] * 4),
    "A6: one placement": ([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 2, 1], [2, 1, 2], [1, 2, 1]], {}, [[65]]),
    "A6: the cross": (BINARY, CROSS, {}, [[4, 3, 4], [2, 4, 3], [2, 3, 4]]),
    **{
        f"A7, Fig 4: {name} on a constant image": (CONSTANT, kernel, {}, [[7 * (name == "sharpen")] * 6] * 4)
        for name, kernel in EDGE_FILTERS.items()
    },
}


@pytest.mark.parametrize(("image", "kernel", "options", "expected"), IMAGES.values(), ids=IMAGES)
def test_images_of_the_article(
    image: list[list[int]], kernel: list[list[int]], options: dict[str, Any], expected: list[list[int]]
) -> None:
    assert correlate(torch.tensor(image), torch.tensor(kernel), **options).tolist() == expected


@pytest.mark.parametrize("name", EDGE_FILTERS)
def test_the_picture_of_an_edge_filter_is_normalised_and_cut_at_0_6(name: str) -> None:
    """A7, Fig 4: a bright square; the picture marks some of its border, and not all of the image."""
    image = torch.zeros(12, 12)
    image[4:8, 4:8] = 1
    response = correlate(image, torch.tensor(EDGE_FILTERS[name]).float(), padding="same")
    picture = (response - response.min()) / (response.max() - response.min()) > 0.6
    assert 0 < picture.sum() < picture.numel() / 4
    assert not picture[:2].any()


#: Sizes of x and of w, options, and the size of y.
SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any], tuple[int, ...]]] = {
    "A8: 6 and 3": ((1, 6, 6), (1, 1, 3, 3), {}, (1, 4, 4)),
    "A8: 28 and 3": ((1, 28, 28), (1, 1, 3, 3), {}, (1, 26, 26)),
    "A8: 28 and 5": ((1, 28, 28), (1, 1, 5, 5), {}, (1, 24, 24)),
    "A8: a filter as deep as the image": ((3, 32, 32), (1, 3, 5, 5), {}, (1, 28, 28)),
    "A9: the same": ((1, 6, 6), (1, 1, 3, 3), {"padding": "same"}, (1, 6, 6)),
    "A9: the same of an even kernel": ((1, 6, 6), (1, 1, 4, 4), {"padding": "same"}, (1, 6, 6)),
    "A10: full": ((1, 6, 6), (1, 1, 3, 3), {"padding": "full"}, (1, 8, 8)),
    "A11: cs231n": ((3, 5, 5), (2, 3, 3, 3), {"stride": 2, "padding": 1}, (2, 3, 3)),
    "A13, Fig 6: 28, 3 and 2": ((1, 28, 28), (1, 1, 3, 3), {"stride": 2}, (1, 13, 13)),
    "A13, Fig 6: 7, 3 and 2": ((1, 7, 7), (1, 1, 3, 3), {"stride": 2}, (1, 3, 3)),
    "A13, Fig 6: 7, 3 and 3": ((1, 7, 7), (1, 1, 3, 3), {"stride": 3}, (1, 2, 2)),
    "A14, Fig 7: six filters": ((3, 32, 32), (6, 3, 5, 5), {}, (6, 28, 28)),
    "A14: a volume": ((2, 9, 9), (3, 2, 4, 4), {"stride": 3, "padding": 2}, (3, 4, 4)),
    "A15: no square": (
        (1, 11, 14),
        (1, 1, 3, 2),
        {"stride": (2, 3), "padding": (1, 0), "dilation": (2, 4)},
        (1, 5, 4),
    ),
}


@pytest.mark.parametrize(("x", "w", "options", "y"), SIZES.values(), ids=SIZES)
def test_sizes_of_the_article(
    x: tuple[int, ...], w: tuple[int, ...], options: dict[str, Any], y: tuple[int, ...]
) -> None:
    assert conv2d(torch.ones(x), torch.ones(w), **options).shape == y


@given(i=st.integers(1, 9), k=st.integers(1, 4), s=st.integers(1, 4), p=st.integers(0, 2), d=st.integers(1, 3))
def test_the_size_formula_for_every_parameter(i: int, k: int, s: int, p: int, d: int) -> None:
    """A13: o = ⌊(i+2p−d(k−1)−1)/s⌋ + 1, and without its + 1 the last column would be lost."""
    i = max(i, d * (k - 1) + 1 - 2 * p, 1)
    o = (i + 2 * p - d * (k - 1) - 1) // s + 1
    assert Window((i,), (k,), (s,), (d,), ((p, p),)).output_size == (o,)
    assert conv1d(torch.ones(1, i), torch.ones(1, 1, k), stride=s, padding=p, dilation=d).shape == (1, o)
    assert (o - 1) * s + d * (k - 1) + 1 <= i + 2 * p < o * s + d * (k - 1) + 1


def test_the_layer_of_the_cs231n_demonstration_has_56_parameters() -> None:
    """A11."""
    assert sum(p.numel() for p in nn.Conv2d(3, 2, 3, stride=2, padding=1).parameters()) == 56


def test_a_pixel_s_influence_depends_on_its_place() -> None:
    """A12, Fig 5: corner 1 and centre 9; with padding 1 corner 4, edge 6, centre 9: the input gradient of ones."""
    image = torch.zeros(6, 6, requires_grad=True)
    line = torch.tensor([1.0, 2, 3, 3, 2, 1])
    padded_line = torch.tensor([2.0, 3, 3, 3, 3, 2])
    for padding, reached in ((0, line), (1, padded_line)):
        y = correlate(image, torch.ones(3, 3), padding=padding)
        assert torch.equal(grad(y.sum(), image)[0], torch.outer(reached, reached))


def test_a_convolution_of_one_pixel_is_a_linear_layer_per_pixel() -> None:
    """A16."""
    x, w, b = drawn(0, 2, 3, 4, 5), drawn(1, 6, 3), drawn(2, 6)
    at_each_pixel = functional.linear(x.movedim(1, -1), w, b).movedim(-1, 1)
    assert torch.equal(conv2d(x, w[..., None, None], b), at_each_pixel)


@given(seed=st.integers(0, 2**32), length=st.integers(1, 5))
def test_a_filter_answers_the_patch_that_is_parallel_to_it_most(seed: int, length: int) -> None:
    """A17: w·x = ‖w‖·‖x‖·cos θ; of patches as long as w none gives more than w itself, which gives ‖w‖²."""
    generator = torch.Generator().manual_seed(seed)
    patches = torch.randn(8, 3, length, 2, generator=generator, dtype=torch.float64)
    patches /= torch.linalg.vector_norm(patches, dim=(1, 2, 3), keepdim=True)
    w = patches[3:4] * 5
    responses = conv2d(patches, w).flatten()
    cosines = torch.nn.functional.cosine_similarity(patches.flatten(1), w.flatten(1))
    torch.testing.assert_close(responses, 5 * cosines)
    assert responses.argmax() == 3
    torch.testing.assert_close(responses[3], torch.tensor(5.0).double())


@given(dilation=st.integers(1, 3), context=st.integers(1, 3), seed=st.integers(0, 2**32))
def test_a_time_delay_network_is_a_dilated_convolution(dilation: int, context: int, seed: int) -> None:
    """A20: the same dense layer at every moment, over frames that lie `dilation` apart."""
    x, w, b = drawn(seed, 2, 12), drawn(seed + 1, 4, 2, context), drawn(seed + 2, 4)
    reach = dilation * (context - 1)
    moments = [x[:, t : t + reach + 1 : dilation].flatten() for t in range(12 - reach)]
    expected = functional.linear(torch.stack(moments), w.flatten(1), b).T
    assert torch.equal(conv1d(x, w, b, dilation=dilation), expected)


@given(rows=st.integers(1, 4), columns=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_keeping_every_few_rows_and_columns_is_a_strided_convolution(rows: int, columns: int, seed: int) -> None:
    """A21: of one pixel, with the weight 1."""
    image = drawn(seed, 7, 9)
    assert torch.equal(correlate(image, torch.ones(1, 1).double(), stride=(rows, columns)), image[::rows, ::columns])


# ------------------------------------------------------------------------------------------------ layers, backwards


def drawn(seed: int, *shape: int) -> Tensor:
    """Small integers as float64."""
    return torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(seed)).double()


def rounded(got: Tensor, expected: Tensor, cotangent: Tensor) -> None:
    """Equal but for the roundings of a slope below one, which is a product or a difference as it is written."""
    assert ((got - expected).abs() <= 2 * torch.finfo(got.dtype).eps * cotangent.abs()).all()


def test_the_error_terms_of_back_propagation() -> None:
    """B4, B7: δ^{l−1} = (δ^l ∗_full rot180 W^l) ⊙ f′(net^{l−1}); ∂E/∂w_ij = Σ δ_mn a_{i+m,j+n}; ∂E/∂b = Σ δ."""
    net, w, b = (drawn(n, *s).requires_grad_() for n, s in enumerate(((2, 3, 5, 6), (4, 3, 2, 3), (4,))))
    a = functional.sigmoid(net)
    z = conv2d(a, w, b)
    delta = drawn(9, *z.shape)
    net_bar, w_bar, b_bar = grad(z, (net, w, b), delta)
    back = conv2d(delta, w.detach().rot90(2, (2, 3)).transpose(0, 1), padding="full")
    window = Window((5, 6), (2, 3), stride=(1, 1), dilation=(1, 1), padding=((0, 0), (0, 0)))
    by_loops = torch.from_numpy(definitions.to_weight(a.detach().numpy(), delta.numpy(), window))
    assert torch.equal(net_bar, back * (a * (1 - a)).detach())
    assert torch.all((w_bar - by_loops).abs() <= 34 * 2**-53 * 2 * 16 * 4)
    assert torch.equal(b_bar, delta.sum((0, 2, 3)))


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_the_error_term_passes_a_sampling_layer(name: str) -> None:
    """B11: δ_conv = β·up(δ_pool) ⊙ f′(u); up is the Kronecker product over k² for the mean, the winner's place for max.

    β is a trainable layer's coefficient, and 1 in front of a mean or a maximum.
    """
    slopes = {"sigmoid": lambda y: y * (1 - y), "tanh": lambda y: 1 - y**2}
    u, delta = spread_out((2, 3, 4, 6)).requires_grad_(), drawn(1, 2, 3, 2, 3)
    beta = torch.tensor([-2.0, 0.5, 4.0]).double()
    a = getattr(functional, name)(u)
    block = torch.ones(2, 2).double()

    def error(sampled: Tensor) -> Tensor:
        return grad(sampled, u, delta, retain_graph=True)[0]

    up, slope = torch.kron(delta, block), slopes[name](a.detach())
    rounded(error(functional.avg_pool2d(a, 2)), up / 4 * slope, up / 4)
    up_beta = beta[:, None, None] * up
    rounded(error(functional.subsample2d(a, beta, None, 2, activation=None)), up_beta * slope, up_beta)
    winners = u.detach() == torch.kron(functional.max_pool2d(u.detach(), 2), block)
    rounded(error(functional.max_pool2d(a, 2)), up * winners * slope, up * winners)


def test_trainable_sub_sampling() -> None:
    """B12: y = σ(β·Σ x + b); dβ = Σ δu·Σx, db = Σ δu, dx = β·up(δu), δu = δ·y(1−y)."""
    layer = nn.Subsample2d(1, 2, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.fill_(0.5)
        layer.bias.fill_(0.1)
    x = (torch.arange(16, dtype=torch.float64) / 16).reshape(1, 1, 4, 4).requires_grad_()
    y = layer(x)
    near = {"rtol": 0, "atol": 5e-6}
    torch.testing.assert_close(y[0, 0], torch.tensor([[0.60169, 0.65982], [0.80416, 0.84057]]).double(), **near)
    dx, dbeta, db = grad(y, (x, layer.weight, layer.bias), torch.ones_like(y))
    torch.testing.assert_close(dbeta, torch.tensor([1.23448]).double(), **near)
    torch.testing.assert_close(db, torch.tensor([0.75561]).double(), **near)
    delta = (y * (1 - y)).detach()
    assert torch.equal(dx, 0.5 * torch.kron(delta, torch.ones(2, 2).double()))


def test_four_derivatives_of_batch_normalisation() -> None:
    """B18: of two entries t and −t, x̂ = t/√s with s = t²+ε, here 9; torch has no third derivative."""
    t = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    value = functional.batch_norm(torch.stack((t, -t)).reshape(2, 1), None, None, training=True, eps=5.0)[0, 0]
    found = []
    for _ in range(4):
        found.append(value.item())
        (value,) = grad(value, t, create_graph=True)
    expected = [2 / 3, 5 / 3**3, -3 * 2 * 5 / 3**5, 5 * (12 * 4 - 3 * 5) / 3**7, 5 * 2 * (45 * 5 - 60 * 4) / 3**9]
    assert [*found, value.item()] == pytest.approx(expected, rel=0, abs=1e-15)
