"""The Keras CIFAR network as described."""

import torch

from tests.train.models.twins import assert_one_step_is_the_same, cross_entropy, parameters
from train.models import cifar


def test_the_number_of_parameters() -> None:
    counts = parameters(cifar(torch.nn))
    assert counts == [896, 9_248, 802_944, 1_290]
    assert sum(counts) == 814_378


def test_the_sizes_on_the_way() -> None:
    x = torch.zeros(2, 3, 32, 32)
    shapes = {}
    for layer in cifar(torch.nn):
        x = layer(x)
        shapes.setdefault(type(layer).__name__, []).append(tuple(x.shape[1:]))
    assert shapes["Conv2d"] == [(32, 30, 30), (32, 28, 28)]
    assert shapes["MaxPool2d"] == [(32, 14, 14)]
    assert shapes["Flatten"] == [(6272,)]
    assert shapes["Linear"] == [(128,), (10,)]


def test_one_step_by_hand_is_torch_s_dropout_and_all() -> None:
    x, t = torch.randn(3, 3, 32, 32, dtype=torch.float64), torch.randint(10, (3,))
    assert_one_step_is_the_same(cifar, x, cross_entropy(t))
