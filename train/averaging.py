r"""The mean of the weights along a run, which is evaluated and kept in place of the last ones.

After step t, with the weights w_t:

.. math:: ema: \bar w_t = d_t \bar w_{t-1} + (1 - d_t) w_t, \quad d_t = \min(d, t / (t + 9)) \qquad
          swa: \bar w_t = \frac1{t - s} \sum_{i=s+1}^t w_i

so that a short run does not keep its first weights.  torch's ``AveragedModel`` keeps it.  Batch normalisation's running
statistics are those of other weights: they are taken anew, by torch's ``update_bn``, from the epoch's training images
before the mean is evaluated.

Source: Polyak and Juditsky, 1992; d_t as TensorFlow's ExponentialMovingAverage with ``num_updates``; Izmailov et al.,
"Averaging weights leads to wider optima and better generalization", 2018.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn, update_bn

from train import checkpoint, random_states
from train.errors import ForeignCheckpoint


def _ema(decay: float, mean: Any, weights: Any, count: Tensor | int) -> None:
    """torch's, after ``count`` steps."""
    get_ema_multi_avg_fn(min(decay, (1 + int(count)) / (10 + int(count))))(mean, weights, count)


class Average:
    """``model`` has the mean; it takes no part in training."""

    def __init__(self, trained: nn.Module, kind: str, total_steps: int) -> None:
        """kind: ``ema:DECAY`` or ``swa:SHARE``, as ``train.argument_types.average`` writes it."""
        name, _, number = kind.partition(":")
        self.start = int(float(number) * total_steps) if name == "swa" else 0
        mean = get_swa_multi_avg_fn() if name == "swa" else partial(_ema, float(number))
        self._averaged = AveragedModel(trained, multi_avg_fn=mean)

    @property
    def model(self) -> nn.Module:
        """With the mean of the weights."""
        module: nn.Module = self._averaged.module
        return module

    @property
    def has_begun(self) -> bool:
        """Whether there is a mean of anything yet."""
        return bool(self._averaged.n_averaged)

    def add(self, trained: nn.Module, steps: int) -> None:
        """Count the weights after so many steps of the run."""
        if steps > self.start:
            self._averaged.update_parameters(trained)

    def take_statistics(self, batches: Iterable[tuple[Tensor, Tensor]], seed: int, device: torch.device) -> None:
        """Batch normalisation's, from these batches; dropout draws from ``seed``, and training's draws stay."""
        states = random_states.captured(device)
        try:
            random_states.seed(seed)
            update_bn(batches, self.model, device)
        finally:
            random_states.restored(states, device)

    def contents(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"count": int(self._averaged.n_averaged), "state": checkpoint.weights(self.model)}

    def restore(self, contents: Mapping[str, Any], steps: int, path: Path) -> None:
        """Take over what ``contents`` was after so many steps. Raises a subclass of ``CheckpointError``."""
        count, wanted = contents["count"], max(0, steps - self.start)
        if type(count) is not int or count != wanted:
            raise ForeignCheckpoint(f"{path} holds a mean of {count!r} steps, and the run has had {wanted} for it.")
        checkpoint.put(contents["state"], self.model, path)
        self._averaged.n_averaged.fill_(count)
