"""The folder that a run writes into: new, its own, and whole."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.systems import needs_fifos, needs_kill
from tests.train.programs import FILES, ROOT, Fit, Patch, Shown, refused
from train import output
from train.errors import OutputError
from train.output import EpochMetrics, MetricsFile, new_folder, watched


def held(folder: Path) -> MetricsFile:
    """The folder of a run in its first epoch."""
    return MetricsFile(new_folder(folder) / "metrics.csv")


def test_a_second_run_writes_into_the_folder_of_the_first(fit: Fit, tmp_path: Path) -> None:
    first = held(tmp_path / "out")
    refused(fit(), 1, "in use by another run")
    assert os.listdir(tmp_path / "out") == ["metrics.csv"]
    (tmp_path / "other").symlink_to(tmp_path / "out")
    refused(fit("--out", str(tmp_path / "other")), 1, "in use by another run")
    first.add(EpochMetrics(1, 1.0, 1.0, 0.5, 0.1, 1.0, 1.0))
    first.close()
    refused(fit(), 1, "not empty")
    assert len((tmp_path / "out" / "metrics.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_of_many_runs_that_start_at_once_one_has_the_folder(tmp_path: Path) -> None:
    barrier, won, lost = threading.Barrier(8), [], []

    def start() -> None:
        barrier.wait()
        try:
            won.append(held(tmp_path / "out"))
        except OutputError as error:
            lost.append(error)

    for _ in range(20):
        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(lost)) == (1, 7)
        won.pop().close()
        lost.clear()
        shutil.rmtree(tmp_path / "out")


@needs_kill
def test_a_run_that_was_killed_keeps_its_folder_locked(fit: Fit, tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    script = f"""
from pathlib import Path
from train.output import MetricsFile, new_folder
held = MetricsFile(new_folder(Path({path!r})) / "metrics.csv")
print(flush=True)
input()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    refused(fit(), 1, "in use by another run")
    child.send_signal(signal.SIGKILL)
    child.communicate()
    (tmp_path / "out" / ".best.pt.4711.tmp").write_text("half a checkpoint", encoding="utf-8")
    assert fit().code == 0
    assert sorted(os.listdir(tmp_path / "out")) == FILES


def no_flock(*_: Any) -> None:
    """A network file system without locks."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize("system", ["without fcntl", "without flock"])
def test_without_locks_nobody_knows_whether_a_run_still_runs(
    fit: Fit, tmp_path: Path, monkeypatch: Patch, system: str
) -> None:
    if system == "without fcntl":
        monkeypatch.setattr(output, "fcntl", None)
    else:
        monkeypatch.setattr("fcntl.flock", no_flock)
    assert fit().code == 0
    first = held(tmp_path / "other")
    refused(fit("--out", str(tmp_path / "other")), 1, "without locks in this file system")
    first.close()


HEADER = output.HEADER.decode()
UNFINISHED = {
    "nothing": {},
    "no metrics yet": {"metrics.csv": ""},
    "half a header": {"metrics.csv": HEADER[:20]},
    "no row": {"metrics.csv": HEADER},
    "half a checkpoint": {"metrics.csv": HEADER, ".best.pt.123.tmp": "PK", ".best.pt.9.tmp": ""},
}


@pytest.mark.parametrize("left", UNFINISHED)
def test_the_folder_of_a_run_stopped_before_its_first_epoch_is_refused(fit: Fit, tmp_path: Path, left: str) -> None:
    (tmp_path / "out").mkdir()
    for name, text in UNFINISHED[left].items():
        (tmp_path / "out" / name).write_text(text, encoding="utf-8")
    assert fit().code == 0
    assert sorted(os.listdir(tmp_path / "out")) == FILES
    assert (tmp_path / "out" / "metrics.csv").read_text(encoding="utf-8").startswith(HEADER + "1,")


FINISHED = {
    "a row": {"metrics.csv": HEADER + "1,2,3,4,5,6,7\n"},
    "half a row": {"metrics.csv": HEADER + "1,"},
    "a checkpoint": {"metrics.csv": HEADER, "best.pt": "PK"},
    "a checkpoint alone": {"best.pt": "PK"},
    "a table of somebody's": {"metrics.csv": "epoch,loss\n"},
    "a longer header": {"metrics.csv": HEADER.replace("\n", ",more\n")},
    "a thesis": {"metrics.csv": HEADER, "thesis.tex": ""},
    "a thesis alone": {"thesis.tex": "mine"},
    "a folder": {"metrics.csv/x": ""},
    "a folder for a temporary file": {".best.pt.1.tmp/x": ""},
}


@pytest.mark.parametrize("kept", FINISHED)
def test_what_is_somebody_s_is_never_overwritten(fit: Fit, tmp_path: Path, kept: str) -> None:
    for name, text in FINISHED[kept].items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(text, encoding="utf-8")
    refused(fit(), 1, "is not empty, and nothing is overwritten")
    found = {
        str(p.relative_to(tmp_path / "out")): p.read_text(encoding="utf-8")
        for p in (tmp_path / "out").rglob("*")
        if p.is_file()
    }
    assert found == FINISHED[kept]


@needs_fifos
def test_metrics_that_are_a_link_are_somebody_s(fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "precious.csv").write_text(HEADER, encoding="utf-8")
    (tmp_path / "out" / "metrics.csv").symlink_to(tmp_path / "precious.csv")
    refused(fit(), 1, "not empty")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "out" / "metrics.csv").unlink()
    os.mkfifo(tmp_path / "out" / "metrics.csv")  # opening it would wait for ever
    refused(fit(), 1, "not empty")


def test_a_disk_that_is_full_is_said_and_ends_the_run(fit: Fit, tmp_path: Path, monkeypatch: Patch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:5]))
    refused(fit(), 1, "metrics.csv cannot be written: No space left on device")
    monkeypatch.undo()
    assert fit().code == 0  # half a header is nobody's work


def test_default_folders_never_collide(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [new_folder(None) for _ in range(5)]
    assert len(set(folders)) == 5
    assert all(folder.parent == output.RUNS and folder.is_dir() for folder in folders)


def test_a_file_in_the_way_is_refused(tmp_path: Path, monkeypatch: Patch) -> None:
    (tmp_path / "runs").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for wanted in (None, tmp_path / "runs"):
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
