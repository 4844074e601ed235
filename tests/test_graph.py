"""What a layer leaves in autograd's graph: who gets a gradient, what may be edited, what nothing may touch.

What the graph keeps in memory stands in test_memory.py.
"""

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad, grad
from torch.autograd.function import BackwardCFunction
from torch.utils.flop_counter import FlopCounterMode

from manualconv import functional
from manualconv.testing.catalogue import activation
from tests.layers import AFFINE, DRAWN, PAIRS, WEIGHTED, Example, close, nodes_of, rounded, spread_out

ALL = {**PAIRS, **DRAWN}
EVERY = pytest.mark.parametrize("layer", ALL.values(), ids=ALL)
EVERY_WEIGHTED = pytest.mark.parametrize("layer", WEIGHTED.values(), ids=WEIGHTED)
EVERY_AFFINE = pytest.mark.parametrize("layer", AFFINE.values(), ids=AFFINE)
UNBATCHED = {name: layer for name, layer in PAIRS.items() if layer.unbatched}


def outcome(apply: Callable[..., Tensor], inputs: tuple[Tensor, ...], cotangent: Tensor) -> list[Tensor]:
    """The value and the gradients."""
    y = apply(*inputs)
    return [y, *grad(y, inputs, cotangent)]


# ---------------------------------------------------------------------------------------------- who gets a gradient


def flops(layer: Example, asked: tuple[int, ...]) -> int:
    """Multiplications and additions of a backward with respect to some of the tensors."""
    tensors = layer.tensors()
    for slot in asked:
        tensors[slot].requires_grad_()
    y = layer.by_hand(*tensors)
    with FlopCounterMode(display=False) as counter:
        grad(y, [tensors[slot] for slot in asked], torch.ones_like(y))
    return counter.get_total_flops()


@EVERY_WEIGHTED
def test_only_the_gradients_asked_for_are_computed(layer: Example) -> None:
    of_input, of_weight, both = flops(layer, (0,)), flops(layer, (1,)), flops(layer, (0, 1))
    assert min(of_input, of_weight) > 0
    assert of_input + of_weight == both
    assert flops(layer, (2,)) == 0


@EVERY_AFFINE
@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_a_frozen_tensor_gets_no_gradient_and_the_others_do(layer: Example, frozen: int) -> None:
    tensors = layer.tensors()
    for slot in {0, 1, 2} - {frozen}:
        tensors[slot].requires_grad_()
    layer.by_hand(*tensors).pow(2).sum().backward()
    assert tensors[frozen].grad is None
    expected = [t.detach().requires_grad_() for t in tensors]
    layer.referee(*expected).pow(2).sum().backward()
    close([tensors[n].grad for n in {0, 1, 2} - {frozen}], [expected[n].grad for n in {0, 1, 2} - {frozen}])


@EVERY
def test_a_graph_where_grad_mode_is_on_and_something_asks_for_a_gradient(layer: Example) -> None:
    inputs = layer.leaves()
    assert layer.by_hand(*layer.tensors()).grad_fn is None
    assert layer.by_hand(*inputs).requires_grad
    with torch.no_grad():
        assert layer.by_hand(*inputs).grad_fn is None
        with torch.enable_grad():
            assert layer.by_hand(*inputs).requires_grad
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(inputs[0].detach(), torch.ones_like(inputs[0]))
            assert forward_ad.unpack_dual(layer.by_hand(dual, *inputs[1:])).tangent is not None


@EVERY_AFFINE
def test_without_a_bias_and_with_nothing_but_a_bias(layer: Example) -> None:
    x, w, b = layer.tensors()
    b.requires_grad_()
    cotangent = spread_out(layer.referee(x, w, b).shape, 5)
    close(grad(layer.by_hand(x, w, b), b, cotangent), grad(layer.referee(x, w, b), b, cotangent))
    close(layer.by_hand(x, w, None), layer.referee(x, w, None))


#: Layers with parameters, and pointwise activations.
SILENT = {
    **AFFINE,
    **{each.name: PAIRS[each.name] for each in activation.OPERATIONS if not each.name.endswith(("softmax", "softmin"))},
}


@pytest.mark.parametrize("layer", SILENT.values(), ids=SILENT)
def test_a_cotangent_that_is_not_there_is_no_work_and_no_gradient(layer: Example) -> None:
    inputs = layer.leaves()
    y = layer.by_hand(*inputs)
    undefined = torch._C._functions.UndefinedGrad()(y)
    with FlopCounterMode(display=False) as counter:
        assert grad(undefined, inputs, torch.ones_like(y), allow_unused=True) == (None,) * len(inputs)
    assert counter.get_total_flops() == 0


@EVERY_AFFINE
def test_an_empty_batch_gives_the_parameters_zeros_not_none(layer: Example) -> None:
    x, w, b = layer.leaves()
    empty = torch.zeros(0, *x.shape[1:], dtype=x.dtype, requires_grad=True)
    y = layer.by_hand(empty, w, b)
    assert y.shape == layer.referee(empty, w, b).shape
    x_bar, w_bar, b_bar = grad(y.sum(), (empty, w, b))
    assert x_bar.shape == empty.shape
    assert torch.equal(w_bar, torch.zeros_like(w))
    assert torch.equal(b_bar, torch.zeros_like(b))


@pytest.mark.parametrize("layer", UNBATCHED.values(), ids=UNBATCHED)
def test_unbatched_is_one_of_the_batch(layer: Example) -> None:
    x, *others = layer.tensors()
    rounded(layer.by_hand(x[0], *others), layer.by_hand(x[:1], *others)[0])


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
def test_the_output_may_be_edited_in_place(layer: Example) -> None:
    """A view made inside a Function could not be; one is handed out only where torch hands one out.

    torch refuses where it is the input itself (dropout in evaluation) or the derivative needs it (softmax): there ours
    may, too.
    """
    if layer is PAIRS["scaled_tanh"]:  # torch has none; of its tanh, whose derivative needs the output, it refuses
        return
    inputs = layer.tensors()
    assert layer.by_hand(*inputs)._is_view() <= layer.referee(*inputs)._is_view()
    ours, theirs = edited(layer.by_hand, layer.leaves()), edited(layer.referee, layer.leaves())
    if theirs is not None:
        close(ours, theirs)


@contextmanager
def allowed(words: str) -> Iterator[None]:
    """An error that says so passes; every other one is raised."""
    try:
        yield
    except RuntimeError as error:
        if words not in str(error):
            raise


@EVERY
def test_whatever_is_edited_before_backward_is_caught_or_was_not_needed(layer: Example) -> None:
    """A saved tensor that is kept past the version counter gives gradients of the edited numbers, which are wrong."""
    for slot in range(len(layer.shapes)):
        inputs = layer.leaves()
        given = [t.clone() if n == slot else t for n, t in enumerate(inputs)]
        y, expected = layer.by_hand(*given), layer.referee(*inputs)
        cotangent = spread_out(y.shape, 5)
        given[slot].detach().mul_(-3).add_(1)
        with allowed("modified by an inplace operation"):
            close(grad(y, inputs, cotangent), grad(expected, inputs, cotangent))


@EVERY
def test_nothing_given_is_written_to(layer: Example) -> None:
    inputs = layer.leaves()
    cotangent = spread_out(layer.by_hand(*inputs).shape, 5).requires_grad_()
    given = [*inputs, cotangent]
    before = [(t._version, t.detach().clone()) for t in given]
    first = grad(layer.by_hand(*inputs), inputs, cotangent, create_graph=True)
    grad(sum(g.pow(2).sum() for g in first), given, materialize_grads=True)
    assert all(t._version == version and torch.equal(t, value) for t, (version, value) in zip(given, before))


@EVERY
def test_backward_twice_needs_retain_graph_and_then_repeats_exactly(layer: Example) -> None:
    inputs = layer.leaves()
    y = layer.by_hand(*inputs).pow(2).sum()
    first, second = grad(y, inputs, retain_graph=True), grad(y, inputs)
    assert all(map(torch.equal, first, second))
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


# ------------------------------------------------------------------------------------------------ memory layout


@EVERY_AFFINE
def test_expanded_numbers_sliced_storage_and_an_offset(layer: Example) -> None:
    x, w, b = layer.tensors()
    inputs = (torch.cat([x, x])[1:3], w[:1].expand(w.shape), b[0].expand(b.shape))
    inputs = tuple(t.detach().requires_grad_() for t in inputs)
    row = layer.referee(*inputs)[:1]
    cotangent = spread_out(row.shape, 5).expand(len(inputs[0]), *row.shape[1:])
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
def test_every_entry_of_output_and_gradients_is_written(layer: Example) -> None:
    inputs = layer.leaves()
    y = layer.by_hand(*inputs)
    assert all(t.isfinite().all() for t in (y, *grad(y, inputs, spread_out(y.shape, 5))))


def by_hand_nodes(y: Tensor) -> list[Any]:
    """The nodes of ours above an output; torch's sums and products may lie between."""
    return [node for node in nodes_of(y) if isinstance(node, BackwardCFunction)]


#: A copy in evaluation, and evaluation's scale and shift, are torch's arithmetic.
OF_OURS = {name: layer for name, layer in ALL.items() if not name.endswith("in evaluation")}


@pytest.mark.parametrize("layer", OF_OURS.values(), ids=OF_OURS)
def test_every_node_has_its_map_s_name(layer: Example) -> None:
    nodes = by_hand_nodes(layer.by_hand(*layer.leaves()))
    assert nodes
    for node in nodes:
        assert type(node)._forward_cls.__module__.startswith("manualconv.autograd.")
        assert node.name() == f"{type(node)._forward_cls.__name__}Backward"


@EVERY
def test_no_reference_cycle_keeps_the_graph_alive(layer: Example) -> None:
    gc.disable()  # what is garbage already is not looked at: collecting it first would take longer than all the rest
    try:
        y = layer.by_hand(*layer.leaves())
        nodes = [weakref.ref(node) for node in by_hand_nodes(y)]
        del y
        assert [node() for node in nodes] == [None] * len(nodes)
    finally:
        gc.enable()
