"""What one worker of a test does; torchrun starts it: ``-m tests.train.worker laws|train …``.

``trials FOLDER DATA`` compares with one process and trains whole runs; each worker's findings go to FOLDER.
``train HARM STEP WORDS…`` is ``python -m train WORDS…`` with the tiny network, where the last worker does itself harm
after that step: it kills itself, hears a signal or is given an image that is no number.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import manualconv.nn
from tests.test_ddp import network
from tests.train.programs import called
from tests.train.tiny import in_place_of_lenet, without_dropout
from train import joint, torchrun, training
from train.batches import plain_batches
from train.cli import main
from train.data import Split
from train.optimisation import optimisation
from train.stopping import Stop
from train.world import World, joined

CPU = torch.device("cpu")
EXACT = (1, 2, 4, 8)  # images of a joined batch: a mean over so many is exact; one is fewer than the workers
ROUNDED = (3, 5, 7)
NORMALISED = (2, 3, 8)
EVALUATED = (1, 2, 41)
STOPPED_AT, SPOILED_AT, KILLED_AT = 13, 15, 17  # steps, of 10 an epoch


class SumOfSquares(nn.Module):
    """The mean over the batch of Σ y², which takes no target: whole numbers stay whole."""

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        """A scalar."""
        return scores.pow(2).sum(1).mean()


class CrossEntropy(nn.CrossEntropyLoss):
    """Of what a network makes of noise."""


def drawn(images: int, whole: bool) -> tuple[Tensor, Tensor]:
    """A joined batch."""
    generator = torch.Generator().manual_seed(images)
    shape = (images, 2, 4, 12)
    x = torch.randint(-2, 3, shape, generator=generator).double()
    x = x if whole else x + torch.rand(shape, generator=generator, dtype=torch.float64)
    return x, torch.randint(0, 3, (images,), generator=generator)


def of_whole_numbers() -> nn.Sequential:
    """Layers by hand whose sums are exact in any order."""
    return nn.Sequential(*(layer for layer in network() if not isinstance(layer, nn.BatchNorm2d)))


def normalising(layers: Any) -> nn.Sequential:
    """Batch normalisations of images and of rows, with a running and with a plain mean.

    No bias stands before them, whose gradient would be nothing but roundings.
    """
    torch.manual_seed(0)
    model: nn.Sequential = layers.Sequential(
        layers.Conv2d(2, 4, 3, bias=False),
        layers.BatchNorm2d(4),
        layers.ReLU(),
        layers.Flatten(),
        layers.Linear(80, 6, bias=False),
        layers.BatchNorm1d(6, momentum=None),
        layers.Linear(6, 3),
    )
    return model.double()


def one_step(model: nn.Module, criterion: nn.Module, world: World | None, images: int, whole: bool) -> dict[str, Any]:
    """The loss, gradients and buffers of a step, by several workers or by one process."""
    optimizer, schedule = optimisation(model, 1e-3, 100)
    x, target = drawn(images, whole)
    if world is None:
        taken = next(training.steps(model, criterion, optimizer, schedule, [(x, target)]))
    else:
        mine = [(x[world.share], target[world.share])]
        learner = joint.distributed(model, CPU)
        taken = next(joint.steps(world, learner, criterion, optimizer, schedule, mine, [images]))
    gradients = [p.grad for p in model.parameters()]
    return {"loss": taken.loss, "gradients": gradients, "buffers": [b.double() for b in model.buffers()]}


def off(one: dict[str, Any], other: dict[str, Any]) -> float:
    """The largest difference of an entry, relative to the largest entry of its tensor; 0 for the same bits."""
    pairs = [(torch.tensor(one["loss"]), torch.tensor(other["loss"]))]
    pairs += [pair for name in ("gradients", "buffers") for pair in zip(one[name], other[name], strict=True)]
    differences = [0.0 if torch.equal(a, b) else float((a - b).abs().max() / b.abs().max()) for a, b in pairs]
    return max(differences)


def evaluated(world: World, count: int) -> list[Any]:
    """What all workers make of the images, what one process does, and which images this worker has seen."""
    images = torch.arange(count, dtype=torch.uint8).view(count, 1, 1).expand(count, 28, 28).contiguous()
    split = Split(images, torch.arange(count, dtype=torch.uint8) % 3)

    def whole(part: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
        return part.to(dtype)

    class Scores(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([x[:, 0, 0] % 3, x[:, 0, 0] % 2, x[:, 0, 0] % 4], 1)

    def batches(share: slice) -> Iterator[tuple[Tensor, Tensor]]:
        return plain_batches(split, 8, torch.float64, CPU, whole, share)

    found = joint.evaluate(world, Scores(), SumOfSquares(), batches(world.share))
    wanted = training.evaluate(Scores(), SumOfSquares(), batches(slice(None)))
    seen = [int(x[0, 0]) for part, _ in batches(world.share) for x in part]
    return [list(found), list(wanted), seen]


def laws(world: World) -> dict[str, Any]:
    """What this worker finds beside one process."""
    exact, rounded = (
        [
            off(*(one_step(of_whole_numbers(), SumOfSquares(), each, images, whole=True) for each in (world, None)))
            for images in sizes
        ]
        for sizes in (EXACT, ROUNDED)
    )
    normalised = [
        off(*(one_step(normalising(layers), CrossEntropy(), each, images, whole=False) for each in (world, None)))
        for layers in (torch.nn, manualconv.nn)
        for images in NORMALISED
    ]
    found = [evaluated(world, count) for count in EVALUATED]
    return {"exact": exact, "rounded": rounded, "normalised": normalised, "evaluated": found}


def harmful(harm: str, at: int) -> Any:
    """``train.joint.steps`` that does the last worker harm at a step of the run."""
    original, count = joint.steps, [0]

    def steps(world: World, model: Any, criterion: Any, optimizer: Any, schedule: Any, batches: Any, sizes: Any) -> Any:
        is_mine = world.rank == world.size - 1

        def batches_of_this() -> Iterator[Any]:
            for x, target in batches:
                spoils = harm == "nan" and is_mine and count[0] + 1 == at
                yield (x * float("nan") if spoils else x), target

        for taken in original(world, model, criterion, optimizer, schedule, batches_of_this(), sizes):
            count[0] += 1
            if is_mine and count[0] == at and harm.startswith("SIG"):
                os.kill(os.getpid(), signal.Signals[harm])
            yield taken

    return steps


def train(harm: str, at: int, words: list[str]) -> int:
    """``python -m train`` with the tiny network; "plain" is for no harm and no dropout, "none" for no harm."""
    torch.set_num_threads(1)
    before = joint.steps
    joint.steps = harmful(harm, at)
    try:
        with in_place_of_lenet(without_dropout) if harm == "plain" else in_place_of_lenet():
            return main(words)
    finally:
        joint.steps = before


def trials(folder: Path, data: Path) -> None:
    """The laws and whole runs, in one world; what this worker finds and says goes to the folder."""
    goes_on = ("--resume", str(folder / "stopped"))
    runs = {
        "joint": ("plain", 0, (*words(data, folder / "joint"), "--dtype", "float64")),
        "whole": ("none", 0, words(data, folder / "whole")),
        "stopped": ("SIGTERM", STOPPED_AT, words(data, folder / "stopped")),
        "going on": ("none", 0, goes_on),
        "nan": ("nan", SPOILED_AT, words(data, folder / "nan")),
        "of one": ("none", 0, ("--resume", str(folder / "one"))),
        "no data": ("none", 0, words(folder / "nowhere", folder / "unused")),
    }
    with joined(torchrun.place(), Stop()) as world:
        found = laws(world)
        for name, (harm, at, options) in runs.items():
            found[name] = called(lambda options, harm=harm, at=at: train(harm, at, options), *options)
    (folder / f"worker{world.rank}.json").write_text(json.dumps(found), encoding="utf-8")


def words(data: Path, out: Path) -> tuple[str, ...]:
    """A run of 3 epochs of 10 steps, with every image augmented and the weights averaged."""
    sizes = ("--epochs", "3", "--batch-size", "24", "--threads", "1", "--checkpoint-every", "4")
    recipe = ("--augment", "elastic", "--average", "ema:0.9", "--label-smoothing", "0.1", "--schedule", "linear")
    return (*recipe, "--no-report", "--backend", "torch", "--data-dir", str(data), "--out", str(out), *sizes)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "trials":
        trials(Path(rest[0]), Path(rest[1]))
        sys.exit(0)
    sys.exit(train(rest[0], int(rest[1]), rest[2:]))
