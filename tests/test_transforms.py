"""Inside torch.func: grad, vjp, jvp, jacobians, hessians, linearize and vmap, on every layer beside torch's own."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.capabilities.modes import MODES
from tests.capabilities.operations import OPERATIONS, Operation
from tests.capabilities.proofs import RIGHT, tried
from tests.layers import PAIRS, Example, close, spread_out, weighed

EVERY = pytest.mark.parametrize("layer", PAIRS.values(), ids=PAIRS)
#: Without a row of its own in docs/CAPABILITIES.md, whose columns every function's row proves in every dtype.
APART = {name: layer for name, layer in PAIRS.items() if name not in OPERATIONS}
NO_ROW = pytest.mark.parametrize("layer", APART.values(), ids=APART)


@NO_ROW
@pytest.mark.filterwarnings("ignore")  # torch's own, in modes that make it warn
@pytest.mark.parametrize("group", ["Derivatives", "torch.func"])
def test_every_derivative_is_the_referee_s(layer: Example, group: str) -> None:
    operation = Operation(layer.by_hand, layer.referee, layer.referee, layer.shapes)
    for column, mode in MODES[group].items():
        assert tried(layer.by_hand, operation, mode, torch.float64) == RIGHT, column


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


def mapped_axes(layer: Example) -> list[tuple[int | None, ...]]:
    """Every choice of mapped tensors; the mapped axis is not always the first."""
    axes = [(None, 1), (None, 2), (None, 0)][: len(layer.shapes)]
    axes = [(None, min(at, len(shape))) for (_, at), shape in zip(axes, layer.shapes)]
    return [dims for dims in itertools.product(*axes) if any(at is not None for at in dims)]


def stacked(layer: Example, dims: tuple[int | None, ...], size: int = 3) -> tuple[Tensor, ...]:
    """The layer's tensors, `size` of each that is mapped, along its axis."""
    return tuple(
        spread_out(shape if at is None else (*shape[:at], size, *shape[at:]), n)
        for n, (shape, at) in enumerate(zip(layer.shapes, dims))
    )


@EVERY
def test_vmap_over_each_tensor_and_all(layer: Example) -> None:
    for dims in mapped_axes(layer):
        inputs = stacked(layer, dims)
        slots = tuple(range(len(inputs)))
        for by_hand, referee in (
            (layer.by_hand, layer.referee),
            (torch.func.grad(weighed(layer.by_hand), slots), torch.func.grad(weighed(layer.referee), slots)),
        ):
            one_by_one = [
                referee(*(t if at is None else t.select(at, n) for t, at in zip(inputs, dims))) for n in range(3)
            ]
            stack = [torch.stack(parts, 1) for parts in zip(*one_by_one)] if isinstance(one_by_one[0], tuple) else None
            got = torch.vmap(by_hand, dims, out_dims=1)(*inputs)
            close(got, torch.stack(one_by_one, 1) if stack is None else tuple(stack))


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
