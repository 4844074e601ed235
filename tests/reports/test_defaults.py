"""Matrices and buffers were made on the default device, of the default dtype: CASES row 6."""

import ast
import importlib.util
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

import manualconv
from manualconv import functional as M
from manualconv.kernels.correlation.chooser import ALGORITHMS
from manualconv.kernels.entrywise import pointwise, residuals
from manualconv.kernels.pooling import doubling, maximum, selection
from tests.kernels.machine import needs_numba
from tests.layers import FUNCTIONS, TWINS, Example, Layer
from tests.reports.test_locality import drawn, plain


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
    leaves = example.leaves(dtype=dtype)
    with forward():
        y = example.by_hand(*leaves)
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


@cache
def outside(name: str, dtype: torch.dtype) -> list[Tensor]:
    """The results without a block."""
    return results(FUNCTIONS[name], dtype, nullcontext, nullcontext)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("around", AROUND)
def test_what_is_the_default_outside_changes_no_layer(name: str, around: str) -> None:
    """Forward and both orders of backward, inside the block and after it, in its dtype and in another."""
    block = AROUND[around]
    for dtype in (torch.float32, torch.float64):
        with every_way():
            for forward, backward in ((block, block), (block, nullcontext), (nullcontext, block)):
                identical(results(FUNCTIONS[name], dtype, forward, backward), outside(name, dtype))


#: Those that compute a convolution by name.
ASKED = [pytest.param(name, marks=needs_numba if name == "loops" else ()) for name in ALGORITHMS if name != "matrix"]


@cache
def beside(algorithm: str, dtype: torch.dtype) -> tuple[Example, list[Tensor]]:
    """A layer that the algorithm computes, and its results without a block."""
    groups = 4 if algorithm == "depthwise" else 1
    options = {"padding": 1, "dilation": 2 if algorithm == "winograd_dilated" else 1, "groups": groups}
    layer = Example("conv2d", ((2, 4, 12, 11), (4, 4 // groups, 3, 3)), options=options)
    with manualconv.algorithm(algorithm):
        return layer, results(layer, dtype, nullcontext, nullcontext)


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("algorithm", ASKED)
def test_every_algorithm_makes_its_matrices_beside_its_operands(algorithm: str, around: str) -> None:
    for dtype in (torch.float32, torch.float64):
        layer, expected = beside(algorithm, dtype)
        with manualconv.algorithm(algorithm):
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
def test_modules_are_made_where_torch_s_are(twins: Layer, around: str) -> None:
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
