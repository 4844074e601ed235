"""``make nan``: NaN and infinity put into weights, gradients, images, outputs and the loss, each in a run of its own.

Every run must stop before the optimiser's step, name step and tensor, leave last.pt as it was, and end with code 1.
"""

import json
import math
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.train.conftest import write_data
from tests.train.programs import called
from tests.train.tiny import in_place_of_lenet, small_run, tiny
from train import checkpoint
from train import fit as fitting
from train.cli import main

VALUES = (math.nan, math.inf)
STEPS_AN_EPOCH = 10
Injection = Callable[[nn.Module, nn.Module, Tensor], object]


def spoiled(tensor: Tensor, value: float) -> Tensor:
    """A copy with the number in its middle."""
    copy = tensor.clone()
    copy.view(-1)[copy.numel() // 2] = value
    return copy


def into_weight(name: str, value: float, model: nn.Module, criterion: nn.Module, x: Tensor) -> None:
    p = model.get_parameter(name)
    p.data.copy_(spoiled(p.data, value))


def into_gradient(name: str, value: float, model: nn.Module, criterion: nn.Module, x: Tensor) -> None:
    model.get_parameter(name).register_hook(lambda gradient: spoiled(gradient, value))


def into_images(value: float, model: nn.Module, criterion: nn.Module, x: Tensor) -> None:
    x.copy_(spoiled(x, value))


def into_output(name: str, value: float, model: nn.Module, criterion: nn.Module, x: Tensor) -> None:
    model.get_submodule(name).register_forward_hook(lambda _, __, output: spoiled(output, value))


def into_loss(value: float, model: nn.Module, criterion: nn.Module, x: Tensor) -> None:
    criterion.register_forward_hook(lambda _, __, loss: loss * value)


def injections() -> Iterator[tuple[str, Injection]]:
    """What the run must name, and what does the damage."""
    network = tiny(nn)
    for value in VALUES:
        for name, _ in network.named_parameters():
            yield name, partial(into_weight, name, value)
            yield f"gradient of {name}", partial(into_gradient, name, value)
        for name, layer in network.named_children():
            yield f"{name} ({type(layer).__name__})", partial(into_output, name, value)
        yield "images", partial(into_images, value)
        yield "loss", partial(into_loss, value)


def run_with(injection: Injection, at: int, words: list[str]) -> tuple[Any, int]:
    """The run's end, and the optimiser's steps before it. The damage is done when the batch of step ``at`` is taken."""
    original, fetched, taken = fitting.steps, [0], [0]

    def steps(
        model: nn.Module, criterion: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any, batches: Any
    ) -> Iterator[Any]:
        def damaged() -> Iterator[Any]:
            for x, target in batches:
                fetched[0] += 1
                if fetched[0] == at:
                    injection(model, criterion, x)
                yield x, target

        def count(*_: Any) -> None:
            taken[0] += 1

        handle = optimizer.register_step_post_hook(count)
        try:
            yield from original(model, criterion, optimizer, schedule, damaged())
        finally:
            handle.remove()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "steps", steps)
        return called(main, *words), taken[0]


def complaint(named: str, injection: Injection, at: int, data: Path, out: Path) -> str | None:
    """What is wrong with the end of such a run, or None."""
    words = small_run(data, 2)
    ended, taken = run_with(injection, at, [*words, "--checkpoint-every", "1", "--out", str(out)])
    epoch, step = 1 + (at - 1) // STEPS_AN_EPOCH, 1 + (at - 1) % STEPS_AN_EPOCH
    if ended.code != 1 or ended.err.count("\n") != 1:
        return f"code {ended.code}: {ended.err}"
    if taken != at - 1:
        return f"the optimiser took {taken} steps"
    if not re.search(rf"{re.escape(named)}.* at epoch {epoch}, step {step}, images \d", ended.err):
        return ended.err
    failure = json.loads((out / fitting.output.FAILURE).read_text(encoding="utf-8"))
    if (failure["epoch"], failure["step"], failure["tensor"]) != (epoch, step, named) or not failure["images"]:
        return f"{failure}"
    last = checkpoint.load(out / "last.pt", kind="training")  # of the step before
    if checkpoint.position(last) != (epoch, step - 1):
        return f"last.pt is of {checkpoint.position(last)}"
    return None


def trial(folder: Path, at: tuple[int, ...], every: int = 1) -> tuple[int, list[str]]:
    """The number of injections, and what went wrong."""
    data, wrong, count = write_data(folder / "data"), [], 0
    with in_place_of_lenet():
        for step in at:
            for named, injection in list(injections())[step % every :: every]:
                found = complaint(named, injection, step, data, folder / f"out{count}")
                wrong += [] if found is None else [f"{named} at step {step}: {found}"]
                count += 1
    return count, wrong


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        tried, failed = trial(Path(temporary), (1, 4, 17))
    print(*failed, sep="\n")
    print(
        f"{tried} injections of NaN and infinity: {tried - len(failed)} stopped before the step, named, last.pt whole"
    )
    sys.exit(bool(failed))
