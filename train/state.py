"""All that changes while a run trains: what last.pt holds, and what a run that goes on is given back."""

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from train import checkpoint, optimizer_state, random_states
from train.averaging import Average
from train.checkpoint import Weights
from train.errors import CheckpointError, ForeignCheckpoint
from train.output import EpochMetrics
from train.training import Taken

OTHERS = "random of other workers"  # in a checkpoint of more than one


@dataclass
class Best:
    """The epoch to be kept so far, and its weights."""

    metrics: EpochMetrics
    state: Weights


@dataclass
class State:
    """A run between two steps: ``step`` of the epoch's steps are done, with the sums that its metrics are made of."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    device: torch.device
    average: Average | None = None
    epoch: int = 1
    step: int = 0
    loss: float = 0.0  # the sum over the epoch's images so far
    lr: float = 0.0  # at the epoch's first step
    seconds: float = 0.0  # of training in this epoch, over all starts of the program
    norms: dict[str, float] = field(
        default_factory=dict
    )  # of each parameter's gradient, the sums over this epoch's steps
    history: list[EpochMetrics] = field(default_factory=list)
    slopes: list[dict[str, float]] = field(default_factory=list)  # the norms' means, epoch by epoch
    best: Best | None = None

    @property
    def shown(self) -> nn.Module:
        """What is evaluated and kept: the mean of the weights, once there is one."""
        return self.average.model if self.average is not None and self.average.has_begun else self.model

    def add(self, step: Taken) -> None:
        """Count a step that was taken."""
        self.step += 1
        if self.average is not None:
            self.average.add(self.model, self.schedule.last_epoch)  # torch's name for the steps so far
        self.loss += step.loss * step.images
        for name, norm in step.norms.items():
            self.norms[name] = self.norms.get(name, 0.0) + norm

    def end_epoch(self, metrics: EpochMetrics) -> None:
        """Keep what the epoch's steps left, and begin the next."""
        self.history.append(metrics)
        self.slopes.append({name: total / self.step for name, total in self.norms.items()})
        self.epoch, self.step, self.loss, self.seconds, self.norms = self.epoch + 1, 0, 0.0, 0.0, {}

    def contents(self) -> dict[str, Any]:
        """All but the weights, in plain tensors, numbers, strings and lists."""
        numbers = {name: getattr(self, name) for name in ("epoch", "step", "loss", "lr", "seconds")}
        best = self.best
        return numbers | {
            "optimizer": _plain(self.optimizer.state_dict()),
            "schedule": _plain(self.schedule.state_dict()),
            "average": None if self.average is None else self.average.contents(),
            "random": random_states.captured(self.device),
            "history": [list(astuple(metrics)) for metrics in self.history],
            "norms": dict(self.norms),
            "slopes": self.slopes,
            "best": None if best is None else {"epoch": best.metrics.epoch, "state": best.state},
        }

    def restore(self, contents: Mapping[str, Any], path: Path, steps_an_epoch: int, worker: int = 0) -> None:
        """Take over what ``contents`` was; ``path`` is for the errors. Raises a subclass of ``CheckpointError``."""
        checkpoint.put(contents.get("state"), self.model, path)
        try:
            self._restore(contents, path, steps_an_epoch, worker)
        except CheckpointError:
            raise
        except Exception as error:  # whatever somebody else's lists and numbers lead to
            raise ForeignCheckpoint(f"{path} does not hold a run of this program ({type(error).__name__}).") from error

    def _restore(self, contents: Mapping[str, Any], path: Path, steps_an_epoch: int, worker: int) -> None:
        self.history = [_metrics(row) for row in contents["history"]]
        self.norms, *self.slopes = (
            {str(name): float(norm) for name, norm in row.items()} for row in [contents["norms"], *contents["slopes"]]
        )
        for name in ("epoch", "step", "loss", "lr", "seconds"):
            wanted = type(getattr(self, name))
            if type(contents[name]) is not wanted or not math.isfinite(contents[name]):
                raise TypeError(name)
            setattr(self, name, contents[name])
        if not self.epoch == len(self.history) + 1 == len(self.slopes) + 1 or not 0 <= self.step <= steps_an_epoch:
            raise ValueError("epoch")
        if contents["best"] is not None:
            metrics = self.history[contents["best"]["epoch"] - 1]
            self.best = Best(metrics, checkpoint.fitting(contents["best"]["state"], self.model.state_dict(), path))
        steps = (self.epoch - 1) * steps_an_epoch + self.step
        moved = {*self.norms, *(name for row in self.slopes for name in row)}
        names = [name for name, _ in self.model.named_parameters()]
        optimizer_state.put(contents["optimizer"], self.optimizer, names, moved, path)
        optimizer_state.put_schedule(contents["schedule"], self.schedule, steps, path)
        if self.average is not None:
            self.average.restore(contents["average"], steps, path)
        random_states.restored(workers(contents)[worker], self.device)


def workers(contents: Mapping[str, Any]) -> list[Any]:
    """The random states of every worker of the run that ``contents`` are of."""
    others = contents.get(OTHERS, [])
    return [contents.get("random"), *(others if isinstance(others, list) else [])]


def _plain(value: Any) -> Any:
    """Copies on the CPU, tuples as lists."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _metrics(row: list[Any]) -> EpochMetrics:
    metrics = EpochMetrics(*row)
    for each in fields(EpochMetrics):
        if type(getattr(metrics, each.name)) is not each.type:
            raise TypeError(each.name)
    return metrics


def rank(metrics: EpochMetrics) -> tuple[float, float]:
    """Validation accuracy decides; of equal ones the smaller loss."""
    return metrics.validation_accuracy, -metrics.validation_loss
