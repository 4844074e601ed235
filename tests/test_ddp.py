"""Two processes that each see half of a batch get the gradients of one process that sees all of it."""

from __future__ import annotations

import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from manualconv import nn

RANKS = 2
#: Seconds until processes that have not finished are ended; they need about six.
PATIENCE = 120


def network() -> nn.Sequential:
    """Every kind of layer with parameters, on small whole numbers: sums are exact in any order, halves of them too."""
    layers = nn.Sequential(
        nn.Conv2d(2, 4, (3, 2), (1, 2), padding=1, groups=2),
        nn.BatchNorm2d(4, eps=0.5).eval(),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 2, 2, 2),
        nn.Flatten(),
        nn.Linear(224, 3),
    ).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in layers.parameters():
            p.copy_(torch.randint(-2, 3, p.shape, generator=generator))
        layers[1].running_mean.fill_(1)
        layers[1].running_var.fill_(3.5)
    return layers


def images() -> Tensor:
    """A batch of four."""
    return torch.randint(-2, 3, (4, 2, 4, 12), generator=torch.Generator().manual_seed(1)).double()


def gradients(model: torch.nn.Module, batch: Tensor) -> tuple[list[Tensor], list[int]]:
    """Of a sum of squares, and how often each parameter's hook was called."""
    calls = [0] * len(list(model.parameters()))

    def count(n: int) -> None:
        calls[n] += 1

    for n, p in enumerate(model.parameters()):
        p.register_post_accumulate_grad_hook(lambda _, n=n: count(n))
    model(batch).pow(2).sum().backward()
    return [p.grad.clone() for p in model.parameters()], calls


def half_of_the_batch(rank: int, folder: str) -> None:
    """What one of the processes does; its gradients go to a file."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=RANKS)
    try:
        model = DistributedDataParallel(network(), find_unused_parameters=False, gradient_as_bucket_view=True)
        torch.save(gradients(model, images()[rank::RANKS]), f"{folder}/{rank}.pt")
    finally:
        dist.destroy_process_group()


def test_two_processes_equal_one(tmp_path: Path) -> None:
    expected, once = gradients(network(), images())
    assert set(once) == {1}
    context = torch.multiprocessing.start_processes(
        half_of_the_batch, args=(str(tmp_path),), nprocs=RANKS, join=False, start_method="spawn"
    )
    deadline = time.monotonic() + PATIENCE
    try:
        while not context.join(timeout=1):
            assert time.monotonic() < deadline, "the processes did not finish"
    finally:
        for process in context.processes:
            if process.is_alive():
                process.kill()
            process.join()
    for rank in range(RANKS):
        averaged, calls = torch.load(tmp_path / f"{rank}.pt")
        assert calls == once
        assert all(torch.equal(RANKS * got, total) for got, total in zip(averaged, expected, strict=True))
