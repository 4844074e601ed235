"""How a hand-written Function is called: eagerly, while compiling, inside autocast; folding of mapped axes."""

from contextlib import ExitStack
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import Function, grad

from manualconv import autograd
from manualconv.autograd.function import Map, fold, unfold
from manualconv.geometry import Window
from manualconv.testing.catalogue import OPERATIONS
from tests.layers import spread_out
from tests.test_by_hand import Operators

PUBLIC = [getattr(autograd, name) for name in autograd.__all__]
FUNCTIONS = [part for part in PUBLIC if isinstance(part, type) and issubclass(part, Map) and not part.abstract]
WINDOW = Window((3, 4), (2, 2), (1, 2), (1, 1), ((0, 0), (1, 1)))
X, W, Y, B = (spread_out(shape) for shape in ((2, 3, 3, 4), (5, 3, 2, 2), (2, 5, 2, 3), (5,)))
PLACES = torch.arange(6).reshape(2, 3).expand(2, 3, 2, 3)


def called() -> dict[str, tuple[Any, ...]]:
    """What the catalogue's examples, their gradients and second gradients call each with, the first differentiated."""
    found: dict[str, tuple[Any, ...]] = {
        "Lay": (X, True),
        "SelectTied": (X, PLACES, torch.ones(2, 3, 4, 6, dtype=torch.bool), WINDOW),
    }
    with ExitStack() as stack:
        for function in FUNCTIONS:

            def call(*args: Any, name: str = function.__name__, run: Any = function.call) -> Any:
                found.setdefault(name, args)
                return run(*args)

            stack.enter_context(mock.patch.object(function, "call", staticmethod(call)))
        for operation in OPERATIONS.values():
            for example in operation.examples.values():
                inputs = example.leaves()
                y = example.by_hand(*inputs)
                cotangent = spread_out(tuple(y.shape)).requires_grad_()
                first = grad(y, inputs, cotangent, create_graph=True)
                grad(sum((g * g).sum() for g in first), (*inputs, cotangent), materialize_grads=True)
    return found


CALLS = called()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_every_function_gives_its_five_rules(function: type[Map]) -> None:
    for rule in ("forward", "setup_context", "backward", "jvp", "vmap"):
        assert getattr(function, rule) is not getattr(Function, rule), rule
    assert function.__doc__


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_a_result_is_fresh(function: type[Map]) -> None:
    """A view made inside a Function may not be edited in place by the next layer; an input is not a copy."""
    first, *others = CALLS[function.__name__]
    leaf = first.clone().requires_grad_()
    result = function.call(leaf, *others)
    result = result[0] if isinstance(result, tuple) else result
    assert not result._is_view()
    assert result.data_ptr() != leaf.data_ptr()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_a_cotangent_that_is_not_there_costs_nothing(function: type[Map]) -> None:
    """None comes in and None goes out, past infinite slopes too; no tensor of zeros is made on the way."""
    args = [t.detach().requires_grad_() if is_floating(t) else t for t in CALLS[function.__name__]]
    leaves = [t for t in args if is_floating(t)]
    result = function.call(*args)
    y = torch._C._functions.UndefinedGrad()(result[0] if isinstance(result, tuple) else result)
    cotangent = torch.ones_like(y)
    with Operators() as ran:
        assert grad(y, leaves, cotangent, allow_unused=True) == (None,) * len(leaves)
    assert not ran.names


def is_floating(t: object) -> bool:
    """Whether it may ask for a gradient."""
    return isinstance(t, torch.Tensor) and t.is_floating_point()


def test_rules_run_outside_autocast_in_the_dtype_of_their_tensors() -> None:
    x, w = (torch.randn(4, 4, requires_grad=True) for _ in range(2))
    window = Window((), (), (), (), ())
    with torch.autocast("cpu", torch.bfloat16):
        y = autograd.Convolution.call(x, w, None, window)
        assert y.dtype == torch.float32
        gradients = torch.autograd.grad(y.float().sum(), (x, w), create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in gradients), (x, w))
    assert {g.dtype for g in (*gradients, *second)} == {torch.float32}


@given(
    size=st.integers(1, 3),
    shape=st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 3)),
    axis=st.integers(0, 2),
    mapped=st.sampled_from((None, 0, 1, 2, 3)),
)
def test_unfold_undoes_fold(size: int, shape: tuple[int, int, int], axis: int, mapped: int | None) -> None:
    samples = torch.arange(size * torch.Size(shape).numel()).reshape(size, *shape)
    if mapped is None:
        samples = samples[:1].expand(size, *shape)
    x = samples[0] if mapped is None else samples.movedim(0, mapped)
    folded = fold(x, mapped, size, axis)
    assert folded.shape[axis] == size * shape[axis]
    assert torch.equal(folded, torch.cat(list(samples), axis))
    assert torch.equal(unfold(folded, size, axis).movedim(axis, 0), samples)
