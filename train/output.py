"""What a run leaves behind: a new folder with metrics.csv and best.pt, and what it shows while it runs."""

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TypeVar

from train.errors import OutputError

RUNS = Path("runs")
T = TypeVar("T")


@dataclass(frozen=True)
class EpochMetrics:
    """One row of metrics.csv. Losses are means per image, the accuracy is a share, the seconds are training's alone."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    lr: float
    seconds: float
    images_per_second: float

    def line(self, epochs: int) -> str:
        """The plain line an epoch."""
        return (
            f"epoch {self.epoch:>{len(str(epochs))}}/{epochs}"
            f"  train loss {self.train_loss:.4f}  validation loss {self.validation_loss:.4f}"
            f"  validation accuracy {100 * self.validation_accuracy:.2f} %"
            f"  lr {self.lr:.2g}  {self.seconds:.1f} s  {self.images_per_second:,.0f} images/s"
        )


def new_folder(wanted: Path | None) -> Path:
    """Make and return ``wanted``, which must be new or empty; for None a new one in runs/. Raises ``OutputError``."""
    try:
        if wanted is not None:
            wanted.mkdir(parents=True, exist_ok=True)
            if any(wanted.iterdir()):
                raise OutputError(f"The output folder {wanted} is not empty, and nothing is overwritten.")
            return wanted
        return _numbered(RUNS / datetime.now().strftime("%Y%m%d-%H%M%S"))
    except OSError as error:
        raise OutputError(f"The output folder {wanted or RUNS} cannot be used: {error.strerror or error}.") from error


def _numbered(path: Path) -> Path:
    """Two runs may start in the same second; mkdir decides which of them has the name."""
    for number in count(1):
        attempt = path if number == 1 else path.with_name(f"{path.name}-{number}")
        try:
            attempt.mkdir(parents=True)
            return attempt
        except FileExistsError:
            if not attempt.is_dir():
                raise
    raise AssertionError  # count() has no end


class MetricsFile:
    """metrics.csv, one row an epoch, each on disk before the next epoch begins. Raises ``OutputError``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._append([field.name for field in fields(EpochMetrics)])

    def add(self, metrics: EpochMetrics) -> None:
        """Append one row, every float with all its digits."""
        self._append(list(asdict(metrics).values()))

    def _append(self, row: list[object]) -> None:
        try:
            with self.path.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow(row)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror or error}.") from error


def watched(steps: Iterable[T], total: int, label: str, bar: bool) -> Iterator[T]:
    """Pass ``steps`` on, under a progress bar if ``bar`` and stderr is a terminal and tqdm is installed."""
    if bar and sys.stderr.isatty():
        try:
            tqdm = import_module("tqdm").tqdm  # optional, and without type stubs
        except ImportError:
            pass
        else:
            steps = tqdm(steps, total=total, desc=label, unit="batch", leave=False)
    yield from steps
