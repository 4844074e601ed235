"""One network built twice, of torch.nn's layers and by hand, and trained for a step in float64."""

from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor

import manualconv.nn

LIBRARIES: tuple[ModuleType, ModuleType] = (manualconv.nn, torch.nn)

Build = Callable[[ModuleType], torch.nn.Module]


def parameters(network: torch.nn.Module) -> list[int]:
    """The number of trainable parameters of every layer that has its own, in order."""
    own = [sum(p.numel() for p in layer.parameters(recurse=False) if p.requires_grad) for layer in network.modules()]
    return [count for count in own if count]


def by_hand_and_torch(build: Build) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The same seed for both, so the same weights, and each reads the other's state."""
    networks = []
    for layers in LIBRARIES:
        torch.manual_seed(0)
        networks.append(build(layers).double())
    ours, theirs = networks
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


def assert_one_step_is_the_same(build: Build, x: Tensor, loss: Callable[[ModuleType, Tensor], Tensor]) -> None:
    """Outputs, loss, gradients, curvature and the parameters after a step agree to 1e-12, and no gradient is zero."""
    results = []
    for layers, network in zip(LIBRARIES, by_hand_and_torch(build)):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        leaf = x.clone().requires_grad_()
        torch.manual_seed(1)  # of dropout
        y = network(leaf)
        value = loss(layers, y)
        found = dict(network.named_parameters())
        first = torch.autograd.grad(value, list(found.values()), create_graph=True)
        slope = sum((g * (n + 1)).sum() for n, g in enumerate(first))
        curvature = torch.autograd.grad(slope, list(found.values()), retain_graph=True, materialize_grads=True)
        value.backward()
        optimizer.step()
        assert all(p.grad is not None and bool(p.grad.any()) for p in found.values())
        gradients = {f"{name}.grad": p.grad for name, p in found.items()}
        curved = {f"{name}, second": c for name, c in zip(found, curvature)}
        results.append({"y": y, "loss": value, "x.grad": leaf.grad, **gradients, **curved, **found})
    ours, theirs = results
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-12, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}")


def cross_entropy(target: Tensor) -> Callable[[ModuleType, Tensor], Tensor]:
    """The loss of a classifier."""
    return lambda layers, y: layers.CrossEntropyLoss()(y, target)
