"""An optimiser's and a schedule's state come back bit for bit, and what is not theirs is refused with its place."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.train.equality import difference
from tests.train.tiny import without_dropout
from train.averaging import Average
from train.errors import CheckpointError, ForeignCheckpoint
from train.optimisation import optimisation
from train.recipe import OPTIMIZERS, SCHEDULES
from train.state import State
from train.training import Taken, measured

AN_EPOCH, TAKEN, HERE = 8, 5, Path("last.pt")


def state(optimizer: str, schedule: str = "cosine", dtype: torch.dtype = torch.float32) -> State:
    """Of a run of 16 steps, before the first."""
    torch.manual_seed(1)
    model = without_dropout(nn).to(dtype)
    return State(
        model, *optimisation(model, 0.01, 16, optimizer, schedule), torch.device("cpu"), Average(model, "ema:0.5", 16)
    )


def walk(this: State, steps: int) -> State:
    """The same, so many steps later."""
    for _ in range(steps):
        x = torch.randn(6, 1, 28, 28, generator=torch.Generator().manual_seed(this.step)).to(
            next(this.model.parameters())
        )
        this.optimizer.zero_grad()
        loss = this.model(x).square().mean()
        loss.backward()
        norms = measured(this.model, loss)[1]
        this.optimizer.step()
        this.schedule.step()
        this.add(Taken(loss.item(), 6, norms))
    return this


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_comes_back_goes_on_bit_for_bit(optimizer: str, schedule: str) -> None:
    """In float64, whose weights have another type than what an optimiser counts with."""
    old = walk(state(optimizer, schedule, torch.float64), TAKEN)
    new = state(optimizer, schedule, torch.float64)
    new.restore({"state": copy.deepcopy(old.model.state_dict()), **old.contents()}, HERE, AN_EPOCH)
    for this in (old, new):
        walk(this, 3)
    assert difference(old.contents(), new.contents()) is None
    assert difference(dict(old.model.state_dict()), dict(new.model.state_dict())) is None


def first(contents: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = contents["optimizer"]["state"][0]
    return entry


STRANGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a buffer is missing": (lambda c: first(c).pop("exp_avg"), r"exp_avg of 2.weight missing -> \[12, 49\] float32"),
    "a step is missing": (lambda c: first(c).pop("step"), r"step of 2.weight missing -> \[\] float32"),
    "weights are missing": (
        lambda c: c["optimizer"]["state"].pop(2),
        r"exp_avg_sq of 3.weight missing -> \[12\] float32",
    ),
    "all are missing": (lambda c: c["optimizer"].update(state={}), "of 5.bias missing|and 10 more"),
    "a buffer broadcasts": (lambda c: first(c).update(exp_avg=torch.ones(())), r"exp_avg of 2.weight \[\] float32 -> "),
    "a step has a shape": (lambda c: first(c).update(step=torch.ones(12, 49)), r"\[12, 49\] float32 -> \[\] float32"),
    "a buffer is complex": (lambda c: first(c).update(exp_avg=torch.ones(12, 49) + 0j), "complex64 -> .*float32"),
    "a buffer is a number": (lambda c: first(c).update(exp_avg=1.5), "exp_avg of 2.weight 1.5 -> "),
    "a buffer of others": (
        lambda c: first(c).update(momentum_buffer=torch.ones(12, 49)),
        "momentum_buffer of .* -> missing",
    ),
    "weights of others": (lambda c: c["optimizer"]["state"].update({99: first(c)}), "step of weights 99"),
    "not finite": (lambda c: first(c)["exp_avg_sq"].fill_(float("nan")), "not finite: exp_avg_sq of 2.weight"),
    "a rate that is none": (lambda c: c["optimizer"]["param_groups"][0].update(lr="x"), "ValueError"),
    "no state of a schedule": (lambda c: c.update(schedule={}), "KeyError"),
    "a schedule elsewhere": (
        lambda c: c["schedule"].update(last_epoch=3),
        "step 3 of its schedule, and at step 5 of its",
    ),
    "a step too far": (lambda c: c.update(step=AN_EPOCH + 1), "ValueError"),
    "a mean of fewer": (lambda c: c["average"].update(count=4), "a mean of 4 steps, and the run has had 5"),
    "a mean of another shape": (
        lambda c: c["average"]["state"].update({"2.bias": torch.ones(2)}),
        r"2.bias \[2\] -> \[12\]",
    ),
    "a mean that is not finite": (lambda c: c["average"]["state"]["2.bias"].fill_(float("nan")), "not finite"),
    "a complex mean": (lambda c: c["average"]["state"].update({"2.bias": torch.ones(12) + 0j}), "complex64"),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_what_is_not_theirs_is_refused(strange: str) -> None:
    old = walk(state("adam"), TAKEN)
    contents = copy.deepcopy({"state": dict(old.model.state_dict()), **old.contents()})
    spoil, message = STRANGE[strange]
    spoil(contents)
    with pytest.raises(CheckpointError, match=message):
        state("adam").restore(contents, HERE, AN_EPOCH)


def test_the_numbers_of_a_recipe_are_not_the_file_s() -> None:
    """Nor may a schedule's methods be."""
    old, new = walk(state("adam", "1998"), TAKEN), state("adam", "1998")
    contents = copy.deepcopy({"state": dict(old.model.state_dict()), **old.contents()})
    contents["optimizer"]["param_groups"][0].update(betas=[2.0, 3.0], weight_decay=7.0, params=[0] * 6)
    contents["schedule"].update(step=5, optimizer=None, lr_lambdas=[{"a": 1}], base_lrs=[])
    new.restore(contents, HERE, AN_EPOCH)
    assert difference(walk(old, 3).contents(), walk(new, 3).contents()) is None


def test_weights_without_a_gradient_have_no_state() -> None:
    old, new = state("adam"), state("adam")
    for this in (old, new):
        this.model[2].bias.requires_grad_(False)
    new.restore({"state": dict(walk(old, 2).model.state_dict()), **old.contents()}, HERE, AN_EPOCH)
    assert list(new.optimizer.state_dict()["state"]) == [0, 2, 3, 4, 5]


@pytest.mark.parametrize("other", ["sgd", "rmsprop", "adamax"])
def test_another_optimiser_s_state_is_refused(other: str) -> None:
    old = walk(state(other), 2)
    with pytest.raises(ForeignCheckpoint, match="the state of another optimizer, there -> here: "):
        state("adam").restore({"state": dict(old.model.state_dict()), **old.contents()}, HERE, AN_EPOCH)
