"""The numbers of the article and its companion notes: layers and their gradients (table B of the specification)."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional, nn
from manualconv.functional import conv2d
from manualconv.geometry import Window
from manualconv.testing.cases import Convolution, convolutions
from tests.layers import spread_out

POOLED = torch.tensor([[1.0, 2, 2, 1], [3, 4, 0, 0], [5, 2, 1, 1], [3, 4, 0, 3]])


def drawn(seed: int, *shape: int) -> Tensor:
    """Small integers as float64."""
    return torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(seed)).double()


def rounded(got: Tensor, expected: Tensor, cotangent: Tensor) -> None:
    """Equal but for the roundings of a slope below one, which is a product or a difference as it is written."""
    assert ((got - expected).abs() <= 2 * torch.finfo(got.dtype).eps * cotangent.abs()).all()


def layer(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """A_prev, W, b of a convolution layer, asking for gradients."""
    return tuple(drawn(seed + n, *s).requires_grad_() for n, s in enumerate(((2, 3, 5, 6), (4, 3, 2, 3), (4,))))


def by_definition(rule: str, *tensors: Tensor) -> Tensor:
    """One of the loops for that layer."""
    window = Window((5, 6), (2, 3), stride=(1, 1), dilation=(1, 1), padding=((0, 0), (0, 0)))
    return torch.from_numpy(getattr(definitions, rule)(*(t.detach().numpy() for t in tensors), window))


def test_a_convolution_layer_is_a_correlation_a_bias_and_an_activation() -> None:
    """B1, Fig 8: Z = W∗A_prev + b, A = g(Z)."""
    a_prev, w, b = layer()
    z = by_definition("conv", a_prev, w, b)
    assert torch.equal(conv2d(a_prev, w, b), z)
    assert torch.equal(functional.relu(conv2d(a_prev, w, b)), torch.where(z > 0, z, 0))


def test_gradients_have_their_tensors_shapes() -> None:
    """B2: dim dW = dim W, dim db = dim b, dim dA = dim A."""
    inputs = layer()
    y = conv2d(*inputs)
    assert [g.shape for g in grad(y, inputs, drawn(3, *y.shape))] == [t.shape for t in inputs]


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_the_gradient_passes_an_activation_entry_by_entry(name: str) -> None:
    """B3: dZ = dA ⊙ g′(Z)."""
    z, da = drawn(0, 3, 4).requires_grad_(), drawn(1, 3, 4)
    (dz,) = grad(getattr(functional, name)(z), z, da)
    rounded(dz, torch.from_numpy(definitions.activation_gradient(name, z.detach().numpy(), da.numpy())), da)


def test_both_forms_of_the_input_gradient_agree() -> None:
    """B4, Figs 10, 11: adding W·dZ where it came from ⇔ full convolution of dZ with W rotated by 180°."""
    a_prev, w, _ = layer()
    z = conv2d(a_prev, w)
    dz = drawn(9, *z.shape)
    (da_prev,) = grad(z, a_prev, dz)
    assert torch.equal(da_prev, by_definition("to_input", w, dz))
    rotated = w.detach().rot90(2, (2, 3)).transpose(0, 1)
    assert torch.equal(da_prev, conv2d(dz, rotated, padding="full"))


@given(case=convolutions(2, symmetric=True))
def test_the_input_gradient_is_the_transposed_convolution_for_every_geometry(case: Convolution) -> None:
    """B4: general stride, dilation, groups, padding; the stride's remainder is torch's output_padding."""
    x, w, y_bar = case.batched()
    window = case.window
    leaf = x.detach().requires_grad_()
    y = conv2d(leaf, w, None, window.stride, window.padding, window.dilation, window.groups)
    (x_bar,) = grad(y, leaf, y_bar)
    # The remainder rows are appended here: torch wants an output_padding below the stride or the dilation.
    lo = tuple(a for a, _ in window.padding)
    transposed = F.conv_transpose2d(y_bar, w, None, window.stride, 0, 0, window.groups, window.dilation)
    transposed = F.pad(transposed, (0, window.leftover[1], 0, window.leftover[0]))
    size = window.input_size
    assert torch.equal(x_bar, transposed[..., lo[0] : lo[0] + size[0], lo[1] : lo[1] + size[1]])


def test_the_weight_gradient_is_a_valid_correlation_of_the_input_with_the_cotangent() -> None:
    """B5: dW[j,k] = Σ dZ[m,n]·A_prev[m+j, n+k]; every kernel value touches every output."""
    a_prev, w, _ = layer()
    z = conv2d(a_prev, w)
    dz = drawn(9, *z.shape)
    (dw,) = grad(z, w, dz)
    as_images, as_kernels = a_prev.detach().transpose(0, 1), dz.transpose(0, 1)
    assert torch.equal(dw, conv2d(as_images, as_kernels).transpose(0, 1))
    touched = torch.func.jacfwd(lambda w: conv2d(torch.ones(1, 1, 4, 5), w[None, None]).flatten())(torch.ones(2, 3))
    assert touched.count_nonzero() == touched.numel()


def test_the_bias_gradient_is_a_sum_and_not_a_mean() -> None:
    """B6: db = Σ dZ over samples and positions."""
    a_prev, w, b = layer()
    z = conv2d(a_prev, w, b)
    dz = drawn(9, *z.shape)
    assert torch.equal(grad(z, b, dz)[0], dz.sum((0, 2, 3)))
    ones = torch.ones_like(z)
    assert grad(conv2d(a_prev, w, b), b, ones)[0].tolist() == [2 * 4 * 4] * 4


def test_the_error_terms_of_back_propagation() -> None:
    """B7: δ^{l−1} = (δ^l ∗_full rot180 W^l) ⊙ f′(net^{l−1}); ∂E/∂w_ij = Σ δ_mn a_{i+m,j+n}; ∂E/∂b = Σ δ."""
    net, w, b = layer()
    a = functional.sigmoid(net)
    z = conv2d(a, w, b)
    delta = drawn(9, *z.shape)
    net_bar, w_bar, b_bar = grad(z, (net, w, b), delta)
    back = conv2d(delta, w.detach().rot90(2, (2, 3)).transpose(0, 1), padding="full")
    slope = (a * (1 - a)).detach()
    assert torch.equal(net_bar, back * slope)
    assert torch.all((w_bar - by_definition("to_weight", a, delta)).abs() <= 34 * 2**-53 * 2 * 16 * 4)
    assert torch.equal(b_bar, delta.sum((0, 2, 3)))


def test_the_largest_of_each_window() -> None:
    """B8, Fig 12: each channel on its own."""
    channels = torch.stack((POOLED, -POOLED))[None]
    y = nn.MaxPool2d(2)(channels)
    assert y[0, 0].tolist() == [[4, 2], [5, 3]]
    assert y[0, 1].tolist() == [[-1, 0], [-2, 0]]


def test_the_mask_remembers_the_maximum() -> None:
    """B9, Fig 13: only the place that won gets the gradient."""
    x = POOLED[None, None].clone().requires_grad_()
    dy = torch.tensor([[[[3.0, 1], [8, 2]]]])
    (dx,) = grad(functional.max_pool2d(x, 2), x, dy)
    assert dx[0, 0].tolist() == [[0, 0, 1, 0], [0, 3, 0, 0], [8, 0, 0, 0], [0, 0, 0, 2]]


def test_a_tie_goes_to_the_first_place_in_row_major_order() -> None:
    """B9: as in torch."""
    x = torch.tensor([[[[0.0, 2, 1], [2, 2, 2]]]], requires_grad=True)
    y, index = functional.max_pool2d(x, (2, 3), return_indices=True)
    assert index.item() == 1
    assert grad(y.sum(), x)[0][0, 0].tolist() == [[0, 1, 0], [0, 0, 0]]


def test_overlapping_windows_add_their_gradients() -> None:
    """B9: 9 in the middle wins all four windows of a 3×3 image."""
    x = torch.tensor([[[[1.0, 2, 3], [4, 9, 5], [6, 7, 8]]]], requires_grad=True)
    (dx,) = grad(functional.max_pool2d(x, 2, 1), x, torch.tensor([[[[1.0, 2], [4, 8]]]]))
    assert dx[0, 0].tolist() == [[0, 0, 0], [0, 15, 0], [0, 0, 0]]


def test_the_mean_of_each_window() -> None:
    """B10."""
    assert functional.avg_pool2d(POOLED[None], 2)[0].tolist() == [[2.5, 0.75], [3.5, 1.25]]


def test_the_gradient_of_a_mean_is_spread_evenly() -> None:
    """B10: δ/k² to each: [[4, 8], [12, 16]] → blocks of 1, 2, 3, 4."""
    x = POOLED[None, None].clone().requires_grad_()
    (dx,) = grad(functional.avg_pool2d(x, 2), x, torch.tensor([[[[4.0, 8], [12, 16]]]]))
    assert dx[0, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


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


def test_the_fully_connected_layer() -> None:
    """B13: z = xWᵀ + b; dx = dz W, dW = dzᵀx, db = Σ dz."""
    x, w, b, dz = (drawn(n, *s) for n, s in enumerate(((5, 3), (4, 3), (4,), (5, 4))))
    leaves = [t.requires_grad_() for t in (x, w, b)]
    z = functional.linear(*leaves)
    assert torch.equal(z, x @ w.T + b)
    dx, dw, db = grad(z, leaves, dz)
    assert torch.equal(dx, dz @ w)
    assert torch.equal(dw, dz.T @ x)
    assert torch.equal(db, dz.sum(0))


def test_sixteen_maps_of_five_by_five_flatten_to_400() -> None:
    """B13."""
    assert nn.Flatten()(torch.ones(2, 16, 5, 5)).shape == (2, 400)


def test_slopes_of_the_activations() -> None:
    """B14: s′ = s(1−s); 1−y²; 1[x>0] with 0 at 0; finite at ±1000."""
    z = torch.tensor([-1000.0, -1, 0, 1, 1000], dtype=torch.float64, requires_grad=True)
    s = 1 / (1 + math.e)
    expected = {
        "sigmoid": [0, s * (1 - s), 0.25, s * (1 - s), 0],
        "tanh": [0, 1 - math.tanh(1) ** 2, 1, 1 - math.tanh(1) ** 2, 0],
        "relu": [0, 0, 0, 1, 1],
    }
    for name, slopes in expected.items():
        (slope,) = grad(getattr(functional, name)(z).sum(), z)
        assert slope.tolist() == pytest.approx(slopes, rel=0, abs=2**-51)


def test_softmax_of_one_two_three() -> None:
    """B15: (.09003, .24473, .66524); the Jacobian is diag(p) − ppᵀ."""
    z = torch.tensor([1.0, 2, 3], dtype=torch.float64)
    p = functional.softmax(z, 0)
    assert [round(v, 5) for v in p.tolist()] == [0.09003, 0.24473, 0.66524]
    jacobian = torch.func.jacrev(lambda t: functional.softmax(t, 0))(z)
    assert (jacobian - (p.diag() - torch.outer(p, p))).abs().max() <= 4 * 2**-53


def test_cross_entropy_of_one_two_three_against_the_last_class() -> None:
    """B16: .407606, dz = (.09003, .24473, −.33476)."""
    z = torch.tensor([[1.0, 2, 3]], dtype=torch.float64, requires_grad=True)
    loss = functional.cross_entropy(z, torch.tensor([2]))
    assert round(loss.item(), 6) == 0.407606
    assert [round(v, 5) for v in grad(loss, z)[0][0].tolist()] == [0.09003, 0.24473, -0.33476]


def test_squared_error_at_a_sigmoid_and_one_step_of_descent() -> None:
    """B17: E = ½ Σ (t−y)²; δ = (y−t) ⊙ y(1−y); w ← w − η δ x."""
    x, t = torch.tensor([[0.5, -1.0]]).double(), torch.tensor([[1.0]]).double()
    w = torch.tensor([[2.0, 1.0]]).double().requires_grad_()
    y = functional.sigmoid(functional.linear(x, w))
    (w_bar,) = grad(0.5 * functional.mse_loss(y, t, reduction="sum"), w)
    value = 1 / (1 + math.exp(-(0.5 * 2 - 1.0)))
    delta = (value - 1) * value * (1 - value)
    assert w_bar[0].tolist() == [delta * 0.5, delta * -1.0]
    stepped = (w - 0.1 * w_bar).detach()[0].tolist()
    assert stepped == pytest.approx([2 - 0.1 * delta * 0.5, 1 + 0.1 * delta], rel=2**-52)


def test_batch_normalisation_of_two_channels() -> None:
    """B18: x̂ = (x−μ)/√(σ²+ε) over N and space, y = γx̂+β; μ = 4, σ² = 5 and μ = 0, σ² = 12, with ε = 4.

    The mean and the deviation move with every entry: without either term the gradients would not sum to zero.
    """
    x = torch.tensor([[[1.0, 3], [-6, 2]], [[5, 7], [2, 2]]]).double().requires_grad_()
    gamma, beta = (torch.tensor(v).double().requires_grad_() for v in ((3.0, -2.0), (2.0, 1.0)))
    mean, variance = torch.zeros(2).double(), torch.ones(2).double()
    y = functional.batch_norm(x, mean, variance, gamma, beta, True, 0.25, 4.0)
    near = {"rtol": 0, "atol": 2**-50}
    torch.testing.assert_close(y, torch.tensor([[[-1.0, 1], [4, 0]], [[3, 5], [0, 0]]]).double(), **near)
    torch.testing.assert_close(mean, torch.tensor([1.0, 0]).double(), **near)
    torch.testing.assert_close(variance, 0.75 + torch.tensor([5.0, 12]).double() / 3, **near)
    dx, dgamma, dbeta = grad(y, (x, gamma, beta), torch.tensor([[[1.0, 0], [0, 4]], [[0, 0], [0, 0]]]).double())
    expected = torch.tensor([[[3.0, -2], [0.75, -8.25]], [[-1, 0], [3.75, 3.75]]]).double() / 6
    torch.testing.assert_close(dx, expected, **near)
    torch.testing.assert_close(dgamma, torch.tensor([-1.0, 2]).double(), **near)
    torch.testing.assert_close(dbeta, torch.tensor([1.0, 4]).double(), **near)


def test_batch_normalisation_in_evaluation_uses_what_was_kept() -> None:
    """B18: (x − 1)/4·3 + 2 and x/3·(−2) + 1; each sample alone, and the slope is γ/√(σ²+ε)."""
    x = torch.tensor([[[1.0, 3], [-6, 3]]]).double().requires_grad_()
    kept = (torch.tensor([1.0, 0]).double(), torch.tensor([12.0, 5]).double())
    y = functional.batch_norm(x, *kept, torch.tensor([3.0, -2]).double(), torch.tensor([2.0, 1]).double(), eps=4.0)
    torch.testing.assert_close(y, torch.tensor([[[2.0, 3.5], [5, -1]]]).double(), rtol=0, atol=2**-50)
    (dx,) = grad(y.sum(), x)
    torch.testing.assert_close(dx, torch.tensor([[[2.25] * 2, [-2] * 2]]).double() / 3, rtol=0, atol=2**-50)


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
