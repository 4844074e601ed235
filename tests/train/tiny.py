"""A network that takes a millisecond a step and has all that must be kept: dropout, running statistics, momentum."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from train.models import NETWORKS, Network


def tiny(layers: ModuleType) -> nn.Sequential:
    """x: (N, 1, 28, 28) → logits (N, 10); 790 parameters."""
    network: nn.Sequential = layers.Sequential(
        layers.AvgPool2d(4),
        layers.Flatten(),
        layers.Linear(49, 12),
        layers.BatchNorm1d(12),
        layers.ReLU(),
        layers.Dropout(0.3),
        layers.Linear(12, 10),
    )
    return network


def without_dropout(layers: ModuleType) -> nn.Sequential:
    """The same, all of whose draws are the first weights."""
    return nn.Sequential(*(layer for layer in tiny(layers) if not isinstance(layer, nn.Dropout)))


@contextmanager
def in_place_of_lenet(build: Callable[[ModuleType], nn.Sequential] = tiny) -> Iterator[None]:
    """Inside, ``--arch lenet5`` is the tiny network, on one thread."""
    before, threads = NETWORKS["lenet5"], torch.get_num_threads()
    NETWORKS["lenet5"] = Network("LeNet-5", build)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        NETWORKS["lenet5"] = before
        torch.set_num_threads(threads)


def small_run(data: Path, epochs: int) -> list[str]:
    """The words that start a run of few steps on one thread, with no report at its end."""
    common = ["--no-report", "--backend", "torch", "--data-dir", str(data), "--epochs", str(epochs)]
    return [*common, "--batch-size", "24", "--threads", "1"]
