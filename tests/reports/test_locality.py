"""What a window never saw reached its output: CASES row 5; and buffers on the wrong device: CASES row 6.

The referee of locality is a convolution of ones with ones: it says which outputs a position reaches, and never meets a
number that is not finite.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad

import manualconv
from manualconv import functional as M
from manualconv.kernels import doubling, maximum, pointwise, residuals, selection
from manualconv.kernels.chooser import SPECIAL
from tests.layers import FUNCTIONS, TWINS, Example, Twins

#: Where Fourier, segments of it, or tiles would compute if they might: function, x, w, options.
LAYERS: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "31x31": ("conv2d", (1, 1, 96, 96), (1, 1, 31, 31), {"padding": 15}),
    "31x31 in groups": ("conv2d", (1, 4, 56, 56), (4, 1, 31, 31), {"padding": 15, "groups": 4}),
    "3x3": ("conv2d", (2, 64, 28, 28), (64, 64, 3, 3), {"padding": 1}),
    "3x3 dilated": ("conv2d", (1, 64, 48, 48), (64, 64, 3, 3), {"padding": 2, "dilation": 2}),
    "5x5": ("conv2d", (1, 48, 24, 24), (64, 48, 5, 5), {}),
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


def ones_reach(name: str, where: Tensor, w: Tensor, **options: Any) -> Tensor:
    """How many of the positions `where` each output saw."""
    return getattr(F, name)(where.double(), torch.ones_like(w, dtype=torch.float64), **options)


def middle(t: Tensor) -> tuple[int, ...]:
    """A position in the middle of the last sample and channel."""
    return (t.shape[0] - 1, t.shape[1] - 1, *(size // 2 for size in t.shape[2:]))


def drawn(layer: str, dtype: torch.dtype = torch.float32) -> tuple[str, Tensor, Tensor, dict[str, Any]]:
    """A layer with positive numbers."""
    name, size, kernel, options = LAYERS[layer]
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.rand(s, generator=generator, dtype=torch.float64) + 0.1 for s in (size, kernel))
    return name, x.to(dtype), w.to(dtype), options


# ---------------------------------------------------------------------------------------------------- row 5


@pytest.mark.parametrize(("way", "layer"), RUNS)
def test_a_nan_reaches_only_the_windows_that_saw_it(way: str, layer: str) -> None:
    name, x, w, options = drawn(layer)
    x[middle(x)] = torch.nan
    y = WAYS[way](name, x, w, **options)
    assert torch.equal(y.isnan(), ones_reach(name, x.isnan(), w, **options) > 0)


@pytest.mark.parametrize(("way", "layer"), RUNS)
def test_an_infinity_comes_out_infinite_and_nowhere_as_nan(way: str, layer: str) -> None:
    name, x, w, options = drawn(layer)
    x[middle(x)] = -torch.inf
    y = WAYS[way](name, x, w, **options)
    assert torch.equal(y == -torch.inf, ones_reach(name, x.isinf(), w, **options) > 0)
    assert not y.isnan().any()


@pytest.mark.parametrize(("way", "layer"), RUNS)
def test_a_large_number_rounds_nothing_that_did_not_see_it(way: str, layer: str) -> None:
    """1e30 in one place; all others hold whole numbers, whose sums are exact."""
    name, x, w, options = drawn(layer)
    x, w = (10 * x).round(), (3 * w).round()
    exact = getattr(F, name)(x.double(), w.double(), **options)
    x[middle(x)] = 1e30
    y = WAYS[way](name, x, w, **options).double()
    unseen = ones_reach(name, x > 1e20, w, **options) == 0
    assert torch.equal(y[unseen], exact[unseen])


@pytest.mark.parametrize(("way", "layer"), RUNS)
def test_a_hole_of_zeros_stays_zero_and_whole_numbers_whole(way: str, layer: str) -> None:
    name, x, w, options = drawn(layer)
    x, w = torch.ones_like(x), (3 * w).round()
    x[(..., *(slice(size // 4, size - size // 4) for size in x.shape[2:]))] = 0
    y = WAYS[way](name, x, w, **options)
    assert torch.equal(y.double(), getattr(F, name)(x.double(), w.double(), **options))


@pytest.mark.parametrize("layer", ["3x3", "3x3 dilated", "transposed"])
def test_compiled_layers_are_local_too(layer: str) -> None:
    name, x, w, options = drawn(layer)
    x[middle(x)] = torch.nan
    assert torch.equal(traced(name, x, w, **options).isnan(), ones_reach(name, x.isnan(), w, **options) > 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.complex64])
@pytest.mark.parametrize("layer", ["31x31 in groups", "3x3", "long kernel", "volumes", "transposed, long"])
def test_every_dtype_is_local(layer: str, dtype: torch.dtype) -> None:
    name, x, w, options = drawn(layer, dtype)
    x[middle(x)] = torch.nan
    x, w = x.requires_grad_(), w.requires_grad_()
    y = plain(name, x, w, **options)
    seen = ones_reach(name, x.detach().isnan(), w, **options) > 0
    assert torch.equal(y.isnan(), seen)
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
    assert torch.equal(by_y.isnan(), ones_reach(name, v.isnan(), w, **options) > 0)
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


def test_the_four_reports() -> None:
    x = torch.zeros(1, 1, 256, 256)
    x[..., 128, 128] = torch.nan
    assert M.conv2d(x, torch.ones(1, 1, 31, 31), padding=15).isnan().sum() == 961
    m = torch.ones(1, 1, 256, 256)
    m[..., 64:192, 64:192] = 0
    c = M.conv2d(m, torch.ones(1, 1, 31, 31), padding=15)
    assert (c == 0).sum() == 9604 and torch.equal(c, c.round())
    s = torch.randn(1, 1, 16000).requires_grad_()
    y = M.conv1d(F.pad(s, (1023, 0)), torch.randn(1, 1, 1024))
    assert grad(y[0, 0, 5000], s)[0][..., 5001:].count_nonzero() == 0
    x = torch.randn(2, 128, 28, 28)
    x[0, 0, 14, 14] = torch.inf
    y = M.conv2d(x, torch.rand(128, 128, 3, 3) + 0.1, padding=1)[0, 0]
    assert (y == torch.inf).sum() == 9 and not y.isnan().any()


@pytest.mark.parametrize("layer", ["31x31", "3x3", "3x3 dilated", "5x5", "long kernel", "long signal"])
def test_fast_would_spread_it_and_only_asked_for(layer: str) -> None:
    """So the layers here are those that tempt, and the setting is what keeps them local."""
    name, x, w, options = drawn(layer)
    x[middle(x)] = torch.nan
    seen = ones_reach(name, x.isnan(), w, **options) > 0
    with manualconv.accuracy("fast"):
        assert plain(name, x, w, **options).isnan().sum() > seen.sum()
        with manualconv.accuracy("exact"):
            assert torch.equal(plain(name, x, w, **options).isnan(), seen)


# ---------------------------------------------------------------------------------------------------- row 6


@contextmanager
def default_device(name: str) -> Iterator[None]:
    torch.set_default_device(name)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


AROUND: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "a block of meta": lambda: torch.device("meta"),
    "default device meta": lambda: default_device("meta"),
    "default dtype float64": lambda: default_dtype(torch.float64),
    "default dtype float16": lambda: default_dtype(torch.float16),
}
Around = Callable[[], AbstractContextManager[Any]]


@contextmanager
def every_way() -> Iterator[None]:
    """The kernels' sizes as small as they go, so that the layers of the tables take the ways that large ones take."""
    limits = ((selection, "LARGE", 1), (maximum, "LARGE", 1), (pointwise, "SMALL", 0), (doubling, "MOVING", -99.0))
    with ExitStack() as stack:
        for module, name, least in limits:
            stack.enter_context(mock.patch.object(module, name, least))
        yield


def results(example: Example, dtype: torch.dtype, forward: Around, backward: Around) -> list[Tensor]:
    """The output, its gradients, and theirs."""
    leaves = example.tensors(dtype)
    with forward():
        y = example.apply(*leaves)
    y_bar = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
    with backward():
        first = grad(y, leaves, y_bar, create_graph=True, materialize_grads=True)
        curved = [g for g in first if g.requires_grad]  # of a linear layer they may be constants
        second = grad(curved, leaves, [g.detach() for g in curved], materialize_grads=True) if curved else ()
    return [t.detach() for t in (y, *first, *second)]


def identical(got: list[Tensor], expected: list[Tensor]) -> None:
    for ours, outside in zip(got, expected, strict=True):
        assert (ours.device, ours.dtype) == (outside.device, outside.dtype)
        torch.testing.assert_close(ours, outside, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("around", AROUND)
def test_what_is_the_default_outside_changes_no_layer(name: str, around: str) -> None:
    """Forward and both orders of backward, inside the block and after it, in its dtype and in another."""
    block = AROUND[around]
    for dtype in (torch.float32, torch.float64):
        with every_way():
            expected = results(FUNCTIONS[name], dtype, nullcontext, nullcontext)
            for forward, backward in ((block, block), (block, nullcontext), (nullcontext, block)):
                identical(results(FUNCTIONS[name], dtype, forward, backward), expected)


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("algorithm", ["lowering", "lowering_batch_last", "lowering_rows", "shifting", *SPECIAL])
def test_every_algorithm_makes_its_matrices_beside_its_operands(algorithm: str, around: str) -> None:
    options = {"padding": 1, "dilation": 2 if algorithm == "winograd_dilated" else 1}
    layer = Example(lambda x, w: M.conv2d(x, w, **options), ((2, 3, 12, 11), (4, 3, 3, 3)))
    for dtype in (torch.float32, torch.float64):
        with manualconv.algorithm(algorithm):
            expected = results(layer, dtype, nullcontext, nullcontext)
            identical(results(layer, dtype, AROUND[around], AROUND[around]), expected)


@pytest.mark.parametrize("around", ["a block of meta", "default dtype float64"])
@pytest.mark.parametrize("tier", ["exact", "fast"])
@pytest.mark.parametrize("layer", ["31x31", "3x3", "3x3 dilated", "long kernel", "long signal", "transposed"])
def test_large_layers_are_computed_as_outside_the_block(layer: str, tier: str, around: str) -> None:
    name, x, w, options = drawn(layer)
    with manualconv.accuracy(tier):
        outside = plain(name, x, w, **options)
        with AROUND[around]():
            inside = plain(name, x, w, **options)
    identical([inside], [outside])


@pytest.mark.parametrize("around", AROUND)
def test_measurements_of_a_layer_are_taken_as_outside_the_block(around: str) -> None:
    w = torch.randn(3, 2, 3, 3)
    large = torch.randn(8, 8, 3, 3)
    found = []
    for block in (nullcontext, AROUND[around]):
        with block():
            counted = M.connections(w, (5, 6), padding=1)
            norms = M.spectral_norm(w, (5, 6)), M.spectral_norm(large, (16, 16))
            matrix = M.toeplitz(w, (5, 6), padding=1, layout=torch.strided)
        found.append(
            (counted.nonzeros, counted.weights, norms, counted.uses_of_inputs, counted.uses_of_weights, matrix)
        )
    assert found[0][:3] == found[1][:3]
    identical(list(found[1][3:]), list(found[0][3:]))


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS)
def test_modules_are_made_where_torch_s_are(twins: Twins, around: str) -> None:
    with AROUND[around]():
        ours, theirs = (getattr(library, twins.name)(*twins.arguments) for library in (manualconv.nn, torch.nn))

    def places(net: torch.nn.Module) -> dict[str, tuple[torch.device, torch.dtype]]:
        return {name: (t.device, t.dtype) for name, t in net.state_dict(keep_vars=True).items()}

    assert places(ours) == places(theirs)


@pytest.mark.parametrize("around", AROUND)
def test_constants_made_at_import_are_the_same(around: str) -> None:
    spec = importlib.util.spec_from_file_location("again", str(residuals.__file__))
    assert spec is not None and spec.loader is not None
    again = importlib.util.module_from_spec(spec)
    with AROUND[around]():
        spec.loader.exec_module(again)
    assert again.LEAST == residuals.LEAST == float(torch.tensor(1e-12, dtype=torch.float32))


#: What makes a tensor from nothing, on the default device and of the default dtype unless told.
FACTORIES = re.compile(
    r"torch\.(zeros|ones|empty|full|a?range|(as_)?tensor|asarray|eye|(lin|log)space|rand(n|int|perm)?|normal|scalar_tensor"
    r"|empty_strided|tri[lu]_indices|\w+_window|fft\.r?fftfreq)"
)


def untold(file: Path) -> list[str]:
    """The calls in a file that leave the device, or the dtype of what does not count, to the default."""
    calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    made = [(ast.unparse(call.func), {keyword.arg for keyword in call.keywords}, call.lineno) for call in calls]
    return [
        f"{file.name}:{line} {name}"
        for name, told, line in made
        if FACTORIES.fullmatch(name) and not told >= ({"device"} if name == "torch.arange" else {"device", "dtype"})
    ]


def test_no_buffer_is_made_without_saying_where() -> None:
    root = Path(manualconv.__file__).parent
    floors = ("kernels", "autograd", "functional", "swap", "nn")
    assert [line for floor in floors for file in (root / floor).rglob("*.py") for line in untold(file)] == []


def test_the_report_of_a_block_of_meta() -> None:
    x, w = torch.randn(2, 128, 28, 28), torch.randn(128, 128, 3, 3)
    with torch.device("meta"):
        inside = M.conv2d(x, w, padding=1)
        with manualconv.accuracy("fast"):
            fast = M.conv2d(x, w, padding=1)
    assert torch.equal(inside, M.conv2d(x, w, padding=1))
    torch.testing.assert_close(fast, F.conv2d(x, w, padding=1), rtol=1e-3, atol=1e-3)
