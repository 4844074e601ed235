"""How a hand-written Function is called: eagerly, while compiling, inside autocast; folding of mapped axes."""

from typing import get_type_hints

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import Function

from manualconv import autograd
from manualconv.autograd.function import Map, fold, unfold
from manualconv.autograd.pointwise import Pointwise
from manualconv.geometry import Extension, Intervals, Window
from tests.layers import spread_out

PUBLIC = [getattr(autograd, name) for name in autograd.__all__]
FUNCTIONS = [part for part in PUBLIC if isinstance(part, type) and issubclass(part, Map) and not part.abstract]
WINDOW = Window((3, 4), (2, 2), (1, 2), (1, 1), ((0, 0), (1, 1)))
X, W, Y, B = (spread_out(shape) for shape in ((2, 3, 3, 4), (5, 3, 2, 2), (2, 5, 2, 3), (5,)))
EXTENSION = Extension((3, 4), ((2, 1), (-1, 3)), "reflect")
INTERVALS = Intervals((3, 4), (2, 5))
PLACES = torch.arange(6).reshape(2, 3).expand(2, 3, 2, 3)

#: Arguments for each; the first one is differentiated.
CALLS = {
    "Convolution": (X, W, B, WINDOW),
    "TransposedConvolution": (W, Y, None, WINDOW),
    "WeightCorrelation": (X, Y, WINDOW),
    "Power": (X, 3.0),
    "NonzeroPower": (X, 3.0),
    "Root": (X.abs(), 0.5),
    "ScaleChannels": (X, B[:3], B[1:4]),
    "DotChannels": (X, spread_out(X.shape, 1)),
    "Lay": (X, True),
    "Select": (X, PLACES, 2),
    "SelectTied": (X, PLACES, torch.ones(2, 3, 4, 6, dtype=torch.bool), WINDOW),
    "Scatter": (spread_out((2, 3, 2, 3)), PLACES, (3, 4)),
    "Place": (spread_out((2, 3, 2, 3)), PLACES, (3, 4)),
    "SumWindows": (X, WINDOW),
    "SpreadWindows": (Y, WINDOW),
    "MeanIntervals": (X, INTERVALS),
    "SpreadMeans": (spread_out((2, 3, *INTERVALS.output_size)), INTERVALS),
    "Windows": (X, WINDOW),
    "OverlapAdd": (spread_out((2, 12, 6)), WINDOW),
    "Pad": (X, (2, -1, 0, 1), 0.5),
    "Extend": (X, EXTENSION),
    "FoldBack": (spread_out((2, 3, *EXTENSION.output_size)), EXTENSION),
    "Standardize": (X, B[:3].reshape(1, 3, 1, 1), B[1:4].reshape(1, 3, 1, 1), (0, 2, 3), 0.01, "batch"),
    "SumToBias": (Y,),
    "SpreadBias": (B, 2, (2, 3)),
    "Softmax": (X, 1),
    "LogSoftmax": (X, 1),
    "Mask": (X, X.sign()),
    "Absolute": (X,),
    "Huber": (X, 0.7, 1.4),
    "Clip": (X, 0.7, 1.3),
    "LogitCrossEntropy": (X, X.flip(0) / 5 + 0.5),
    "BinaryCrossEntropy": (X / 5 + 0.5, X.flip(0) / 5 + 0.5),
}


def numbers(function: type[Map]) -> list[float]:
    """Numbers for the arguments behind the tensor, each larger than the one before; flags are off."""
    kinds = [kind for name, kind in get_type_hints(function.forward).items() if name != "return"][1:]
    return [kind(0.7 + 0.6 * n if kind is float else 0) for n, kind in enumerate(kinds)]


CALLS |= {f.__name__: (X, *numbers(f)) for f in FUNCTIONS if issubclass(f, Pointwise) and f.__name__ not in CALLS}


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
