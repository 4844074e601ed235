"""Faults of batch normalisation: a right one in plain arithmetic, taken apart into rules, with one of them replaced."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from manualconv.testing.faults.exam import Exam
from manualconv.testing.laws.batch_normalization import GOOD, GOOD_MODULES, LAWS, MODULE_LAWS, Layer, along, over
from manualconv.testing.laws.law import Implementation

Rule = Callable[..., Any]


def two_passes(x: Tensor, mean: Tensor, axes: list[int]) -> Tensor:
    """The mean of the centred squares."""
    return ((x - mean) ** 2).mean(axes, keepdim=True)


def moved(running: Tensor, batch: Tensor, momentum: float) -> Tensor:
    """The running statistic after this batch's."""
    return (1 - momentum) * running + momentum * batch


def scaled(x_hat: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """``γ·x̂ + β``."""
    return gamma * x_hat + beta


def as_kept(x: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """The statistics of an evaluation."""
    return mean, variance


RULES: dict[str, Rule] = {
    "axes": over,
    "variance": two_passes,
    "deviation": lambda variance, eps: (variance + eps).sqrt(),
    "through_mean": lambda mean: mean,
    "through_variance": lambda variance: variance,
    "corrected": lambda m: m / (m - 1),
    "moved": moved,
    "keeps": lambda x: x.numel() > 0,
    "evaluated": as_kept,
    "scaled": scaled,
}


def by_rules(**other: Rule) -> Layer:
    """A batch normalisation with some rules replaced."""
    rule = SimpleNamespace(**{**RULES, **other})

    def norm(
        x: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None,
        bias: Tensor | None,
        training: bool,
        momentum: float,
        eps: float,
    ) -> Tensor:
        if training:
            mean = x.mean(rule.axes(x), keepdim=True)
            variance = rule.variance(x, mean, rule.axes(x))
            if running_mean is not None and running_var is not None and rule.keeps(x):
                m = x.numel() // mean.numel() if mean.numel() else 0
                for running, batch in ((running_mean, mean), (running_var, variance * rule.corrected(m or 2))):
                    batch = batch.detach().transpose(0, 1).flatten(1).mean(1)
                    running.copy_(rule.moved(running, batch, momentum))
            mean, variance = rule.through_mean(mean), rule.through_variance(variance)
        else:
            assert running_mean is not None and running_var is not None
            mean, variance = rule.evaluated(x, along(running_mean, x), along(running_var, x))
        x_hat = (x - mean) / rule.deviation(variance, eps)
        ones = torch.ones(x.shape[1], dtype=x.dtype)
        gamma, beta = (ones if weight is None else weight), (0 * ones if bias is None else bias)
        y: Tensor = rule.scaled(x_hat, along(gamma, x), along(beta, x))
        return y

    return norm


EXAM = Exam("batch norm", LAWS, {**GOOD, "a fault with nothing replaced": Implementation(by_rules())})


def _by_squares(x: Tensor, mean: Tensor, axes: list[int]) -> Tensor:
    return (x * x).mean(axes, keepdim=True) - mean * mean


def _of_the_batch(x: Tensor, *kept: Tensor) -> tuple[Tensor, Tensor]:
    mean = x.mean(over(x), keepdim=True)
    return mean, two_passes(x, mean, over(x))


def _differentiated(x: Tensor, *kept: Tensor) -> tuple[Tensor, ...]:
    """The kept numbers, and the derivatives of the batch's."""
    return tuple(k + b - b.detach() for k, b in zip(kept, _of_the_batch(x)))


for _name, _rules, _origin in (
    ("running variance biased", {"corrected": lambda m: 1.0}, "mlx#3817, tinygrad#807, ARENA#415"),
    ("evaluation differentiates the batch's statistics", {"evaluated": _differentiated}, "#586"),
    ("evaluation uses the batch's statistics", {"evaluated": _of_the_batch}, ""),
    ("no derivative through the mean", {"through_mean": Tensor.detach}, "torch/nn#744"),
    ("no derivative through the variance", {"through_variance": Tensor.detach}, "torch/nn#744"),
    ("momentum inverted", {"moved": lambda running, batch, share: moved(running, batch, 1 - share)}, ""),
    ("ε outside the root", {"deviation": lambda variance, eps: variance.sqrt() + eps}, ""),
    ("ε forgotten", {"deviation": lambda variance, eps: variance.sqrt()}, ""),
    ("no samples, NaN", {"keeps": lambda x: True}, "#12013"),
    ("mean of the squares less the square of the mean", {"variance": _by_squares}, ""),
    ("statistics of each sample", {"axes": lambda x: over(x)[1:]}, ""),
    ("statistics of each position", {"axes": lambda x: [0]}, ""),
    ("normalised by a variance a tenth too large", {"deviation": lambda v, eps: (1.1 * v + eps).sqrt()}, ""),
    ("shifted before scaling", {"scaled": lambda x_hat, gamma, beta: gamma * (x_hat + beta)}, ""),
    ("β forgotten", {"scaled": lambda x_hat, gamma, beta: gamma * x_hat + 0 * beta}, ""),
):
    EXAM.plant(_name, "", by_rules(**_rules), _origin)


# ---------------------------------------------------------------------------------------------------------- modules


class _MomentumNone(torch.nn.BatchNorm1d):
    """A momentum of None is 0.1."""

    def __init__(self, features: int, momentum: float | None = 0.1) -> None:
        super().__init__(features, momentum=0.1 if momentum is None else momentum)


def _with(forward: Callable[[Any, Tensor], Tensor]) -> type[torch.nn.BatchNorm1d]:
    """torch's module with another forward."""
    return type("Planted", (torch.nn.BatchNorm1d,), {"forward": forward})


def _uncounted(module: Any, x: Tensor) -> Tensor:
    """The counter stands still."""
    y: Tensor = right(module, x)
    module.num_batches_tracked.zero_()
    return y


right: Any = torch.nn.BatchNorm1d.forward
MODULES = Exam("batch norm modules", MODULE_LAWS, GOOD_MODULES)
MODULES.plant("a momentum of None ignored", "", _MomentumNone)
MODULES.plant("num_batches_tracked not advanced", "", _with(_uncounted))
MODULES.plant("every batch entered twice", "", _with(lambda module, x: (right(module, x), right(module, x))[1]))
MODULES.plant("evaluation is training", "", _with(lambda module, x: right(module.train(), x)), "#586")
MODULES.plant("training is evaluation", "", _with(lambda module, x: right(module.eval(), x)))
