"""What an optimiser and a schedule keep from step to step, given back from a checkpoint.

A file decides nothing else: the numbers of a recipe are those of the run's options. What it holds has to look as the
optimiser's own state does after a step, since torch counts the parameters only, and fails, broadcasts or begins anew at
the next step.
"""

import copy
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from train.checkpoint import few
from train.errors import CorruptCheckpoint, ForeignCheckpoint

COUNTS = ("last_epoch", "_step_count")  # of a schedule, torch's names


def put(
    saved: Mapping[str, Any], optimizer: torch.optim.Optimizer, names: list[str], moved: Collection[str], path: Path
) -> None:
    """Give the optimiser the state that was found in ``path``, bit for bit.

    Args:
        saved: what ``state_dict`` has given.
        optimizer: of the run's own options, new.
        names: those of its parameters, in its order.
        moved: the names of those that have had a gradient, and so have a state.
        path: for the errors.

    Raises:
        ForeignCheckpoint: for names, kinds or shapes that are not this optimiser's.
        CorruptCheckpoint: for what is not finite.
    """
    found, wanted = saved["state"], _after_a_step(optimizer)
    lines = []
    for index in sorted({*found, *(i for i in wanted if names[i] in moved)}, key=str):
        name = names[index] if index in range(len(names)) else f"weights {index}"
        there, here = _kinds(found.get(index, {})), _kinds(wanted.get(index, {}))
        differing = [key for key in dict.fromkeys([*here, *there]) if there.get(key) != here.get(key)]
        lines += [f"{key} of {name} {there.get(key, 'missing')} -> {here.get(key, 'missing')}" for key in differing]
    if lines:
        raise ForeignCheckpoint(f"{path} holds the state of another optimizer, there -> here: {few(lines)}.")
    for index, entry in found.items():
        for key, value in entry.items():
            if isinstance(value, Tensor) and not torch.isfinite(value).all():
                where = f"{key} of {names[index]}"
                raise CorruptCheckpoint(f"The checkpoint {path} holds an optimizer that is not finite: {where}.")
    (group,) = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": found, "param_groups": [group | {"lr": _rate(saved["param_groups"][0]["lr"])}]})
    for p, index in zip(optimizer.param_groups[0]["params"], group["params"], strict=True):
        for key, value in found.get(index, {}).items():  # torch gives all but a step the weights' type
            optimizer.state[p][key] = None if value is None else optimizer.state[p][key].to(value.dtype)


def put_schedule(saved: Mapping[str, Any], schedule: LRScheduler, steps: int, path: Path) -> None:
    """Give the schedule its place in the run, after so many steps.

    Raises:
        ForeignCheckpoint: for a schedule that is at another step.
    """
    places = [saved["last_epoch"], saved["_step_count"] - 1]
    if places != [steps, steps]:
        raise ForeignCheckpoint(f"{path} stands at step {places[0]} of its schedule, and at step {steps} of its run.")
    counts = {name: int(saved[name]) for name in COUNTS}
    (rate,) = saved["_last_lr"]
    schedule.load_state_dict(schedule.state_dict() | counts | {"_last_lr": [_rate(rate)]})


def _rate(value: Any) -> float:
    if type(value) is not float or not 0 <= value < math.inf:
        raise ValueError("lr")
    return value


def _after_a_step(optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Any]]:
    """The state of a copy whose gradients were zero."""
    twin = copy.deepcopy(optimizer)
    for group in twin.param_groups:
        for p in group["params"]:
            p.grad = torch.zeros_like(p)
    twin.step()
    state: dict[int, dict[str, Any]] = twin.state_dict()["state"]
    return state


def _kinds(entry: Mapping[str, Any]) -> dict[str, str]:
    """``[12, 49] float32`` of every tensor; nothing for None, which is as good as missing."""
    kinds = {}
    for name, value in entry.items():
        if isinstance(value, Tensor):
            kinds[name] = f"{list(value.shape)} {str(value.dtype).removeprefix('torch.')}"
        elif value is not None:
            kinds[name] = f"{value!r}"
    return kinds
