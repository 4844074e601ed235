"""The closed triple: the derivative of each map is another of the three, in every slot, order and mode."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions
from manualconv.autograd import Convolution, TransposedConvolution, WeightCorrelation
from manualconv.geometry import Window
from manualconv.testing.cases import Convolution as Case
from manualconv.testing.cases import convolutions
from manualconv.testing.referee import convolution, leaves

CASES = st.sampled_from((2, 1, 3, 0)).flatmap(lambda ndim: convolutions(ndim, cut=True))


def by_loops(rule: str, a: Tensor, b: Tensor, window: Window) -> Tensor:
    """One of the three definitions on tensors."""
    return torch.from_numpy(getattr(definitions, rule)(a.detach().numpy(), b.detach().numpy(), window))


def to_output(x: Tensor, w: Tensor, window: Window) -> Tensor:
    """∂T/∂y by hand."""
    return Convolution.call(x, w, None, window)


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """∂T/∂x by hand."""
    return TransposedConvolution.call(w, y, None, window)


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """∂T/∂w by hand."""
    return WeightCorrelation.call(x, y, window)


@given(case=CASES)
def test_the_derivative_table_holds_nothing_but_the_three_maps(case: Case) -> None:
    x, w, y = leaves(*case.batched())
    x_bar, w_bar, y_bar = case.batched(seed=1)
    window = case.window
    got = (
        *grad(to_output(x, w, window), (x, w), y_bar),
        *grad(to_input(w, y, window), (w, y), x_bar),
        *grad(to_weight(x, y, window), (x, y), w_bar),
    )
    table = (
        by_loops("to_input", w, y_bar, window),
        by_loops("to_weight", x, y_bar, window),
        by_loops("to_weight", x_bar, y, window),
        by_loops("to_output", x_bar, w, window),
        by_loops("to_input", w_bar, y, window),
        by_loops("to_output", x, w_bar, window),
    )
    assert all(map(torch.equal, got, table))


@given(case=CASES)
def test_a_bias_is_added_to_each_channel_and_its_gradient_is_a_sum(case: Case) -> None:
    x, w, y = case.batched()
    window = case.window
    maps = ((Convolution, (x, w), y, len(w)), (TransposedConvolution, (w, y), x, x.shape[1]))
    for function, operands, cotangent, channels in maps:
        b = torch.arange(1.0, channels + 1, dtype=x.dtype, requires_grad=True)
        plain = function.call(*operands, None, window)
        biased = function.call(*operands, b, window)
        assert torch.equal(biased, torch.from_numpy(definitions.with_bias(plain.numpy(), b.detach().numpy())))
        (b_bar,) = grad(biased, b, cotangent)
        assert torch.equal(b_bar, torch.from_numpy(definitions.to_bias(cotangent.numpy())))


@given(case=CASES, data=st.data())
def test_a_mapped_axis_folds_into_the_one_map(case: Case, data: st.DataObject) -> None:
    size = data.draw(st.sampled_from((2, 3, 1)))
    drawn = [case.batched(seed=n) for n in range(size)]
    mapped = data.draw(st.sampled_from([m for m in itertools.product((True, False), repeat=2) if any(m)]))
    for apply, slots in ((to_output, (0, 1)), (to_input, (1, 2)), (to_weight, (0, 2))):
        stacks, dims = [], []
        for slot, is_mapped in zip(slots, mapped):
            axis = data.draw(st.integers(0, drawn[0][slot].dim())) if is_mapped else None
            stacks.append(drawn[0][slot] if axis is None else torch.stack([t[slot] for t in drawn], axis))
            dims.append(axis)
        got = torch.vmap(apply, (*dims, None))(*stacks, case.window)
        one_by_one = [
            apply(*(drawn[n if is_mapped else 0][slot] for slot, is_mapped in zip(slots, mapped)), case.window)
            for n in range(size)
        ]
        assert torch.equal(got, torch.stack(one_by_one))


@given(case=st.sampled_from((2, 1, 3)).flatmap(convolutions))
def test_complex_gradients_conjugate_the_other_argument_as_torch_does(case: Case) -> None:
    parts = zip(case.batched(), case.batched(seed=1))
    x, w, y = (torch.complex(real.contiguous(), imaginary.contiguous()) for real, imaginary in parts)
    x, w, y = leaves(x, w, y)
    ours, theirs = to_output(x, w, case.window), convolution(x, w, None, case.window)
    assert torch.equal(ours, theirs)
    first = [grad(z, (x, w), y, create_graph=True) for z in (ours, theirs)]
    assert all(map(torch.equal, *first))
    second = [
        grad([(z * z.conj()).real.sum() for z in gradients], (x, w, y), materialize_grads=True) for gradients in first
    ]
    assert all(map(torch.equal, *second))


@pytest.mark.parametrize(("wanted", "saved"), [("x", "w"), ("w", "x"), ("b", None)])
def test_only_what_the_gradient_asked_for_needs_is_saved(wanted: str, saved: str | None) -> None:
    window = Window((4, 5), (2, 3), (1, 1), (1, 1), ((0, 0), (0, 0)))
    tensors = {"x": torch.ones(2, 3, 4, 5), "w": torch.ones(2, 3, 2, 3), "b": torch.ones(2)}
    packed: list[int] = []
    tensors[wanted].requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t.data_ptr()), lambda _: None):
        Convolution.call(tensors["x"], tensors["w"], tensors["b"], window)
    assert set(packed) == ({tensors[saved].data_ptr()} if saved else set())
