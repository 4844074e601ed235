"""Training steps: LeNet-5, residual networks, and a gradient penalty, which differentiates twice.

    N1  LeNet-5, batch 128 of 1×28×28, cross-entropy, SGD
    N2  a 3-block CIFAR ResNet (16, 32, 64 maps), batch 16 of 3×32×32, cross-entropy, SGD
    N3  a WGAN-GP critic, batch 16 of 3×32×32: E[D(fake)] − E[D(real)] + 10·E(‖∂D/∂x̃‖ − 1)², SGD
        (Gulrajani et al., *Improved training of Wasserstein GANs*, arXiv 1704.00028)
    R18 ResNet-18, batch 8 of 3×64×64, ten classes, cross-entropy, SGD
        (He et al., *Deep Residual Learning for Image Recognition*, arXiv 1512.03385); no row of the suite

Each is built from a library with torch.nn's names, from the same seed; what it normalises with is that library's.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

NAMES = {"N1": "LeNet-5 step", "N2": "CIFAR ResNet step", "N3": "WGAN-GP step", "R18": "ResNet-18 step"}
#: Images a step of what classifies them, and the size of one.
IMAGES = {"N1": (128, 1, 28, 28), "N2": (16, 3, 32, 32), "R18": (8, 3, 64, 64)}


class _Block(torch.nn.Module):
    """Two 3×3 convolutions around a shortcut, by 1×1 where the size changes."""

    def __init__(self, nn: Any, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """``relu(body(x) + shortcut(x))``."""
        y: Tensor = self.relu(self.body(x) + self.shortcut(x))
        return y


def _lenet(nn: Any) -> torch.nn.Module:
    features = (
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )
    dense = (nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    net: torch.nn.Module = nn.Sequential(*features, *dense)
    return net


def _resnet(nn: Any) -> torch.nn.Module:
    blocks = (_Block(nn, 16, 16, 1), _Block(nn, 16, 32, 2), _Block(nn, 32, 64, 2))
    stem = (nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    net: torch.nn.Module = nn.Sequential(*stem, *blocks, nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10))
    return net


def _resnet18(nn: Any) -> torch.nn.Module:
    stem = (nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    sizes = ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
    blocks = [
        _Block(nn, *size) for inputs, outputs, s in sizes for size in ((inputs, outputs, s), (outputs, outputs, 1))
    ]
    net: torch.nn.Module = nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
    return net


def _critic(nn: Any) -> torch.nn.Module:
    layers: list[torch.nn.Module] = []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.Tanh()]
    net: torch.nn.Module = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, 1))
    return net


def _classification(
    net: torch.nn.Module, entropy: torch.nn.Module, size: tuple[int, ...], dtype: torch.dtype
) -> Callable[[], Tensor]:
    x, t = torch.randn(size, dtype=dtype), torch.arange(size[0]) % 10
    return lambda: entropy(net(x), t)


def _penalty(net: torch.nn.Module, dtype: torch.dtype) -> Callable[[], Tensor]:
    real, fake, mix = (torch.randn(16, 3, 32, 32, dtype=dtype) for _ in range(3))

    def loss() -> Tensor:
        x = mix.detach().requires_grad_()
        (slope,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
        norms = slope.flatten(1).norm(dim=1)
        total: Tensor = net(fake).mean() - net(real).mean() + 10 * ((norms - 1) ** 2).mean()
        return total

    return loss


def step(
    id: str,
    library: ModuleType,
    dtype: torch.dtype,
    batch: int | None = None,
    changed: Callable[[torch.nn.Module], torch.nn.Module] = lambda module: module,
) -> Callable[[], Tensor]:
    """One training step of a net: forward, backward, update; returns the loss.

    Args:
        id: ``'N1'``, ``'N2'``, ``'N3'`` or ``'R18'``.
        library: `manualconv.nn` or `torch.nn`.
        dtype: of parameters and images.
        batch: images a step of what classifies them; None for those above.
        changed: what is done to the net and its loss before, such as `manualconv.convert`.
    """
    torch.manual_seed(0)
    net = changed({"N1": _lenet, "N2": _resnet, "N3": _critic, "R18": _resnet18}[id](library).to(dtype))
    if id == "N3":
        loss = _penalty(net, dtype)
    else:
        images, *size = IMAGES[id]
        loss = _classification(net, changed(library.CrossEntropyLoss()), (batch or images, *size), dtype)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)

    def run() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        return value.detach()

    return run
