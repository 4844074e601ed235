"""LeNet-5 as described."""

import torch

from train import machine
from train.models import lenet5


def test_the_number_of_parameters() -> None:
    assert sum(p.numel() for p in lenet5(torch.nn).parameters()) == 61_706


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
