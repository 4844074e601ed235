"""What a run leaves behind, a folder of its own with metrics.csv in it, and what it shows while it runs."""

import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from fnmatch import fnmatchcase
from importlib import import_module
from itertools import count
from math import isnan
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar
from weakref import finalize

from train import durable
from train.errors import OutputError

fcntl: ModuleType | None
try:
    fcntl = import_module("fcntl")
except ImportError:  # Windows
    fcntl = None

RUNS = Path("runs")
METRICS, GRADIENTS, OPTIONS, FAILURE = "metrics.csv", "gradients.csv", "options.json", "failure.json"
REPORT, PICTURES = "report.html", "report"
BEST, LAST, PREVIOUS = "best.pt", "last.pt", "previous.pt"
REPLACED = (
    BEST,
    LAST,
    PREVIOUS,
    GRADIENTS,
    OPTIONS,
    FAILURE,
    REPORT,
)  # by `durable.write`, whose temporary files a killed run leaves
T = TypeVar("T")


@dataclass(frozen=True)
class EpochMetrics:
    """One row of metrics.csv. Losses are means per image, the accuracy is a share, the seconds are training's alone.

    Without images to validate with, what they would tell is NaN.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    lr: float
    seconds: float
    images_per_second: float

    def line(self, epochs: int) -> str:
        """The plain line an epoch."""
        validated = (
            f"  validation loss {self.validation_loss:.4f}  validation accuracy {100 * self.validation_accuracy:.2f} %"
        )
        return (
            f"epoch {self.epoch:>{len(str(epochs))}}/{epochs}  train loss {self.train_loss:.4f}"
            f"{'' if isnan(self.validation_loss) else validated}"
            f"  lr {self.lr:.2g}  {self.seconds:.1f} s  {self.images_per_second:,.0f} images/s"
        )


def _line(row: Iterable[object]) -> bytes:
    return (",".join(map(str, row)) + "\n").encode()


HEADER = _line(field.name for field in fields(EpochMetrics))


def new_folder(wanted: Path | None) -> Path:
    """Make and return ``wanted``; for None a new folder in runs/. Raises ``OutputError``.

    ``wanted`` may be new, empty, or left by a run that was stopped before its first epoch ended: a folder of nothing
    but a metrics.csv without rows and unfinished temporary files.
    """
    try:
        if wanted is not None:
            wanted.mkdir(parents=True, exist_ok=True)
            if not all(_is_unfinished(path) for path in wanted.iterdir()):
                raise _in_the_way(wanted)
            return wanted
        return _numbered(RUNS / datetime.now().strftime("%Y%m%d-%H%M%S"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"The output folder {wanted or RUNS} cannot be used: {reason}.") from error


def _is_unfinished(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    if path.name == METRICS:
        with path.open("rb") as file:
            return HEADER.startswith(file.read(len(HEADER) + 1))
    return any(fnmatchcase(path.name, durable.temporary(path.with_name(name), "*").name) for name in REPLACED)


def _in_the_way(folder: Path) -> OutputError:
    how = f": --resume {folder} goes on with its run" if (folder / LAST).exists() else ""
    return OutputError(f"The output folder {folder} is not empty, and nothing is overwritten{how}.")


def make_folder(path: Path) -> None:
    """Make the folder if it is not there. Raises ``OutputError``."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {path} cannot be made: {error.strerror or error}.") from error


def write_json(path: Path, contents: dict[str, Any]) -> None:
    """Replace the file in one step. Raises ``OutputError``."""
    durable.write(path, (json.dumps(contents, indent=2) + "\n").encode())


def write_table(path: Path, head: Iterable[object], rows: Iterable[Iterable[object]]) -> None:
    """Replace a file of comma-separated values in one step. Raises ``OutputError``."""
    durable.write(path, b"".join(map(_line, [head, *rows])))


def read_json(path: Path) -> Any:
    """What is in the file. Raises OSError or ValueError."""
    return json.loads(path.read_text(encoding="utf-8"))


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
    """metrics.csv, one row an epoch, each on disk before the next epoch begins. Raises ``OutputError``.

    While it is open it is locked, and so is its folder for other runs. The lock belongs to the open file: the system
    gives it back however the process ends.
    """

    def __init__(self, path: Path, is_new: bool = True) -> None:
        """Of a new run, or of one that goes on."""
        self.path = path
        try:
            self._descriptor, is_made = _opened(path, _is_unfinished if is_new else _is_metrics)
            self._close = finalize(self, os.close, self._descriptor)
            locked = _lock(self._descriptor)
            if locked is False:
                raise OutputError(f"The folder {path.parent} is in use by another run.")
            if is_new:
                self._claim(is_made, bool(locked))
        except OSError as error:
            raise self._unwritable(error) from error
        for name in REPLACED:
            durable.sweep(path.with_name(name))
        if is_new:
            self.rewrite([])

    def rewrite(self, history: Iterable[EpochMetrics]) -> None:
        """Hold these rows, and no others."""
        try:
            os.ftruncate(self._descriptor, 0)
        except OSError as error:
            raise self._unwritable(error) from error
        self._append(HEADER + b"".join(_line(asdict(metrics).values()) for metrics in history))

    def add(self, metrics: EpochMetrics) -> None:
        """Append one row, every float with all its digits."""
        self._append(_line(asdict(metrics).values()))

    def close(self) -> None:
        """Close the file, which unlocks it."""
        self._close()

    def _claim(self, is_made: bool, locked: bool) -> None:
        """What a stopped run has left may be written over; only the lock tells that it runs no more."""
        folder = self.path.parent
        if not locked and not is_made:
            raise OutputError(
                f"The output folder {folder} is of a run without a finished epoch, and without locks in this file"
                " system nobody knows whether it has ended: take another folder."
            )
        written = HEADER.startswith(os.read(self._descriptor, len(HEADER) + 1))
        if not written or any((folder / name).exists() for name in (BEST, LAST, PREVIOUS)):
            raise _in_the_way(folder)

    def _append(self, line: bytes) -> None:
        try:
            if os.write(self._descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path} cannot be written: {error.strerror or error}.")


def _is_metrics(path: Path) -> bool:
    """Rows of ours, or the beginning of them."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return HEADER.startswith(file.read(len(HEADER)))


def _opened(path: Path, is_ours: Callable[[Path], bool]) -> tuple[int, bool]:
    """A descriptor that appends, and whether the file is new."""
    how = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, how | os.O_CREAT | os.O_EXCL, 0o666), True
    except FileExistsError:
        if not is_ours(path):
            raise _in_the_way(path.parent) from None
        return os.open(path, how), False


def _lock(descriptor: int) -> bool | None:
    """Whether the file is locked now, by this descriptor; None where there are no such locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems
        return None
    return True


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


def said(result: str, folder: Path) -> None:
    """Print the result, on standard error if standard output takes nothing any more: it has cost a whole run."""
    print(result, flush=True)
    failure = getattr(sys.stdout, "failure", None)
    if failure is not None:
        result = " ".join(result.split())
        print(f"Standard output was not written ({failure}): {result}, see {folder}.", file=sys.stderr, flush=True)
