"""What a layer leaves in autograd's graph: who gets a gradient, what may be edited, what nothing may touch.

What the graph keeps in memory stands in test_memory.py.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad
from torch.autograd.function import BackwardCFunction
from torch.utils.flop_counter import FlopCounterMode

from manualconv import functional
from tests.layers import AFFINE, PAIRS, WEIGHTED, Pair, close, spread_out
from tests.tensors import LAYOUTS, laid_out

EVERY = pytest.mark.parametrize("layer", PAIRS.values(), ids=PAIRS)
EVERY_WEIGHTED = pytest.mark.parametrize("layer", WEIGHTED.values(), ids=WEIGHTED)
EVERY_AFFINE = pytest.mark.parametrize("layer", AFFINE.values(), ids=AFFINE)
UNBATCHED = {name: layer for name, layer in PAIRS.items() if layer.unbatched}


def outcome(apply: Callable[..., Tensor], inputs: tuple[Tensor, ...], cotangent: Tensor) -> list[Tensor]:
    """The value and the gradients."""
    y = apply(*inputs)
    return [y, *grad(y, inputs, cotangent)]


# ---------------------------------------------------------------------------------------------- who gets a gradient


def flops(layer: Pair, asked: tuple[int, ...]) -> int:
    """Multiplications and additions of a backward with respect to some of the tensors."""
    tensors = layer.tensors()
    for slot in asked:
        tensors[slot].requires_grad_()
    y = layer.by_hand(*tensors)
    with FlopCounterMode(display=False) as counter:
        grad(y, [tensors[slot] for slot in asked], torch.ones_like(y))
    return counter.get_total_flops()


@EVERY_WEIGHTED
def test_only_the_gradients_asked_for_are_computed(layer: Pair) -> None:
    of_input, of_weight, both = flops(layer, (0,)), flops(layer, (1,)), flops(layer, (0, 1))
    assert min(of_input, of_weight) > 0
    assert of_input + of_weight == both
    assert flops(layer, (2,)) == 0


@EVERY_AFFINE
@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_a_frozen_tensor_gets_no_gradient_and_the_others_do(layer: Pair, frozen: int) -> None:
    tensors = layer.tensors()
    for slot in {0, 1, 2} - {frozen}:
        tensors[slot].requires_grad_()
    layer.by_hand(*tensors).pow(2).sum().backward()
    assert tensors[frozen].grad is None
    expected = [t.detach().requires_grad_() for t in tensors]
    layer.referee(*expected).pow(2).sum().backward()
    close([tensors[n].grad for n in {0, 1, 2} - {frozen}], [expected[n].grad for n in {0, 1, 2} - {frozen}])


@EVERY
def test_no_graph_where_nothing_asks_for_a_gradient(layer: Pair) -> None:
    assert layer.by_hand(*layer.tensors()).grad_fn is None
    with torch.no_grad():
        assert layer.by_hand(*layer.leaves()).grad_fn is None


@EVERY_AFFINE
def test_without_a_bias_and_with_nothing_but_a_bias(layer: Pair) -> None:
    x, w, b = layer.tensors()
    b.requires_grad_()
    cotangent = spread_out(layer.referee(x, w, b).shape, 5)
    close(grad(layer.by_hand(x, w, b), b, cotangent), grad(layer.referee(x, w, b), b, cotangent))
    close(layer.by_hand(x, w, None), layer.referee(x, w, None))


@EVERY_AFFINE
def test_a_cotangent_that_is_not_there_is_no_work_and_no_gradient(layer: Pair) -> None:
    inputs = layer.leaves()
    y = layer.by_hand(*inputs)
    undefined = torch._C._functions.UndefinedGrad()(y)
    with FlopCounterMode(display=False) as counter:
        assert grad(undefined, inputs, torch.ones_like(y), allow_unused=True) == (None,) * len(inputs)
    assert counter.get_total_flops() == 0


@EVERY_AFFINE
def test_an_empty_batch_gives_the_parameters_zeros_not_none(layer: Pair) -> None:
    x, w, b = layer.leaves()
    empty = torch.zeros(0, *x.shape[1:], dtype=x.dtype, requires_grad=True)
    y = layer.by_hand(empty, w, b)
    assert y.shape == layer.referee(empty, w, b).shape
    x_bar, w_bar, b_bar = grad(y.sum(), (empty, w, b))
    assert x_bar.shape == empty.shape
    assert torch.equal(w_bar, torch.zeros_like(w))
    assert torch.equal(b_bar, torch.zeros_like(b))


@pytest.mark.parametrize("layer", UNBATCHED.values(), ids=UNBATCHED)
def test_unbatched_is_one_of_the_batch(layer: Pair) -> None:
    x, *others = layer.tensors()
    assert torch.equal(layer.by_hand(x[0], *others), layer.by_hand(x[:1], *others)[0])


def test_a_tensor_in_two_slots_gets_both_gradients() -> None:
    """Dynamo once gave half of it (pytorch#183604)."""
    for name, shape in {"conv1d": (3, 3, 4), "conv2d": (3, 3, 2, 4), "conv3d": (2, 2, 2, 1, 3)}.items():
        x = spread_out(shape).requires_grad_()
        cotangent = spread_out(getattr(F, name)(x, x, padding=1).shape)
        (expected,) = grad(getattr(F, name)(x, x, padding=1), x, cotangent)
        close(grad(getattr(functional, name)(x, x, padding=1), x, cotangent)[0], expected)
    x = spread_out((3, 3)).requires_grad_()
    close(grad(functional.linear(x, x), x, x * x), grad(F.linear(x, x), x, x * x))


# ------------------------------------------------------------------------------------------------- in-place, twice


def edited(apply: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> list[Tensor | None] | None:
    """The gradients through a layer whose output is edited; None where that is an error."""
    try:
        F.relu_(apply(*inputs)).pow(2).sum().backward()
    except RuntimeError:
        return None
    return [t.grad for t in inputs]


@EVERY
def test_the_output_may_be_edited_in_place(layer: Pair) -> None:
    """A view made inside a Function could not be; one is handed out only where torch hands one out.

    torch refuses where it is the input itself (dropout in evaluation) or the derivative needs it (softmax): there ours
    may, too.
    """
    inputs = layer.tensors()
    assert layer.by_hand(*inputs)._is_view() <= layer.referee(*inputs)._is_view()
    ours, theirs = edited(layer.by_hand, layer.leaves()), edited(layer.referee, layer.leaves())
    if theirs is not None:
        close(ours, theirs)


@EVERY_WEIGHTED
@pytest.mark.parametrize("slot", [0, 1])
def test_a_saved_tensor_edited_before_backward_is_caught(layer: Pair, slot: int) -> None:
    inputs = list(layer.leaves())
    inputs[slot] = inputs[slot].clone()
    y = layer.by_hand(*inputs)
    inputs[slot].mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@EVERY
def test_nothing_given_is_written_to(layer: Pair) -> None:
    inputs = layer.leaves()
    cotangent = spread_out(layer.by_hand(*inputs).shape, 5).requires_grad_()
    given = [*inputs, cotangent]
    before = [(t._version, t.detach().clone()) for t in given]
    first = grad(layer.by_hand(*inputs), inputs, cotangent, create_graph=True)
    grad(sum(g.pow(2).sum() for g in first), given, materialize_grads=True)
    assert all(t._version == version and torch.equal(t, value) for t, (version, value) in zip(given, before))


@EVERY
def test_backward_twice_needs_retain_graph_and_then_repeats_exactly(layer: Pair) -> None:
    inputs = layer.leaves()
    y = layer.by_hand(*inputs).pow(2).sum()
    first, second = grad(y, inputs, retain_graph=True), grad(y, inputs)
    assert all(map(torch.equal, first, second))
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


# ------------------------------------------------------------------------------------------------ memory layout


@EVERY_AFFINE
@pytest.mark.parametrize("layout", LAYOUTS)
def test_values_and_gradients_for_any_layout_of_tensors_and_cotangent(layer: Pair, layout: str) -> None:
    inputs = tuple(laid_out(t, layout) if t.dim() > 1 else t for t in layer.tensors())
    inputs = tuple(t.detach().requires_grad_() for t in inputs)
    cotangent = laid_out(spread_out(layer.referee(*inputs).shape, 5), layout)
    ours, theirs = (outcome(apply, inputs, cotangent) for apply in (layer.by_hand, layer.referee))
    close(ours, theirs)


@EVERY_AFFINE
def test_expanded_numbers_sliced_storage_and_an_offset(layer: Pair) -> None:
    x, w, b = layer.tensors()
    inputs = (torch.cat([x, x])[1:3], w[:1].expand(w.shape), b[0].expand(b.shape))
    inputs = tuple(t.detach().requires_grad_() for t in inputs)
    cotangent = torch.ones((), dtype=x.dtype).expand(layer.referee(*inputs).shape)
    ours, theirs = (outcome(apply, inputs, cotangent) for apply in (layer.by_hand, layer.referee))
    close(ours, theirs)


@pytest.fixture
def filled_with_nan() -> Iterator[None]:
    """torch.empty gives NaN: whatever is left unwritten shows."""
    torch.use_deterministic_algorithms(True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    assert torch.empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


@EVERY
@pytest.mark.usefixtures("filled_with_nan")
def test_every_entry_of_output_and_gradients_is_written(layer: Pair) -> None:
    inputs = layer.leaves()
    y = layer.by_hand(*inputs)
    assert all(t.isfinite().all() for t in (y, *grad(y, inputs, torch.ones_like(y))))


def by_hand_nodes(y: Tensor) -> list[Any]:
    """The nodes of ours above an output; torch's sums and products may lie between."""
    found, waiting = [], [y.grad_fn]
    while waiting:
        node = waiting.pop()
        found += [node] * isinstance(node, BackwardCFunction)
        waiting += [after for after, _ in node.next_functions if after is not None]
    return found


@EVERY
def test_no_reference_cycle_keeps_the_graph_alive(layer: Pair) -> None:
    gc.collect()
    gc.disable()
    try:
        y = layer.by_hand(*layer.leaves())
        nodes = [weakref.ref(node) for node in by_hand_nodes(y)]
        del y
        assert [node() for node in nodes] == [None] * len(nodes)
    finally:
        gc.enable()
