"""What a layer keeps until backward: two tensors at most, where every hook and checkpoint of torch's can see them."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.autograd.graph import save_on_cpu, saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

from tests.layers import DRAWN, PAIRS, WEIGHTED, Example, nodes_of

Apply = Callable[..., Tensor]
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


#: Ways to keep what backward needs elsewhere, or not at all: a layer as it is called, and the block around.
ELSEWHERE: dict[str, tuple[Callable[[Apply], Apply], Callable[[], AbstractContextManager[Any]]]] = {
    "on the CPU": (lambda apply: apply, save_on_cpu),
    "run again": (lambda apply: partial(checkpoint, apply, use_reentrant=False), nullcontext),
}


@EVERY
@pytest.mark.parametrize("way", ELSEWHERE)
def test_second_order_of_what_is_kept_elsewhere(layer: Example, way: str) -> None:
    inputs, (called, block) = leaves(layer), ELSEWHERE[way]
    with block():
        got = gradients(called(layer.by_hand), inputs, 2)
    layer.agree(got, gradients(layer.referee, inputs, 2))
