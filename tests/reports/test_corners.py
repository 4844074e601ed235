"""Corner cases that torch's own tests know: windows of padding alone, no channels, no entries, layouts of results."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import manualconv.functional as M
import manualconv.nn as MN
from tests.bad_input.calls import outcome
from tests.layers import rounded, spread_out

INF = float("inf")


def _pools(ndim: int) -> tuple[Any, Any]:
    return getattr(M, f"max_pool{ndim}d"), getattr(F, f"max_pool{ndim}d")


#: Kernel, stride, padding, dilation of inputs that lie between two taps of a window; the length of each axis.
BLIND = (
    (2, None, 1, 2, 1),
    (2, 1, 1, 2, 1),
    (2, 1, 1, 3, 2),
    (3, 1, 1, 2, 3),
    (4, 1, 2, 3, 6),
    (4, 1, 2, 5, 12),
    (5, 2, 2, 4, 13),
    (2, 1, 1, 5, 4),
)


@pytest.mark.parametrize("numbers", BLIND)
@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_a_window_of_padding_alone_is_minus_infinity_and_has_no_gradient(
    ndim: int, numbers: tuple[Any, ...], ceil_mode: bool
) -> None:
    """Row 21: torch's value and index; its backward writes outside the tensor, ours sends nothing."""
    k, s, p, d, length = numbers
    ours, theirs = _pools(ndim)
    x = spread_out((2, 3, *[length] * ndim))
    arguments = (k, s, p, d, ceil_mode)
    expected, places = theirs(x, *arguments, return_indices=True)
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.int64):
        z = (x * 8).to(dtype)
        with_indices = ours(z, *arguments, return_indices=True)
        assert torch.equal(with_indices[0], theirs(z, *arguments, return_indices=True)[0])
        assert torch.equal(with_indices[1], theirs(z, *arguments, return_indices=True)[1])
    leaf = x.clone().requires_grad_()
    y = ours(leaf, *arguments)
    assert torch.equal(y, expected)
    cotangent = spread_out(tuple(y.shape), 3)
    (g,) = torch.autograd.grad(y, leaf, cotangent, create_graph=True)
    inside = (places < length**ndim) & (expected > -INF)
    right = torch.zeros(2, 3, length**ndim, dtype=x.dtype)
    flat, kept = places.flatten(2), cotangent * inside
    right.scatter_add_(2, torch.where(inside.flatten(2), flat, 0), kept.flatten(2))
    torch.testing.assert_close(g, right.reshape(x.shape), rtol=0, atol=1e-14)


def test_the_smallest_window_of_padding_alone_is_what_torch_gives() -> None:
    """Row 21's own input, with the layer, both rules for ties, vmap and a transform."""
    x = torch.ones(1, 1, requires_grad=True)
    y = M.max_pool1d(x, 2, None, 1, 2)
    assert torch.equal(y, torch.tensor([[-INF]]))
    assert torch.equal(torch.autograd.grad(y, x, torch.ones(1, 1))[0], torch.zeros(1, 1))
    assert torch.equal(M.max_pool1d(x, 2, None, 1, 2, ties="split"), torch.tensor([[-INF]]))
    assert torch.equal(MN.MaxPool1d(2, None, 1, 2)(x), torch.tensor([[-INF]]))
    mapped = torch.vmap(lambda v: M.max_pool1d(v, 2, None, 1, 2))(torch.ones(3, 1, 1))
    assert torch.equal(mapped, torch.full((3, 1, 1), -INF))
    jacobian = torch.func.jacrev(lambda v: M.max_pool2d(v, 2, 1, 1, 3))(torch.ones(1, 2, 2))
    assert jacobian.sum() == (M.max_pool2d(torch.ones(1, 2, 2), 2, 1, 1, 3) > 0).sum()


@pytest.mark.parametrize("ties", ["first", "split"])
def test_a_window_of_padding_alone_leaves_its_neighbours_right(ties: str) -> None:
    """Row 21: windows 0 and 2 of three see nothing on one axis, the middle one all there is."""
    x = torch.tensor([[[5.0, 7.0]]], requires_grad=True)
    y = M.max_pool1d(x, 2, 1, 1, 3, ties=ties)
    assert torch.equal(y, F.max_pool1d(x.detach(), 2, 1, 1, 3))
    (g,) = torch.autograd.grad(y.clamp(min=0).sum(), x)
    assert float(g.sum()) == float((y > 0).sum())


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("lead", [(2,), (), (0,)])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("arguments", [{}, {"stride": 2, "padding": 1}, {"padding": "same"}, {"dilation": 2}])
@pytest.mark.parametrize("with_bias", [True, False])
def test_a_convolution_of_no_input_channels_has_torch_s_shape(
    ndim: int, lead: tuple[int, ...], groups: int, arguments: dict[str, Any], with_bias: bool
) -> None:
    """Row 21: no output channels either; the gradients have their tensors' shapes, and the bias's is 0."""
    x = torch.zeros(*lead, 0, *(5, 6, 7)[:ndim], requires_grad=True)
    w = torch.zeros(4, 0, *(3, 2, 2)[:ndim], requires_grad=True)
    tensors = (x, w, torch.ones(4, requires_grad=True)) if with_bias else (x, w)
    ours, theirs = (getattr(f, f"conv{ndim}d")(*tensors, groups=groups, **arguments) for f in (M, F))
    assert (ours.shape, ours.stride(), ours.dtype) == (theirs.shape, theirs.stride(), theirs.dtype)
    for y in (ours, theirs):
        gradients = torch.autograd.grad(y.sum(), tensors)
        assert [g.shape for g in gradients] == [t.shape for t in tensors]
        assert all(float(g.abs().sum()) == 0 for g in gradients)


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_of_no_input_channels_is_refused_as_torch_does(ndim: int, groups: int) -> None:
    """Row 21, the transposed kind."""
    x, w = torch.zeros(2, 0, *(5, 6, 7)[:ndim]), torch.zeros(0, 4 // groups, *(3, 2, 2)[:ndim])
    theirs, ours = (
        outcome(lambda f: getattr(f, f"conv_transpose{ndim}d")(x, w, groups=groups), library) for library in (F, M)
    )
    assert ours.error is theirs.error is RuntimeError


def test_layers_of_no_input_channels_have_torch_s_shape() -> None:
    """Row 21: the module, every padding mode, vmap."""
    for mode in ("zeros", "reflect", "replicate", "circular"):
        with pytest.warns(UserWarning, match="zero-element"):
            layers = [library.Conv2d(0, 4, 3, padding=1, padding_mode=mode) for library in (MN, torch.nn)]
        ours, theirs = (outcome(lambda layer: layer(torch.zeros(2, 0, 5, 6)), layer) for layer in layers)
        assert ours.error is theirs.error
        assert theirs.error is not None or ours.value.shape == theirs.value.shape
    w = torch.zeros(4, 0, 3, 3)
    assert torch.vmap(lambda v: M.conv2d(v, w))(torch.zeros(3, 2, 0, 5, 6)).shape == (3, 2, 0, 3, 4)


POOLS = (
    ("max_pool", (2,)),
    ("max_pool", (4,)),
    ("avg_pool", (2,)),
    ("avg_pool", (2, 1, 1)),
    ("adaptive_avg_pool", (1,)),
    ("adaptive_avg_pool", (2,)),
    ("adaptive_avg_pool", (3,)),
    ("adaptive_max_pool", (1,)),
    ("adaptive_max_pool", (2,)),
    ("lp_pool", (2, 2)),
)


def _lying(size: tuple[int, ...], how: str) -> Tensor:
    """The same numbers in memory in one of several ways."""
    x = spread_out(size).float()
    if how == "channels_last":
        return x.contiguous(memory_format=torch.channels_last if len(size) == 4 else torch.channels_last_3d)
    if how == "transposed":
        return x.transpose(-1, -2).contiguous().transpose(-1, -2)
    if how == "rows of samples":
        return x.transpose(0, -1).contiguous().transpose(0, -1)
    return x


@pytest.mark.parametrize(("pool", "arguments"), POOLS)
@pytest.mark.parametrize("how", ["contiguous", "channels_last", "transposed", "rows of samples"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_the_result_of_a_pool_lies_in_memory_as_torch_s(
    ndim: int, how: str, pool: str, arguments: tuple[Any, ...]
) -> None:
    """Row 21: strides, of axes of one position too; samples, channels and positions of 0, 1 and more; x̄'s formats."""
    formats = (torch.contiguous_format, torch.channels_last if ndim == 2 else torch.channels_last_3d)
    for size in ((2, 3), (1, 3), (2, 1), (0, 3)):
        x = _lying((*size, *(4, 4, 4)[:ndim]), how)
        found = []
        for library in (M, F):
            leaf = x.detach().requires_grad_()
            y = getattr(library, f"{pool}{ndim}d")(leaf, *arguments)
            (x_bar,) = torch.autograd.grad(y, leaf, torch.ones_like(y))
            found.append((y.stride(), [x_bar.is_contiguous(memory_format=form) for form in formats]))
        assert found[0] == found[1], (size, x.stride())


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize("how", ["contiguous", "channels_last", "transposed", "rows of samples"])
def test_the_result_of_a_softmax_is_contiguous_however_its_input_lies(name: str, how: str) -> None:
    """Row 21, the systematic part."""
    x = _lying((2, 3, 4, 5), how)
    for dim in (0, 1, -1):
        ours, theirs = (getattr(f, name)(x, dim) for f in (M, F))
        assert ours.stride() == theirs.stride()


def test_a_channels_last_mean_of_one_position_lies_channels_last() -> None:
    """Row 21's own input, its gradient of two orders and vmap."""
    x = _lying((2, 3, 4, 4), "channels_last").double().requires_grad_()
    y = M.adaptive_avg_pool2d(x, 1)
    assert y.stride() == (3, 1, 3, 3)
    (g,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    assert torch.allclose(g, (y / 8).expand(x.shape))
    assert torch.autograd.grad(g.sum(), x)[0].shape == x.shape
    mapped = torch.vmap(lambda v: M.adaptive_avg_pool2d(v, 1))(torch.stack([x, x]).detach())
    rounded(mapped[0], y)


X, T = torch.ones(2, 3), torch.tensor([0, 1])
WARNED: dict[str, Any] = {
    "softmax": lambda: M.softmax(X),
    "log_softmax": lambda: M.log_softmax(X),
    "softmin": lambda: M.softmin(X),
    "mse_loss of sizes": lambda: M.mse_loss(X, X[:1]),
    "l1_loss of sizes": lambda: M.l1_loss(X, X[:1]),
    "smooth_l1_loss of sizes": lambda: M.smooth_l1_loss(X, X[:1]),
    "huber_loss of sizes": lambda: M.huber_loss(X, X[:1]),
    "mse_loss, reduce": lambda: M.mse_loss(X, X, reduce=True),
    "nll_loss, size_average": lambda: M.nll_loss(X, T, size_average=False),
    "cross_entropy, reduce": lambda: M.cross_entropy(X, T, reduce=False),
    "mse_loss, elementwise_mean": lambda: M.mse_loss(X, X, reduction="elementwise_mean"),
    "cross_entropy, elementwise_mean": lambda: M.cross_entropy(X, T, reduction="elementwise_mean"),
    "binary_cross_entropy, elementwise_mean": lambda: M.binary_cross_entropy(X, X, reduction="elementwise_mean"),
    "dropout2d": lambda: M.dropout2d(X[None]),
    "dropout3d": lambda: M.dropout3d(X),
}


@pytest.mark.parametrize("name", WARNED)
def test_a_warning_names_the_line_that_called(name: str) -> None:
    """A warning shows the user's line, not one of ours: the filters of Python go by it."""
    with pytest.warns(UserWarning, match=".") as caught:
        WARNED[name]()
    assert [warning.filename for warning in caught] == [__file__]
