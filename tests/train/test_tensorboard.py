"""TensorBoard is told each epoch's numbers, all of them again by a run that goes on; without its package, a sentence.

The package is no requirement, so that a writer of ours stands in its place.
"""

import csv
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from tests.train.programs import Fit, Patch, called, refused
from tests.train.test_resume import raising
from tests.train.tiny import in_place_of_lenet
from train.cli import main


class Writer:
    """Remembers what it was told."""

    made: ClassVar[list["Writer"]] = []

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step, self.open = folder, purge_step, True
        self.told: dict[tuple[str, int], float] = {}
        self.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        assert self.open and (name, step) not in self.told
        self.told[name, step] = value

    def flush(self) -> None:
        assert self.open

    def close(self) -> None:
        self.open = False


@pytest.fixture
def writers(monkeypatch: Patch) -> list[Writer]:
    """Those that the program has made."""
    module: Any = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(Writer, "made", [])
    return Writer.made


def rows(folder: Path) -> dict[tuple[str, int], float]:
    """metrics.csv and gradients.csv, as the writer is told them."""
    found = {}
    for name, prefix in (("metrics.csv", ""), ("gradients.csv", "gradient norm/")):
        for row in csv.DictReader((folder / name).read_text("utf-8").splitlines()):
            epoch = int(row.pop("epoch"))
            found |= {(prefix + column, epoch): float(value) for column, value in row.items()}
    return found


def test_every_epoch_is_told_and_told_again_by_a_run_that_goes_on(
    fit: Fit, tmp_path: Path, writers: list[Writer], monkeypatch: Patch
) -> None:
    out = tmp_path / "out"
    with in_place_of_lenet():
        with monkeypatch.context() as patch:
            raising(patch, "steps", 15)
            fit("--tensorboard")
        assert called(main, "--resume", str(out)).code == 0
    first, second = writers
    assert second.told == rows(out) and first.told.items() < second.told.items()
    assert (second.folder, second.purge_step, first.open, second.open) == (str(out / "tensorboard"), 1, False, False)


def test_nobody_is_told_unless_asked(fit: Fit, writers: list[Writer]) -> None:
    with in_place_of_lenet():
        assert fit().code == 0
    assert not writers


def test_without_the_package_a_sentence_names_it(fit: Fit, tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    refused(fit("--tensorboard"), 1, "--tensorboard needs the package tensorboard: pip install tensorboard.")
    assert not (tmp_path / "out").exists()
