"""Layers of sigmoid units."""

import pytest
import torch

from tests.train.models.twins import assert_one_step_is_the_same, parameters
from train.models import perceptron


@pytest.mark.parametrize(("bias", "counts"), [(True, [9, 8, 3]), (False, [6, 6, 2])])
def test_the_parameters_of_2_3_2_1(bias: bool, counts: list[int]) -> None:
    assert parameters(perceptron(torch.nn, bias=bias)) == counts


def test_one_step_by_hand_is_torch_s() -> None:
    x, t = torch.randn(5, 3, dtype=torch.float64), torch.rand(5, 2, dtype=torch.float64)
    assert_one_step_is_the_same(
        lambda layers: perceptron(layers, (3, 4, 2)), x, lambda layers, y: layers.MSELoss(reduction="sum")(y, t)
    )


def test_units_are_sigmoids_of_sums() -> None:
    network = perceptron(torch.nn, (2, 3, 1)).double()
    first, last = network[0], network[2]
    x = torch.tensor([[0.3, -0.7]], dtype=torch.float64)
    hidden = 1 / (1 + torch.exp(-(x @ first.weight.T + first.bias)))
    torch.testing.assert_close(network(x), 1 / (1 + torch.exp(-(hidden @ last.weight.T + last.bias))))
