"""What a window never saw reached its output: CASES row 5.

The referee of locality is a convolution of ones with ones: it says which outputs a position reaches, and never meets a
number that is not finite.
"""

from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad

import manualconv
from manualconv import functional as M

#: Where Fourier, segments of it, or tiles would compute if they might: function, x, w, options.
LAYERS: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "31x31": ("conv2d", (1, 1, 96, 96), (1, 1, 31, 31), {"padding": 15}),
    "31x31 in groups": ("conv2d", (1, 4, 56, 56), (4, 1, 31, 31), {"padding": 15, "groups": 4}),
    "3x3": ("conv2d", (2, 64, 28, 28), (64, 64, 3, 3), {"padding": 1}),
    "3x3 dilated": ("conv2d", (1, 128, 48, 48), (128, 128, 3, 3), {"padding": 2, "dilation": 2}),
    "5x5": ("conv2d", (1, 48, 36, 36), (64, 48, 5, 5), {}),
    "long kernel": ("conv1d", (1, 16, 1024), (16, 1, 1024), {"padding": 1023, "groups": 16}),
    "long signal": ("conv1d", (1, 1, 8192), (1, 1, 512), {}),
    "long signal, dilated": ("conv1d", (1, 2, 4096), (2, 2, 128), {"dilation": 3}),
    "volumes": ("conv3d", (1, 32, 8, 14, 14), (32, 32, 3, 3, 3), {"padding": 1}),
    "volumes in groups": ("conv3d", (1, 4, 12, 20, 20), (4, 1, 7, 7, 7), {"padding": 3, "groups": 4}),
    "transposed": ("conv_transpose2d", (1, 32, 28, 28), (32, 32, 3, 3), {"padding": 1}),
    "transposed, long": ("conv_transpose1d", (1, 8, 512), (8, 1, 512), {"groups": 8}),
}
CONVERTED = {"conv1d": "Conv1d", "conv2d": "Conv2d", "conv3d": "Conv3d", "conv_transpose1d": "ConvTranspose1d"}
CONVERTED |= {"conv_transpose2d": "ConvTranspose2d"}


def plain(name: str, x: Tensor, w: Tensor, **options: Any) -> Tensor:
    return getattr(M, name)(x, w, **options)


def by_hand(name: str, x: Tensor, w: Tensor, **options: Any) -> Tensor:
    with manualconv.by_hand():
        return getattr(F, name)(x, w, **options)


def converted(name: str, x: Tensor, w: Tensor, **options: Any) -> Tensor:
    """A module of torch's with the weight, made ours."""
    groups = options.get("groups", 1)
    channels = (w.shape[0], w.shape[1] * groups) if "transpose" in name else (w.shape[1] * groups, w.shape[0])
    net = torch.nn.Sequential(getattr(torch.nn, CONVERTED[name])(*channels, w.shape[2:], bias=False, **options))
    manualconv.convert(net.to(w.dtype))
    return torch.func.functional_call(net, {"0.weight": w}, (x,))


def mapped(name: str, x: Tensor, w: Tensor, **options: Any) -> Tensor:
    return torch.vmap(lambda one: getattr(M, name)(one, w, **options))(x)


def mapped_weights(name: str, x: Tensor, w: Tensor, **options: Any) -> Tensor:
    """Every sample has a weight of its own."""
    each = w.expand(len(x), *w.shape)
    return torch.vmap(lambda one, own: getattr(M, name)(one, own, **options))(x, each)


def traced(name: str, x: Tensor, w: Tensor, **options: Any) -> Tensor:
    torch.compiler.reset()
    return torch.compile(lambda x, w: getattr(M, name)(x, w, **options), backend="eager", fullgraph=True)(x, w)


WAYS = {f.__name__: f for f in (plain, by_hand, converted, mapped, mapped_weights)}
RUNS = [(way, layer) for way, layer in product(WAYS, LAYERS)]


def middle(t: Tensor) -> tuple[int, ...]:
    """A position in the middle of the last sample and channel."""
    return (t.shape[0] - 1, t.shape[1] - 1, *(size // 2 for size in t.shape[2:]))


def drawn(layer: str, dtype: torch.dtype = torch.float32) -> tuple[str, Tensor, Tensor, dict[str, Any]]:
    """A layer with positive numbers."""
    name, size, kernel, options = LAYERS[layer]
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.rand(s, generator=generator, dtype=torch.float64) + 0.1 for s in (size, kernel))
    return name, x.to(dtype), w.to(dtype), options


@cache
def seen(layer: str) -> Tensor:
    """Which outputs see the middle of the input."""
    name, x, w, options = drawn(layer)
    where = torch.zeros_like(x, dtype=torch.float64)
    where[middle(x)] = 1
    return getattr(F, name)(where, torch.ones_like(w, dtype=torch.float64), **options) > 0


@cache
def whole_numbers(layer: str, hole: bool) -> tuple[Tensor, Tensor, Tensor]:
    """x, in which there may be a hole of zeros, w and the exact output."""
    name, x, w, options = drawn(layer)
    x, w = torch.ones_like(x) if hole else (10 * x).round(), (3 * w).round()
    if hole:
        x[(..., *(slice(size // 4, size - size // 4) for size in x.shape[2:]))] = 0
    return x, w, getattr(F, name)(x.double(), w.double(), **options)


@pytest.mark.parametrize("value", [torch.nan, -torch.inf])
@pytest.mark.parametrize(("way", "layer"), RUNS)
def test_a_nan_or_infinity_reaches_only_the_windows_that_saw_it(way: str, layer: str, value: float) -> None:
    """An infinity comes out infinite, and nowhere as NaN."""
    name, x, w, options = drawn(layer)
    x[middle(x)] = value
    y = WAYS[way](name, x, w, **options)
    assert torch.equal(y.isnan() if value != value else y == value, seen(layer))
    assert value != value or not y.isnan().any()


@pytest.mark.parametrize(("way", "layer"), RUNS)
def test_a_large_number_rounds_nothing_that_did_not_see_it(way: str, layer: str) -> None:
    """1e30 in one place; all others hold whole numbers, whose sums are exact."""
    name, _, _, options = LAYERS[layer]
    x, w, exact = whole_numbers(layer, hole=False)
    x = x.clone()
    x[middle(x)] = 1e30
    y = WAYS[way](name, x, w, **options).double()
    assert torch.equal(y[~seen(layer)], exact[~seen(layer)])


@pytest.mark.parametrize(("way", "layer"), RUNS)
def test_a_hole_of_zeros_stays_zero_and_whole_numbers_whole(way: str, layer: str) -> None:
    name, _, _, options = LAYERS[layer]
    x, w, exact = whole_numbers(layer, hole=True)
    assert torch.equal(WAYS[way](name, x, w, **options).double(), exact)


@pytest.mark.parametrize("layer", ["31x31", "3x3", "3x3 dilated", "transposed"])
def test_compiled_layers_are_local_too(layer: str) -> None:
    name, x, w, options = drawn(layer)
    x[middle(x)] = torch.nan
    assert torch.equal(traced(name, x, w, **options).isnan(), seen(layer))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.complex64])
@pytest.mark.parametrize("layer", ["31x31 in groups", "3x3", "long kernel", "volumes", "transposed, long"])
def test_every_dtype_is_local(layer: str, dtype: torch.dtype) -> None:
    name, x, w, options = drawn(layer, dtype)
    x[middle(x)] = torch.nan
    x, w = x.requires_grad_(), w.requires_grad_()
    y = plain(name, x, w, **options)
    assert torch.equal(y.isnan(), seen(layer))
    y_bar = torch.zeros_like(y)
    y_bar[middle(y)] = 1
    x_bar, _ = grad(y, (x, w), y_bar)
    assert x_bar.isfinite().all()


def saw(name: str, x: Tensor, w: Tensor, y_bar: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    """Which entries of x, and of w, one place of the cotangent may reach."""
    ones = [torch.ones_like(t, dtype=torch.float64).requires_grad_() for t in (x, w)]
    y = getattr(F, name)(*ones, **options)
    x_bar, w_bar = grad(y, ones, y_bar.isnan().double())
    return x_bar > 0, w_bar > 0


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_nan_in_the_cotangent_reaches_only_what_it_was_computed_from(layer: str, channels_last: bool) -> None:
    name, x, w, options = drawn(layer)
    if channels_last and x.dim() == 4:
        x, w = (t.contiguous(memory_format=torch.channels_last) for t in (x, w))
    x, w = x.requires_grad_(), w.requires_grad_()
    y = plain(name, x, w, **options)
    y_bar = torch.ones_like(y)
    y_bar[middle(y)] = torch.nan
    expected = saw(name, x, w, y_bar, **options)
    x_bar, w_bar = grad(y, (x, w), y_bar, create_graph=True)
    assert torch.equal(x_bar.isnan(), expected[0])
    # A tap that read padding may have met 0·NaN there, or not.
    assert (w_bar.isnan() | ~expected[1]).all()
    assert torch.equal(w_bar.isnan().flatten(2).any(2), expected[1].flatten(2).any(2))


@pytest.mark.parametrize("layer", LAYERS)
def test_second_derivatives_are_local(layer: str) -> None:
    """⟨v, x̄⟩ by ȳ is a convolution of v: a NaN in v reaches the windows that saw it; by w it is a correlation."""
    name, x, w, options = drawn(layer)
    x, w = x.requires_grad_(), w.requires_grad_()
    y = plain(name, x, w, **options)
    y_bar = torch.ones_like(y).requires_grad_()
    (x_bar,) = grad(y, x, y_bar, create_graph=True)
    v = torch.ones_like(x)
    v[middle(v)] = torch.nan
    by_y, by_w = grad(x_bar, (y_bar, w), v)
    assert torch.equal(by_y.isnan(), seen(layer))
    channel = middle(v)[1]
    transposed, groups = "transpose" in name, options.get("groups", 1)
    if groups == 1:  # of other input channels no weight met it
        others = by_w.movedim(0 if transposed else 1, 0)[[c for c in range(x.shape[1]) if c != channel]]
        assert others.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("length", "kernel"), [(2000, 128), (4000, 1024), (700, 700), (16000, 64), (300, 5)])
def test_a_causal_layer_has_no_gradient_from_its_future(length: int, kernel: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    s = torch.randn(1, 1, length, generator=generator, dtype=dtype).requires_grad_()
    w = torch.randn(1, 1, kernel, generator=generator, dtype=dtype).requires_grad_()
    y = M.conv1d(M.pad(s, (kernel - 1, 0)), w)
    now = length // 3
    (g,) = grad(y[0, 0, now], s, create_graph=True)
    seen = slice(max(0, now - kernel + 1), now + 1)
    assert g[0, 0, now + 1 :].count_nonzero() == g[0, 0, : seen.start].count_nonzero() == 0
    assert torch.equal(g[0, 0, seen], w[0, 0, kernel - (seen.stop - seen.start) :])
    (w_bar,) = grad(g[0, 0, seen].sum(), w)
    assert torch.equal(w_bar, (torch.arange(kernel) >= kernel - (seen.stop - seen.start)).to(dtype).view_as(w))


@pytest.mark.parametrize("layer", ["31x31", "3x3", "3x3 dilated", "5x5", "long kernel", "long signal"])
def test_fast_would_spread_it_and_only_asked_for(layer: str) -> None:
    """So the layers here are those that tempt, and the setting is what keeps them local."""
    name, x, w, options = drawn(layer)
    x[middle(x)] = torch.nan
    with manualconv.accuracy("fast"):
        assert plain(name, x, w, **options).isnan().sum() > seen(layer).sum()
        with manualconv.accuracy("exact"):
            assert torch.equal(plain(name, x, w, **options).isnan(), seen(layer))
