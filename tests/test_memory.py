"""What a layer keeps until backward: two tensors at most, where every hook and checkpoint of torch's can see them."""

from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.autograd.graph import save_on_cpu, saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

from tests.layers import DRAWN, PAIRS, WEIGHTED, Example, nodes_of

ALL = {**PAIRS, **DRAWN}
EVERY = pytest.mark.parametrize("layer", ALL.values(), ids=ALL)
LINEAR = [layer for name, layer in PAIRS.items() if name.startswith(("pad", "unfold", "avg", "adaptive_avg", "global"))]
EVERY_WEIGHTED = pytest.mark.parametrize("layer", WEIGHTED.values(), ids=WEIGHTED)


def saved(layer: Example, frozen: tuple[int, ...] = ()) -> list[Tensor]:
    """What a forward packs for its backward."""
    packed: list[Tensor] = []

    def pack(t: Tensor) -> Tensor:
        packed.append(t)
        return t

    inputs = tuple(t.requires_grad_(n not in frozen) for n, t in enumerate(layer.tensors()))
    with saved_tensors_hooks(pack, lambda t: t):
        layer.by_hand(*inputs)
    return packed


@EVERY
def test_the_node_holds_no_tensor_outside_save_for_backward(layer: Example) -> None:
    """A tensor kept as an attribute leaks and escapes the version counter (pytorch#5569, #25340)."""
    nodes = nodes_of(layer.by_hand(*layer.leaves()))
    assert nodes
    assert not any(torch.is_tensor(value) for node in nodes for value in getattr(node, "__dict__", {}).values())


@EVERY_WEIGHTED
def test_input_and_weight_are_saved_and_nothing_else(layer: Example) -> None:
    x, w, _ = layer.tensors()
    held = sum(t.untyped_storage().nbytes() for t in saved(layer))
    assert held == x.untyped_storage().nbytes() + w.untyped_storage().nbytes()


def nbytes(tensors: Iterable[Tensor]) -> int:
    """Of the memory they lie in, once."""
    return sum({s.data_ptr(): s.nbytes() for s in (t.untyped_storage() for t in tensors)}.values())


@EVERY
def test_no_more_is_saved_than_comes_in_and_goes_out(layer: Example) -> None:
    """Beside the output the divisors of a mean and the masks of a loss are small."""
    # Local response normalisation is three maps, each of which may keep what it is given.
    steps = 3 if layer is PAIRS["local_response_norm"] else 1
    inputs = layer.tensors()
    assert nbytes(saved(layer)) <= steps * (nbytes(inputs) + 1.25 * nbytes([layer.by_hand(*inputs)]))


@EVERY
def test_a_linear_map_saves_no_input_and_a_frozen_layer_nothing(layer: Example) -> None:
    assert saved(layer, frozen=tuple(range(len(layer.shapes)))) == []
    if layer in LINEAR:
        x = layer.tensors()[0]
        assert all(t.numel() < x.numel() for t in saved(layer))


@EVERY_WEIGHTED
def test_the_input_is_not_kept_for_a_frozen_weight_nor_the_weight_for_a_frozen_input(layer: Example) -> None:
    x, w, _ = layer.tensors()
    assert [t.numel() for t in saved(layer, frozen=(1,))] == [w.numel()]
    assert [t.numel() for t in saved(layer, frozen=(0,))] == [x.numel()]
    assert saved(layer, frozen=(0, 1)) == []


def gradients(apply: Callable[..., Tensor], inputs: tuple[Tensor, ...], order: int) -> tuple[Tensor, ...]:
    """Of the sum of squares, or of the sum of its squared gradients."""
    first = grad(apply(*inputs).pow(2).sum(), inputs, create_graph=order == 2)
    return first if order == 1 else grad(sum(g.pow(2).sum() for g in first), inputs)


def leaves(layer: Example) -> tuple[Tensor, ...]:
    """Whole numbers asking for gradients: whatever is done with what is saved, exact results are equal, not close."""
    return tuple(t.requires_grad_() for t in layer.integers())


@EVERY
def test_second_order_through_saved_tensors_kept_elsewhere(layer: Example) -> None:
    inputs = leaves(layer)
    with save_on_cpu():
        got = gradients(layer.by_hand, inputs, 2)
    layer.agree(got, gradients(layer.referee, inputs, 2))


def checkpointed(layer: Example, use_reentrant: bool) -> Callable[..., Tensor]:
    """The layer, run again in backward."""
    return lambda *tensors: checkpoint(layer.by_hand, *tensors, use_reentrant=use_reentrant)


@EVERY
def test_second_order_through_a_checkpoint(layer: Example) -> None:
    inputs = leaves(layer)
    got = gradients(checkpointed(layer, False), inputs, 2)
    layer.agree(got, gradients(layer.referee, inputs, 2))
