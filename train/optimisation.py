"""The optimiser of a run and the schedule of its learning rate, both torch's own."""

import inspect
from typing import Any

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from train.recipe import OPTIMIZERS

LEAST_STEPS = 10  # that have a warm-up
WARM_UP = 0.2  # of a one-cycle run
STEPS_DOWN, FACTOR = 3, 0.1
WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")

#: The rates of 1998 in units of the first, and how many of the 20 passes each has lasted: section III.B of the article.
RATES_1998 = ((1.0, 2), (0.4, 3), (0.2, 3), (0.1, 4), (0.02, 8))


def optimisation(
    model: nn.Module,
    lr: float,
    total_steps: int,
    optimizer: str = "sgd",
    schedule: str = "one-cycle",
    momentum: float | None = None,
    weight_decay: float | None = None,
) -> tuple[torch.optim.Optimizer, LRScheduler]:
    """An optimiser of the weights and the schedule of its rate over so many steps, ``lr`` at the most.

    Args:
        model: whose weights are trained.
        lr: the peak of the learning rate.
        total_steps: of the whole run, at least 1.
        optimizer: a name of ``train.recipe.OPTIMIZERS``; with momentum, stochastic gradient descent is Nesterov's.
        schedule: a name of ``train.recipe.SCHEDULES``.
        momentum: in [0, 1), for an optimiser that has it; None for its default.
        weight_decay: None for the optimiser's default.
    """
    rule = OPTIMIZERS[optimizer]
    numbers = {"lr": lr, "weight_decay": rule.weight_decay if weight_decay is None else weight_decay}
    if rule.momentum is not None:
        numbers["momentum"] = rule.momentum if momentum is None else momentum
    if optimizer == "sgd":
        numbers["nesterov"] = numbers["momentum"] > 0
    made = _uncompiled(getattr(torch.optim, rule.name))(model.parameters(), **numbers)
    return made, _schedule(schedule, made, lr, total_steps)


def _uncompiled(kind: Any) -> Any:
    """The same optimiser without the calls in which torch wraps its methods to keep its compiler out.

    They import the compiler: 1.4 seconds after torch's own 1.8. No public name leaves it out. What torch compiles is
    another program's; this one compiles nothing.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in WRAPPED}
    return type(kind.__name__, (kind,), methods | {"step": torch.no_grad()(inspect.unwrap(kind.step))})


def _schedule(name: str, optimizer: torch.optim.Optimizer, lr: float, total: int) -> LRScheduler:
    """Stepped ``total`` times, once a step.

    One-cycle rises over the first fifth of the run, then falls to nearly 0.  Fewer than ten steps leave not one whole
    step to rise in (five: ``OneCycleLR`` divides by zero), so that a short run starts at ``lr`` and falls along half a
    cosine.
    """
    if name == "one-cycle" and total >= LEAST_STEPS:
        return lr_scheduler.OneCycleLR(optimizer, lr, total_steps=total, pct_start=WARM_UP, cycle_momentum=False)
    if name in ("one-cycle", "cosine"):
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=total)
    if name == "linear":  # its last step is at lr / total: none is taken at 0
        return lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=total)
    if name == "step":
        return lr_scheduler.StepLR(optimizer, step_size=-(-total // STEPS_DOWN), gamma=FACTOR)
    if name == "1998":
        return lr_scheduler.LambdaLR(optimizer, lambda step: rate_1998(step, total))
    return lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)


def rate_1998(step: int, total: int) -> float:
    """The rate at a step of so many, in units of the first."""
    passes, until = sum(count for _, count in RATES_1998), 0
    for rate, count in RATES_1998:
        until += count
        if step * passes < until * total:
            return rate
    return RATES_1998[-1][0]
