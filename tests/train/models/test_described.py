"""The networks made of plain layers, as described: their parameters, their sizes, and a step by hand."""

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from tests.train.models.twins import Build, assert_one_step_is_the_same, cross_entropy, parameters
from train import machine
from train.models import cifar, conv_pool, lenet5, normalized, perceptron, sub_sampled

Size = tuple[int, ...]


class Described(NamedTuple):
    """A network, the parameters of each of its layers, the size of what it takes, and the numbers that it gives."""

    build: Build
    parameters: list[int]
    input: Size
    outputs: int = 10


NETWORKS = {
    "LeNet-5": Described(lenet5, [156, 2_416, 400 * 120 + 120, 10_164, 850], (1, 28, 28)),
    "LeNet-5 without padding": Described(
        lambda layers: lenet5(layers, 0), [156, 2_416, 256 * 120 + 120, 10_164, 850], (1, 28, 28)
    ),
    "Keras's for CIFAR": Described(cifar, [896, 9_248, 802_944, 1_290], (3, 32, 32)),
    "2-3-2-1": Described(perceptron, [9, 8, 3], (2,), 1),
    "2-3-2-1 without biases": Described(lambda layers: perceptron(layers, bias=False), [6, 6, 2], (2,), 1),
    "four maps then eight": Described(conv_pool, [4 * 26, 8 * (4 * 25 + 1), (8 * 16 + 1) * 64, 65 * 10], (1, 28, 28)),
    # 17 → 13 → 6 → 2 → 1, 22 → … → 2
    "other numbers": Described(
        lambda layers: conv_pool(layers, (2, 3), 5, 4, (17, 22), 3),
        [2 * 76, 3 * 51, (3 * 1 * 2 + 1) * 5, 6 * 4],
        (3, 17, 22),
        4,
    ),
    "normalised": Described(normalized, [8 * 25, 16, 16 * 8 * 25, 32, (16 * 16 + 1) * 64, 65 * 10], (1, 28, 28)),
    "three maps twice": Described(sub_sampled, [3 * 26, 6, 3 * 76, 6, (3 * 16 + 1) * 10], (1, 28, 28)),
    "one pair": Described(
        lambda layers: sub_sampled(layers, (4,), classes=3, size=(40, 47), channels=2),
        [4 * 51, 8, (4 * 18 * 21 + 1) * 3],
        (2, 40, 47),
        3,
    ),
    "three pairs": Described(
        lambda layers: sub_sampled(layers, (2, 5, 3), classes=3, size=(40, 47), channels=2),
        [2 * 51, 4, 5 * 51, 10, 3 * 126, 6, (3 * 1 * 2 + 1) * 3],
        (2, 40, 47),
        3,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_parameters_and_the_outputs_of_any_batch(name: str) -> None:
    build, counts, size, outputs = NETWORKS[name]
    network = build(torch.nn)
    assert parameters(network) == counts
    for batch in (2, 3, 0):
        assert network.eval()(torch.zeros(batch, *size)).shape == (batch, outputs)


@pytest.mark.parametrize(
    ("name", "total"), [("LeNet-5", 61_706), ("LeNet-5 without padding", 44_426), ("Keras's for CIFAR", 814_378)]
)
def test_the_parameters_of_all_layers(name: str, total: int) -> None:
    assert sum(parameters(NETWORKS[name].build(torch.nn))) == total


#: A network, the size of what it takes, and its classes; the perceptron has a loss of its own.
STEPS: dict[str, tuple[Build, Size, int]] = {
    "LeNet-5": (lenet5, (7, 1, 28, 28), 10),
    "LeNet-5 without padding": (lambda layers: lenet5(layers, padding=0), (3, 1, 28, 28), 10),
    "Keras's for CIFAR, dropout and all": (cifar, (3, 3, 32, 32), 10),
    "perceptron": (lambda layers: perceptron(layers, (3, 4, 2)), (5, 3), 0),
    "convolve and pool": (lambda layers: conv_pool(layers, (2, 3), 7, 3, size=(20, 17)), (4, 1, 20, 17), 3),
    "normalised": (lambda layers: normalized(layers, (2, 3), 7, 3, size=(20, 17)), (4, 1, 20, 17), 3),
    "C-S-C-S": (lambda layers: sub_sampled(layers, (2, 3), 3, size=(20, 17)), (4, 1, 20, 17), 3),
}


def squares(target: Tensor) -> Callable[[ModuleType, Tensor], Tensor]:
    """The loss of a perceptron."""
    return lambda layers, y: layers.MSELoss(reduction="sum")(y, target)


@pytest.mark.parametrize("name", STEPS)
def test_one_step_by_hand_is_torch_s(name: str) -> None:
    build, size, classes = STEPS[name]
    x = torch.randn(size, dtype=torch.float64)
    loss = cross_entropy(torch.randint(classes, size[:1])) if classes else squares(torch.rand(size[0], 2).double())
    assert_one_step_is_the_same(build, x, loss)


def test_the_sizes_on_the_way_through_the_network_for_cifar() -> None:
    x = torch.zeros(2, 3, 32, 32)
    shapes: dict[str, list[Size]] = {}
    for layer in cifar(torch.nn):
        x = layer(x)
        shapes.setdefault(type(layer).__name__, []).append(tuple(x.shape[1:]))
    assert shapes["Conv2d"] == [(32, 30, 30), (32, 28, 28)]
    assert shapes["MaxPool2d"] == [(32, 14, 14)]
    assert shapes["Flatten"] == [(6272,)]
    assert shapes["Linear"] == [(128,), (10,)]


def test_the_layers_of_a_sub_sampled_network() -> None:
    names = [type(layer).__name__ for layer in sub_sampled(torch.nn)]
    assert names == ["Conv2d", "Subsample2d"] * 2 + ["Flatten", "Linear"]


def test_images_too_small_are_named() -> None:
    with pytest.raises(ValueError, match="images of 15×28 leave nothing after 2 convolutions"):
        conv_pool(torch.nn, size=(15, 28))
    conv_pool(torch.nn, size=(16, 16))


def test_a_seed_fixes_the_weights_whatever_ran_before_and_whatever_the_dtype() -> None:
    single, double, other = (
        machine.build("lenet5", machine.prepare("torch", "cpu", dtype, None), seed).state_dict()
        for dtype, seed in (("float32", 4), ("float64", 4), ("float32", 5))
    )
    assert all(torch.equal(single[name].double(), double[name]) for name in single)
    assert not any(torch.equal(single[name], other[name]) for name in single)


def test_units_are_sigmoids_of_sums() -> None:
    network = perceptron(torch.nn, (2, 3, 1)).double()
    first, last = network[0], network[2]
    x = torch.tensor([[0.3, -0.7]], dtype=torch.float64)
    hidden = 1 / (1 + torch.exp(-(x @ first.weight.T + first.bias)))
    torch.testing.assert_close(network(x), 1 / (1 + torch.exp(-(hidden @ last.weight.T + last.bias))))
