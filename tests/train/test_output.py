"""Folders are new, rows are whole."""

from pathlib import Path

import pytest

from tests.train.conftest import Patch, Shown
from train import output
from train.errors import OutputError
from train.output import EpochMetrics, MetricsFile, new_folder, watched


def test_default_folders_never_collide(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [new_folder(None) for _ in range(5)]
    assert len(set(folders)) == 5
    assert all(folder.parent == output.RUNS and folder.is_dir() for folder in folders)


def test_a_folder_with_contents_is_refused(tmp_path: Path) -> None:
    assert new_folder(tmp_path / "a" / "b").is_dir()
    assert new_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "a" / "b" / "thesis.tex").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="not empty"):
        new_folder(tmp_path / "a" / "b")


def test_a_file_in_the_way_is_refused(tmp_path: Path, monkeypatch: Patch) -> None:
    (tmp_path / "runs").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for wanted in (None, tmp_path / "runs", tmp_path / "runs" / "one"):
        with pytest.raises(OutputError):
            new_folder(wanted)
    assert (tmp_path / "runs").read_text(encoding="utf-8") == "mine"


def test_metrics_are_read_back_exactly(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "metrics.csv")
    file.add(EpochMetrics(1, 1 / 3, 0.25, 0.9, 0.05, 2.5, 22000.0))
    header, row = (tmp_path / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert header == "epoch,train_loss,validation_loss,validation_accuracy,lr,seconds,images_per_second"
    assert [float(value) for value in row.split(",")] == [1, 1 / 3, 0.25, 0.9, 0.05, 2.5, 22000.0]


def test_metrics_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        MetricsFile(tmp_path / "nowhere" / "metrics.csv")


@pytest.mark.parametrize(("terminal", "bar", "shown"), [(True, True, True), (True, False, False), (False, True, False)])
def test_a_bar_is_for_terminals(monkeypatch: Patch, capsys: Shown, terminal: bool, bar: bool, shown: bool) -> None:
    pytest.importorskip("tqdm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert list(watched(iter(range(3)), 3, "epoch 1/1", bar)) == [0, 1, 2]
    assert ("epoch 1/1" in capsys.readouterr().err) is shown
