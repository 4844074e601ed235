"""Laws, modes and a training step on a device; what is expected is computed on the CPU by those who judge there.

Drawn cases and expected values stay on the CPU: operands are moved to the device in front of every call, and results
back behind it.  Moving is differentiable, so that every mode sees one function of tensors on the CPU.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

import manualconv.nn
from manualconv.testing.faults.exam import complaint
from manualconv.testing.laws import batch_normalization, convolution, max_pooling
from manualconv.testing.laws.convolution.implementations import GOOD
from manualconv.testing.laws.law import Laws
from manualconv.testing.moving import moved
from tests.capabilities.modes import MODES
from tests.capabilities.operations import OPERATIONS
from tests.capabilities.proofs import NOT_ASKED, RIGHT, SHORT, tried
from train.models import NETWORKS

FAMILIES: dict[str, tuple[Laws, Any]] = {
    "convolution": (convolution.LAWS, GOOD["by hand"]),
    "max pooling": (max_pooling.LAWS, max_pooling.GOOD["by hand"]),
    "batch norm": (batch_normalization.LAWS, batch_normalization.GOOD["by hand"]),
}
#: Laws of memory, which moving takes away: what a result shares with an operand, and how it lies.
OF_MEMORY = frozenset({"one node", "quick"})
#: What moving takes away from a mode: it is tried on the CPU, or chooses the device by itself.
NOT_MOVED = frozenset({"meta", "fake", "channels_last", "threads", "deterministic"})


@dataclass(frozen=True)
class Row:
    """What was tried, and what is wrong with it, if anything."""

    group: str
    name: str
    complaint: str | None


def laws(device: torch.device, cases: int) -> Iterator[Row]:
    """Every law of every family on its first drawn cases."""
    for family, (catalogue, ours) in FAMILIES.items():
        there = replace(ours, layer=moved(ours.layer, device))
        for law in catalogue.values():
            if not law.needs & OF_MEMORY:
                yield Row(family, law.name, complaint(law, there, cases))


def modes(device: torch.device, compiled: frozenset[str]) -> Iterator[Row]:
    """Every mode of every operation; those that trace for seconds of some."""
    for name, operation in OPERATIONS.items():
        apply = moved(operation.by_hand, device)
        for group, columns in MODES.items():
            for column, mode in columns.items():
                if column in NOT_MOVED or (mode.slow and name not in compiled):
                    continue
                for dtype in mode.dtypes:
                    # What the CPU cannot do either is no matter of the device.
                    found = tried(apply, operation, mode, dtype)
                    wrong = found not in (RIGHT, NOT_ASKED) and found != tried(
                        operation.by_hand, operation, mode, dtype
                    )
                    yield Row(group, f"{name}: {column} {SHORT[dtype]}", found if wrong else None)


def step(name: str, device: torch.device) -> Row:
    """One training step of a network, from a batch on the device to new weights, and the CPU's beside it."""
    network = NETWORKS[name]
    losses, weights = [], []
    shape = network.takes if network.takes not in (None, (1, 28, 28)) else (28, 28)
    images = torch.randint(0, 256, (64, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for place in (torch.device("cpu"), device):
        torch.manual_seed(0)
        model = network.build(manualconv.nn).to(place, torch.float64).eval()  # dropout draws otherwise elsewhere
        criterion = network.criterion(manualconv.nn).to(place)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x, target = network.scale(images, torch.float64, place), (torch.arange(64) % 10).to(place)
        with without_waiting(place):
            loss = criterion(model(x), target)
            loss.backward()
            optimizer.step()
        losses.append(loss.detach().cpu())
        weights.append(torch.cat([p.detach().cpu().reshape(-1) for p in model.parameters()]))
    distance = max(float((a - b).abs().max()) for a, b in (losses, weights))
    return Row("training step", name, None if distance < 1e-9 else f"{distance:.1e} from the CPU's")


@contextmanager
def without_waiting(device: torch.device) -> Iterator[None]:
    """torch raises where the program waits for a CUDA device; other devices have no such watch."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def rows(device: torch.device, cases: int, compiled: frozenset[str]) -> Iterator[tuple[Row, float]]:
    """All of them, each with its seconds."""
    last = time.perf_counter()

    def all_rows() -> Iterator[Row]:
        yield from (step(name, device) for name in NETWORKS)
        yield from laws(device, cases)
        yield from modes(device, compiled)

    for row in all_rows():
        now = time.perf_counter()
        yield row, now - last
        last = now
