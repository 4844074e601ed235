"""One training run: what it works with, and what it writes into its folder."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from train import architectures, checkpoint, data, output, random_states
from train.data import Split
from train.kept_options import plain
from train.machine import Machine
from train.models import Network
from train.options import FitOptions
from train.output import BEST, GRADIENTS, LAST, EpochMetrics, MetricsFile
from train.state import OTHERS, State
from train.tensorboard import Board
from train.world import World

LEAST_SECONDS = 10  # between two checkpoints that nobody has asked for
SHARE = 0.01  # of the time, that they may take


@dataclass
class Run:
    """Everything one training run works with; ``folder`` is its own, and locked by the first worker's ``metrics``."""

    options: FitOptions
    machine: Machine
    mnist: data.Mnist
    training: Split
    validation: Split
    criterion: nn.Module
    objective: nn.Module  # the criterion as training has it
    state: State
    world: World
    folder: Path
    metrics: MetricsFile | None
    board: Board | None = None
    came_from: Path | None = None
    saved_at: float = 0.0
    cost: float = 0.0  # seconds that the last checkpoint took

    @property
    def network(self) -> Network:
        """What the options chose."""
        return architectures.named(self.options.arch, self.mnist.kind)

    @property
    def batch_size(self) -> int:
        """Chosen, or fitted when the run started."""
        assert self.options.batch_size is not None
        return self.options.batch_size

    @property
    def best(self) -> Path:
        """The checkpoint of the best epoch so far."""
        return self.folder / BEST

    @property
    def last(self) -> Path:
        """The checkpoint to go on from."""
        return self.folder / LAST

    def is_due(self) -> bool:
        """Whether a step is to be followed by a checkpoint."""
        if self.options.checkpoint_every is not None:
            return self.state.step % self.options.checkpoint_every == 0
        return self.world.now() - self.saved_at >= max(LEAST_SECONDS, self.cost / SHARE)

    def save(self, keep: bool = True) -> None:
        """Write last.pt, after which the one before it is previous.pt if ``keep``. Raises as ``checkpoint.save``."""
        begin = time.perf_counter()
        _, *others = self.world.gathered(random_states.captured(self.machine.device))
        self.world.first(lambda: self._write_last(others, keep))
        now = time.perf_counter()
        self.saved_at, self.cost = self.world.spread((now, now - begin))

    def _write_last(self, others: list[random_states.States], keep: bool) -> None:
        about = {"options": plain(self.options), "data": self.mnist.digest, "machine": facts(self.machine)}
        state = checkpoint.weights(self.state.model)
        contents = about | self._shown() | self.state.contents() | ({OTHERS: others} if others else {})
        checkpoint.save(self.last, self.options.arch, state, contents, "training", keep)

    def write_epoch(self, metrics: EpochMetrics, is_best: bool) -> None:
        """Write what the epoch leaves: best.pt first, last.pt last. Killed in between, a run does it again, alike."""
        if is_best:
            self.world.first(self.save_best)
        self.world.first(lambda: self._write_tables(metrics))
        self.save()

    def _write_tables(self, metrics: EpochMetrics) -> None:
        assert self.metrics is not None
        self.metrics.add(metrics)
        self.write_gradients()
        if self.board is not None:
            self.board.add(metrics, self.state.slopes[-1])

    def save_best(self) -> None:
        """Write best.pt. Raises as ``checkpoint.save``."""
        best = self.state.best
        if best is not None:
            metrics = best.metrics
            facts = {
                "epoch": metrics.epoch,
                "seed": self.options.seed,
                "validation_accuracy": metrics.validation_accuracy,
            }
            checkpoint.save(self.best, self.options.arch, best.state, facts | self._shown())

    def _shown(self) -> dict[str, Any]:
        """Of what images the network is."""
        return {"images": self.mnist.kind.plain(), "dataset": self.options.dataset}

    def write_gradients(self) -> None:
        """Write gradients.csv, a row an epoch, a column a parameter. Raises ``OutputError``."""
        slopes = self.state.slopes
        names = list(dict.fromkeys(name for row in slopes for name in row))
        rows = ([epoch, *(row.get(name, "") for name in names)] for epoch, row in enumerate(slopes, 1))
        output.write_table(self.folder / GRADIENTS, ["epoch", *names], rows)

    def open_board(self) -> None:
        """Begin TensorBoard's events with the epochs that are done, if they are wanted."""
        if self.options.tensorboard:
            self.board = Board(self.folder, self.state.history, self.state.slopes)

    def close(self) -> None:
        """Give the folder free."""
        if self.board is not None:
            self.board.close()
        if self.metrics is not None:
            self.metrics.close()


def facts(place: Machine) -> dict[str, Any]:
    """On what the bits of a run depend besides its options."""
    return {"torch": str(torch.__version__), "device": place.device.type, "threads": torch.get_num_threads()}
