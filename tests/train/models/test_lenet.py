"""LeNet-5 as described."""

import pytest
import torch

from tests.train.models.twins import assert_one_step_is_the_same, cross_entropy, parameters
from train import machine
from train.models import lenet5


@pytest.mark.parametrize(("padding", "dense", "total"), [(2, 400, 61_706), (0, 256, 44_426)])
def test_the_number_of_parameters(padding: int, dense: int, total: int) -> None:
    network = lenet5(torch.nn, padding)
    assert parameters(network) == [156, 2_416, dense * 120 + 120, 10_164, 850]
    assert sum(parameters(network)) == total
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_one_step_without_padding_by_hand_is_torch_s() -> None:
    x, t = torch.randn(3, 1, 28, 28, dtype=torch.float64), torch.randint(10, (3,))
    assert_one_step_is_the_same(lambda layers: lenet5(layers, padding=0), x, cross_entropy(t))


def test_any_batch_gives_ten_logits_an_image() -> None:
    network = lenet5(torch.nn)
    assert network(torch.zeros(3, 1, 28, 28)).shape == (3, 10)
    assert network(torch.zeros(0, 1, 28, 28)).shape == (0, 10)


def test_a_seed_fixes_the_weights_whatever_ran_before_and_whatever_the_dtype() -> None:
    single, double = (
        machine.build("lenet5", machine.prepare("torch", "cpu", dtype, None), 4).state_dict()
        for dtype in ("float32", "float64")
    )
    other = machine.build("lenet5", machine.prepare("torch", "cpu", "float32", None), 5).state_dict()
    assert all(torch.equal(single[name].double(), double[name]) for name in single)
    assert not any(torch.equal(single[name], other[name]) for name in single)
