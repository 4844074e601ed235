"""The trace: its products sum to the operation and its gradients of both orders, ours and torch's, exactly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from manualconv import functional
from manualconv.explain import trace
from manualconv.explain.tracing.layer import Layer, make
from manualconv.explain.tracing.passes import KEYS, SECOND, keys_of
from manualconv.explain.tracing.trace import Trace
from manualconv.testing.cases import (
    Convolution,
    Pooling,
    TransposedConvolution,
    convolutions,
    poolings,
    transposed_convolutions,
)
from manualconv.testing.referee import REFEREE, by_hand, convolution, transposed, transposed_by_hand, two_orders

EITHER = st.sampled_from((2, 1))
FEW = settings(max_examples=40)


def traced(layer: Layer, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every pass."""
    return {key: trace(layer, key, tensors).tensor() for key in keys_of(layer)}


def agree(layer: Layer, tensors: dict[str, Tensor], *applied: Callable[..., Tensor]) -> None:
    """Every pass against two orders of autograd, of each way to apply the layer to x, w and b."""
    x, w, b, dy = (tensors[letter] for letter in ("x", "w", "b", "dy"))
    found = traced(layer, tensors)
    for apply in applied:
        y, dx, dw, db, by_x, by_w, _, by_dy = two_orders(
            apply, (x, w, b), dy, (tensors["u"], tensors["v"], torch.zeros_like(b))
        )
        expected = {"forward": y, "input": dx, "weight": dw, "bias": db}
        expected |= {"second-weight-input": by_x, "second-input-weight": by_w}
        for key, value in expected.items():
            assert torch.equal(found[key], value), key
        assert torch.equal(found["second-input-output"] + found["second-weight-output"], by_dy)
        assert torch.equal(found.get("input-full", dx), dx)


@FEW
@given(case=EITHER.flatmap(convolutions), flip=st.booleans())
def test_every_pass_of_a_convolution_is_autograd_s(case: Convolution, flip: bool) -> None:
    case = replace(case, batch=None if case.batch is None else min(case.batch, 2), biased=True)
    (x, w, dy), (u, v, _) = case.batched(), case.batched(seed=1)
    layer = Layer("conv", case.window, x.shape[1], len(w), flip)
    axes = tuple(range(2, w.dim()) if flip else ())
    tensors = {"x": x, "w": w, "b": torch.arange(len(w)).double() - 1, "dy": dy, "u": u, "v": v}
    agree(
        layer,
        tensors,
        *(lambda x, w, b, apply=apply: apply(x, w.flip(axes), b, case.window) for apply in (convolution, by_hand)),
    )


@FEW
@given(case=EITHER.flatmap(transposed_convolutions))
def test_every_pass_of_a_transposed_convolution_is_autograd_s(case: TransposedConvolution) -> None:
    batch = None if case.of.batch is None else min(case.of.batch, 2)
    case = replace(case, of=replace(case.of, batch=batch, biased=True))
    (dy, w, x), (_, v, u) = case.of.batched(), case.of.batched(seed=1)
    layer = Layer("conv_transpose", case.of.window, dy.shape[1], x.shape[1])
    tensors = {"x": x, "w": w, "b": torch.arange(dy.shape[1]).double() - 1, "dy": dy, "u": u, "v": v}
    agree(
        layer,
        tensors,
        *(lambda x, w, b, apply=apply: apply(x, w, b, case) for apply in (transposed, transposed_by_hand)),
    )


@FEW
@given(case=EITHER.flatmap(lambda ndim: poolings(ndim, dilated=True)))
def test_every_pass_of_max_pooling_is_autograd_s(case: Pooling) -> None:
    case, window = replace(case, batch=case.batch and min(case.batch, 2)), replace(case.window, groups=case.channels)
    x, dy = case.input().contiguous(), case.cotangent(window.output_size).contiguous()
    u = case.of_size(window.input_size, 1, seed=7)
    found = traced(Layer("max_pool", window, case.channels, case.channels), {"x": x, "dy": dy, "u": u})
    for library in (REFEREE, functional):
        layer = partial(getattr(library, f"max_pool{window.ndim}d"), **case.sizes, dilation=window.dilation)
        pooled = two_orders(layer, (x,), dy, (u,))
        for key, value in zip(("forward", "input", None, "second-input-output"), pooled):
            assert key is None or torch.equal(found[key], value), (library, key)


@FEW
@given(case=EITHER.flatmap(lambda ndim: poolings(ndim, dilated=False)))
def test_every_pass_of_average_pooling_is_autograd_s(case: Pooling) -> None:
    """On multiples of the divisor, whose parts are whole."""
    case, window = replace(case, batch=case.batch and min(case.batch, 2)), replace(case.window, groups=case.channels)
    x, dy, u = (
        window.taps * t
        for t in (case.input(), case.cotangent(window.output_size), case.of_size(window.input_size, 1, seed=7))
    )
    found = traced(Layer("avg_pool", window, case.channels, case.channels), {"x": x, "dy": dy, "u": u})
    for library in (REFEREE, functional):
        layer = partial(getattr(library, f"avg_pool{window.ndim}d"), **case.sizes)
        pooled = two_orders(layer, (x,), dy, (u,))
        for key, value in zip(("forward", "input", None, "second-input-output"), pooled):
            assert key is None or torch.equal(found[key], value), (library, key)


def seen(found: Trace, which: int, axis: int) -> set[int]:
    """The positions of an axis that some step reads or writes."""
    return {cell[axis] for cell in found.touched[which]}


@FEW
@given(case=EITHER.flatmap(convolutions), key=st.sampled_from([key for key in KEYS if key != "bias"]))
def test_a_step_reads_what_the_index_relation_says(case: Convolution, key: str) -> None:
    """Each term multiplies its cells' numbers; together the steps leave out the rows that no placement reaches."""
    layer = Layer("conv", replace(case.window), case.window.groups * case.channels, case.window.groups * case.outputs)
    found = trace(layer, key, seed=case.seed)
    for step in found.steps:
        for term in step.terms:
            values = [grid.cells.get(cell, 0) for grid, cell in zip(found.read, term.read)]
            assert term.factors == tuple(values)
            assert term.product == values[0] * values[1]
            assert (term.to if found.scatter is None else term.read[found.scatter]) == step.at
    if key == "forward":
        window = case.window
        for axis in range(window.ndim):
            touched = seen(found, 0, 2 + axis)
            a, b = window.padding[axis]
            reach = range(-a, window.input_size[axis] + b - window.leftover[axis])
            assert touched <= set(reach)
            if window.kernel_size[axis] >= window.stride[axis] and window.dilation[axis] == 1:
                assert touched == set(reach)
        assert found.never(0) == frozenset(c for c in found.read[0].cells if c not in found.touched[0])


def test_a_batch_is_summed_by_the_weight_gradient() -> None:
    layer = make("conv", (4, 3), (2, 3), channels=2, filters=3)
    x, dy = torch.randint(-3, 4, (3, 2, 4, 3)), torch.randint(-3, 4, (3, 3, 3, 1))
    parts = [trace(layer, "weight", {"x": x[n], "dy": dy[n]}).tensor() for n in range(3)]
    assert torch.equal(trace(layer, "weight", {"x": x, "dy": dy}).tensor(), sum(parts))


def test_a_stride_that_does_not_divide_leaves_a_border_unread() -> None:
    found = trace(make("conv", (6, 7), (3, 3), stride=(2, 2)), "forward")
    assert found.never(0) == {(0, 0, 5, column) for column in range(7)}
    assert trace(found.layer, "input").never(-1) == found.never(0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kernel_size": 9}, r"the kernel spans 1·\(9 − 1\) \+ 1 = 9 positions and the padded input has only 5 \+ 0"),
        ({"channels": 4, "filters": 6, "groups": 4}, "4 groups must divide 4 channels and 6 filters"),
        ({"stride": (1, 2, 3)}, "numbers for unequal axes: input 2, stride 3; each has one number, or 2"),
        ({"stride": 0}, "the stride is 0; it is at least 1 on each axis"),
        ({"padding": ((1, 2),) * 3}, "numbers for unequal axes: input 2, padding 3"),
        ({"padding": -1}, r"the padding is \(-1, -1\); it is at least 0"),
        ({"kind": "conv_transpose", "padding": 4}, "the output would be -1×0: the padding cuts off all that there is"),
        ({"kind": "conv_transpose", "flip": True}, "conv_transpose has no flipped kernel"),
        ({"kind": "avg_pool", "dilation": 2}, r"avg_pool has no dilation in PyTorch: give 1 instead of \(2, 2\)"),
        ({"kind": "max_pool", "padding": 2}, "padding 2 is more than half of the kernel 3: max_pool takes at most 1"),
        ({"kind": "max_pool", "filters": 2}, "max_pool takes each of its 1 channels on its own"),
        ({"kind": "pool"}, "a layer is one of conv, conv_transpose, max_pool, avg_pool, not 'pool'"),
    ],
)
def test_a_layer_that_cannot_be_is_a_sentence(words: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**{"kind": "conv", "input_size": (5, 6), "kernel_size": 3, **words})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [
        {"input_size": 4.5},
        {"input_size": "44"},
        {"kernel_size": 2.0},
        {"padding": 1.5},
        {"padding": ((1, 0.5), (0, 0))},
        {"padding": ((1, 2, 3), (0, 0))},
        {"stride": ((1, 2), (1, 2))},
        {"channels": None},
        {"stride": "same"},
    ],
)
def test_numbers_that_are_not_whole_are_a_sentence(words: dict[str, object]) -> None:
    ((name, value),) = words.items()
    said = rf"the {name.removesuffix('_size')} is {re.escape(repr(value))}; it is a whole number"
    with pytest.raises(TypeError, match=said):
        make(**{"kind": "conv", "input_size": (5, 6), "kernel_size": 3, **words})  # type: ignore[arg-type]


def test_whole_numbers_of_other_libraries_and_lists_are_taken() -> None:
    found = make("conv", [torch.tensor(4), 5], [2, 3], padding=[[1, 0]])  # type: ignore[arg-type]
    assert found == make("conv", (4, 5), (2, 3), padding=((1, 0), (1, 0)))
    with pytest.raises(ValueError, match="the input has 0 axes"):
        make("conv", (), 2)


def test_a_pass_or_a_tensor_that_is_not_there_is_a_sentence() -> None:
    pool = make("max_pool", (4, 4), 2)
    with pytest.raises(ValueError, match="max_pool has no pass 'weight': it has no weight"):
        trace(pool, "weight")
    with pytest.raises(ValueError, match="all, second, not 'third'"):
        keys_of(pool, "third")
    with pytest.raises(ValueError, match=r"x has the shape \(3, 4\), where the layer needs \(1, 1, 4, 4\)"):
        trace(pool, "forward", {"x": torch.ones(3, 4)})
    with pytest.raises(ValueError, match="max_pool has no tensor 'w': it has x, dy, u"):
        trace(pool, "forward", {"w": torch.ones(2, 2)})
    alone = make("max_pool", 2, 2, stride=1, padding=1, dilation=3)
    with pytest.raises(ValueError, match=r"the window at y\[0\] lies on padding alone"):
        trace(alone, "forward")
    assert keys_of(pool, "second") == ("second-input-output",)
    assert keys_of(make("conv", 4, 2), "second") == SECOND


@pytest.mark.parametrize(
    ("key", "tensors", "message"),
    [
        ("all", {}, "a pass is one of forward, input,.* not 'all': animate shows several"),
        ("forward", {"x": torch.tensor([1, torch.nan, 2, 3])}, "x holds nan"),
        ("forward", {"w": torch.tensor([1, -torch.inf])}, "w holds -inf"),
        ("forward", {"x": [1, 2, 3, 4]}, r"x is a list: give a tensor"),
        ("forward", {"x": torch.zeros(4, dtype=torch.complex64)}, "x has complex numbers"),
        ("forward", {"x": torch.zeros(4, device="meta")}, "x has a shape and no numbers"),
    ],
)
def test_what_has_no_sums_to_show_is_refused(key: str, tensors: dict[str, Tensor], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        trace(make("conv", 4, 2), key, tensors)


def test_a_minus_infinity_is_not_taken_for_a_maximum_s_zero() -> None:
    with pytest.raises(ValueError, match="x holds -inf"):
        trace(make("max_pool", 4, 2), "forward", {"x": torch.tensor([-torch.inf, 1, 2, 3])})


def test_huge_numbers_overflow_as_in_torch() -> None:
    double = torch.float64
    huge = {"x": torch.tensor([1e200, 0, 2**60, 3], dtype=double), "w": torch.tensor([1e200, 1], dtype=double)}
    x, w = (huge[letter].reshape(1, 1, -1) for letter in "xw")
    assert torch.equal(trace(make("conv", 4, 2), "forward", huge).tensor(), torch.nn.functional.conv1d(x, w))
