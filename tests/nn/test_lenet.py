"""LeNet-5 and its twin: the same weights in torch.nn and in manualconv.nn give the same logits and gradients."""

import math

import pytest
import torch

import manualconv.nn
from manualconv import functional
from train.models import lenet5

EQUAL = {"rtol": 0, "atol": 1e-12}


@pytest.fixture
def twins() -> tuple[torch.nn.Module, torch.nn.Module]:
    """The network by hand and torch's, in float64, with one set of weights."""
    networks = []
    for layers in (manualconv.nn, torch.nn):
        torch.manual_seed(0)
        networks.append(lenet5(layers).double())
    return networks[0], networks[1]


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Seven images and their labels."""
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(7, 1, 28, 28, generator=generator, dtype=torch.float64)
    return images, torch.randint(10, (7,), generator=generator)


def test_the_twins_have_61706_equal_parameters_and_read_each_other_s_state(twins) -> None:
    ours, theirs = twins
    assert sum(p.numel() for p in ours.parameters()) == 61_706
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
    assert repr(ours) == repr(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True)


def test_logits_loss_and_every_gradient_are_equal(twins, batch) -> None:
    images, labels = batch
    results = []
    for network, loss in zip(twins, (functional.cross_entropy, torch.nn.functional.cross_entropy)):
        x = images.clone().requires_grad_()
        logits = network(x)
        value = loss(logits, labels)
        value.backward()
        results.append((logits, value, x.grad, *(p.grad for p in network.parameters())))
    assert all(g.abs().max() > 0 for g in results[0])
    torch.testing.assert_close(*results, **EQUAL)


def test_the_curvature_along_a_direction_is_equal(twins, batch) -> None:
    images, labels = batch
    results = []
    for network, loss in zip(twins, (functional.cross_entropy, torch.nn.functional.cross_entropy)):
        parameters = list(network.parameters())
        first = torch.autograd.grad(loss(network(images), labels), parameters, create_graph=True)
        slope = sum((g * (n + 1)).sum() for n, g in enumerate(first))
        results.append(torch.autograd.grad(slope, parameters))
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)


def test_ten_steps_of_gradient_descent_stay_together(twins, batch) -> None:
    images, labels = batch
    for network, loss in zip(twins, (functional.cross_entropy, torch.nn.functional.cross_entropy)):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        for _ in range(10):
            optimizer.zero_grad()
            loss(network(images), labels).backward()
            optimizer.step()
    for ours, theirs in zip(*(network.parameters() for network in twins)):
        torch.testing.assert_close(ours, theirs, **EQUAL)


def test_lenet_s_tanh_is_one_at_one() -> None:
    y = manualconv.nn.ScaledTanh()(torch.tensor([1.0, -1.0, 0.0, 1000.0], dtype=torch.float64))
    assert y.tolist() == pytest.approx([1.7159 * math.tanh(2 / 3), -1.7159 * math.tanh(2 / 3), 0, 1.7159], abs=1e-15)
    assert y[0].item() == pytest.approx(1, abs=2e-5)
