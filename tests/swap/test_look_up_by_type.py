"""Tools that look a layer up by its exact type, without the tools: their hooks, their tables, their laws."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.ao.quantization import quantize_dynamic
from torch.nn import Module

from manualconv import TORCH_LAYERS, by_hand, convert, nn, restore
from tests.swap.networks import ours
from tests.swap.small_tools import REFERENCE, TARGET, TOOLS, Table, X, gradient, removed


def network(layers: Any, bias: bool = True, inplace: bool = True) -> Module:
    """Linear layers, pools and ReLUs; tanh too where there are no biases."""
    torch.manual_seed(0)
    model = layers.Sequential(
        layers.Conv2d(2, 4, 3, padding=1, bias=bias),
        layers.BatchNorm2d(4) if bias else layers.Tanh(),
        layers.ReLU(inplace),
        layers.Conv2d(4, 4, (2, 1), groups=2, bias=bias),
        layers.ReLU(inplace),
        layers.AvgPool2d(2, ceil_mode=True),
        layers.Flatten(),
        layers.Linear(36, 3, bias=bias),
    )
    for name, buffer in model.named_buffers():
        if "running" in name:
            buffer += torch.rand_like(buffer)
    return model.double().eval()


def told(table: Table) -> Table:
    """A table that knows the layers of `manualconv.nn`, too."""
    return table | {ours: table[theirs] for ours, theirs in TORCH_LAYERS.items() if theirs in table}


#: A way to have a network by hand: the network, what is around its use, and what a tool's table becomes.
WAYS: dict[str, tuple[Callable[..., Module], Callable[[], AbstractContextManager[Any]], Callable[[Table], Table]]] = {
    "torch": (lambda **how: network(torch.nn, **how), nullcontext, dict),
    "convert": (lambda **how: convert(network(torch.nn, **how)), nullcontext, dict),
    "nn": (lambda **how: network(nn, **how), nullcontext, told),
    "nn, restored and converted": (lambda **how: convert(restore(network(nn, **how))), nullcontext, dict),
    "by_hand": (lambda **how: network(torch.nn, **how), by_hand, dict),
}
every_way = pytest.mark.parametrize("way", WAYS)


def used(tool: str, way: str) -> tuple[Module, list[Tensor]]:
    """A tool's numbers, and the model afterwards."""
    run, table, how = TOOLS[tool]
    build, around, knowing = WAYS[way]
    model = build(**how)
    with around():
        numbers = run(model, knowing(table))
        assert ours(model(X)) is (way != "torch")
    return model, numbers


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("way", [way for way in WAYS if way != "torch"])
def test_a_tool_finds_what_it_finds_in_a_model_of_torch(way: str, tool: str) -> None:
    (_, numbers), (_, expected) = used(tool, way), used(tool, "torch")
    assert numbers and len(numbers) == len(expected)
    for one, other in zip(numbers, expected):
        assert other.count_nonzero() > 0
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10 * float(other.abs().max()))


@every_way
@pytest.mark.parametrize("tool", ["rescaled by tensor hooks", "rescaled by full backward hooks"])
def test_rescaled_gradients_make_up_the_difference_to_the_reference(way: str, tool: str) -> None:
    model, (multipliers,) = used(tool, way)
    rise = (model(X) - model(REFERENCE)).gather(1, TARGET[:, None])[:, 0]
    torch.testing.assert_close((multipliers * (X - REFERENCE)).flatten(1).sum(1), rise, rtol=0, atol=1e-10)


@every_way
def test_relevance_is_neither_made_nor_lost(way: str) -> None:
    model, (relevance,) = used("relevances", way)
    score = model(X).gather(1, TARGET[:, None])[:, 0]
    torch.testing.assert_close(relevance.flatten(1).sum(1), score, rtol=1e-8, atol=0)


@every_way
def test_the_input_s_part_and_the_biases_parts_make_up_the_output(way: str) -> None:
    model, pieces = used("full gradients", way)
    score = model(X).gather(1, TARGET[:, None])[:, 0]
    torch.testing.assert_close(torch.stack(pieces).sum(0), score, rtol=0, atol=1e-10)


@every_way
def test_gradients_of_samples_sum_to_the_gradient(way: str) -> None:
    model, samples = used("gradients of samples", way)
    weights = [model[at].weight.grad for at in (7, 3, 0)]
    assert len(samples) == len(weights)
    for each, whole in zip(samples, weights):
        torch.testing.assert_close(each.sum(0), whole, rtol=0, atol=1e-10)


@pytest.mark.parametrize("tool", ["rescaled by tensor hooks", "full gradients", "guided", "counted"])
def test_a_tool_that_is_not_told_of_our_layers_finds_something_else(tool: str) -> None:
    run, table, how = TOOLS[tool]
    untold = run(network(nn, **how), table)
    expected = run(network(torch.nn, **how), table)
    assert len(untold) < len(expected) or not torch.allclose(untold[0], expected[0], rtol=1e-3)


@pytest.mark.parametrize("way", ["convert", "nn, restored and converted"])
@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_quantisation_finds_every_linear_layer(way: str) -> None:
    expected = quantize_dynamic(network(torch.nn).float(), {torch.nn.Linear})
    quantised = quantize_dynamic(WAYS[way][0]().float(), {torch.nn.Linear})
    assert type(quantised[7]) is type(expected[7]) is not torch.nn.Linear
    torch.testing.assert_close(quantised(X.float()), expected(X.float()), rtol=0, atol=1e-5)


@pytest.mark.parametrize("way", ["convert", "by_hand"])
def test_an_error_in_a_hook_on_the_way_back_leaves_nothing_behind(way: str) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("refused")

    build, around, _ = WAYS[way]
    model = build(inplace=False)
    with around():
        with removed([model[3].register_full_backward_hook(fail)]), pytest.raises(ValueError, match="refused"):
            gradient(model, X)
        torch.testing.assert_close(gradient(model, X), gradient(network(torch.nn), X), rtol=0, atol=1e-10)
