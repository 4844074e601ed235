"""Inside torch.func and other modes: every layer beside torch's own, and which tensors move or are mapped."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.capabilities.modes import MODES, func_grad, mapped, one_by_one
from tests.capabilities.operations import OPERATIONS, Operation
from tests.capabilities.proofs import FORMAT, NOT_ASKED, RIGHT, tried
from tests.capabilities.quantities import gradients, value
from tests.layers import PAIRS, Example, close, weighed

EVERY = pytest.mark.parametrize("layer", PAIRS.values(), ids=PAIRS)
#: Without a row of its own in docs/CAPABILITIES.md, whose columns every function's row proves in every dtype.
APART = {name: layer for name, layer in PAIRS.items() if name not in OPERATIONS}
NO_ROW = pytest.mark.parametrize("layer", APART.values(), ids=APART)


@NO_ROW
@pytest.mark.filterwarnings("ignore")  # torch's own, in modes that make it warn
@pytest.mark.parametrize("group", ["Derivatives", "torch.func", "vmap", "Settings"])
def test_every_mode_gives_what_the_referee_does(layer: Example, group: str) -> None:
    operation = Operation(layer.by_hand, layer.referee, layer.referee, layer.shapes)
    for column, mode in MODES[group].items():
        dtype = torch.float64 if torch.float64 in mode.dtypes else torch.float32
        assert tried(layer.by_hand, operation, mode, dtype) in (RIGHT, NOT_ASKED, FORMAT), column


@EVERY
def test_func_jvp_along_each_tensor_alone_and_along_all(layer: Example) -> None:
    inputs, directions = layer.tensors(), layer.tensors(seed=7)
    for moving in itertools.product((False, True), repeat=len(inputs)):
        if not any(moving):
            continue
        slots = [n for n, moves in enumerate(moving) if moves]

        def along(apply: Callable[..., Tensor], slots: list[int] = slots) -> tuple[Tensor, Tensor]:
            def of_moving(*moved: Tensor) -> Tensor:
                tensors = list(inputs)
                for n, t in zip(slots, moved):
                    tensors[n] = t
                return apply(*tensors)

            return torch.func.jvp(of_moving, tuple(inputs[n] for n in slots), tuple(directions[n] for n in slots))

        close(along(layer.by_hand), along(layer.referee))


@EVERY
@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr")  # linearize warns so for torch's layers too
def test_linearize(layer: Example) -> None:
    inputs, directions = layer.tensors(), layer.tensors(seed=7)
    y, push = torch.func.linearize(layer.by_hand, *inputs)
    close((y, push(*directions)), torch.func.jvp(layer.referee, inputs, directions))


# ------------------------------------------------------------------------------------------------------------- vmap


@EVERY
def test_vmap_over_each_tensor_and_all(layer: Example) -> None:
    tensors = layer.tensors()
    for which in itertools.product((False, True), repeat=len(tensors)):
        for by_hand, referee in ((value, value), (func_grad, gradients)):
            if any(which):
                close(
                    mapped(which, by_hand, layer.by_hand, tensors), one_by_one(which, referee, layer.referee, tensors)
                )


@EVERY
def test_vmap_nested_and_outside_a_hessian(layer: Example) -> None:
    x = torch.stack([torch.stack([layer.tensors(s + 5 * t)[0] for s in range(2)]) for t in range(3)], -1)
    others = layer.tensors()[1:]
    got = torch.vmap(torch.vmap(lambda t: layer.by_hand(t, *others)), -1)(x)
    close(got, torch.stack([torch.stack([layer.referee(x[s, ..., t], *others) for s in range(2)]) for t in range(3)]))

    def curvature(apply: Callable[..., Tensor]) -> Callable[[Tensor], Tensor]:
        slope = torch.func.grad(lambda t: weighed(apply)(t, *others))
        return lambda t: torch.func.jvp(slope, (t,), (t,))[1]

    images = x[..., 0]
    expected = torch.stack([curvature(layer.referee)(image) for image in images])
    close(torch.vmap(curvature(layer.by_hand))(images), expected)
