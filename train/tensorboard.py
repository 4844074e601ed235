"""``--tensorboard``: each epoch's numbers as TensorBoard's events, in the run's folder, beside metrics.csv."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from train.errors import MissingLibrary, OutputError
from train.output import EpochMetrics

FOLDER = "tensorboard"


def library() -> Any:
    """torch.utils.tensorboard, which needs a package of its own. Raises ``MissingLibrary``."""
    try:
        return import_module("torch.utils.tensorboard")
    except ImportError as error:
        raise MissingLibrary("--tensorboard needs the package tensorboard: pip install tensorboard.") from error


class Board:
    """The events of one start of the program, whose epochs take the place of those that earlier starts have written."""

    def __init__(self, folder: Path, history: Iterable[EpochMetrics], slopes: Iterable[Mapping[str, float]]) -> None:
        try:
            self._writer = library().SummaryWriter(str(folder / FOLDER), purge_step=1)
        except OSError as error:
            raise OutputError(f"{folder / FOLDER} cannot be written: {error.strerror or error}.") from error
        for metrics, norms in zip(history, slopes, strict=True):
            self.add(metrics, norms)

    def add(self, metrics: EpochMetrics, norms: Mapping[str, float]) -> None:
        """Write an epoch: its row of metrics.csv, and the norms of gradients.csv."""
        numbers = asdict(metrics)
        epoch = numbers.pop("epoch")
        for name, value in (numbers | {f"gradient norm/{name}": norm for name, norm in norms.items()}).items():
            self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()
