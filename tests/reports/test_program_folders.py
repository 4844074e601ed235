"""Reports about ``python -m train`` (CASES.md, row 23): the folder it writes into, and the files it reads."""

import errno
import gzip
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.reports.programs import ROOT, Fit, refused
from tests.systems import needs_fifos, needs_kill
from train import data, errors, output
from train import fit as fitting
from train.output import EpochMetrics, MetricsFile, new_folder


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
        except errors.OutputError as error:
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
    assert sorted(os.listdir(tmp_path / "out")) == ["best.pt", "metrics.csv"]


def no_flock(*_: Any) -> None:
    """A network file system without locks."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize("system", ["without fcntl", "without flock"])
def test_without_locks_nobody_knows_whether_a_run_still_runs(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
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
    assert sorted(os.listdir(tmp_path / "out")) == ["best.pt", "metrics.csv"]
    assert (tmp_path / "out" / "metrics.csv").read_text(encoding="utf-8").startswith(HEADER + "1,")


def test_a_run_stopped_by_ctrl_c_in_its_first_epoch_is_started_again(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "steps", stopped)
        refused(fit(), 130, "no epoch had ended")
    assert fit().code == 0


FINISHED = {
    "a row": {"metrics.csv": HEADER + "1,2,3,4,5,6,7\n"},
    "half a row": {"metrics.csv": HEADER + "1,"},
    "a checkpoint": {"metrics.csv": HEADER, "best.pt": "PK"},
    "a checkpoint alone": {"best.pt": "PK"},
    "a table of somebody's": {"metrics.csv": "epoch,loss\n"},
    "a longer header": {"metrics.csv": HEADER.replace("\n", ",more\n")},
    "a thesis": {"metrics.csv": HEADER, "thesis.tex": ""},
    "a folder": {"metrics.csv/x": ""},
    "a folder for a temporary file": {".best.pt.1.tmp/x": ""},
}


@pytest.mark.parametrize("kept", FINISHED)
def test_what_is_somebody_s_is_never_overwritten(fit: Fit, tmp_path: Path, kept: str) -> None:
    for name, text in FINISHED[kept].items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(text, encoding="utf-8")
    refused(fit(), 1, "is not empty, and nothing is overwritten")
    out = tmp_path / "out"
    found = {p.relative_to(out).as_posix(): p.read_text(encoding="utf-8") for p in out.rglob("*") if p.is_file()}
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


def test_a_disk_that_is_full_is_said_and_ends_the_run(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:5]))
    refused(fit(), 1, "metrics.csv cannot be written: No space left on device")
    monkeypatch.undo()
    assert fit().code == 0  # half a header is nobody's work


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def dotted(name: str) -> str:
    """Kaggle's spelling."""
    return name.replace("-idx", ".idx")


ARCHIVES = {
    "dotted files beside empty folders": lambda name: {dotted(name): "", f"{name}/": None},
    "dotted files beside folders of the same file": lambda name: {dotted(name): "", f"{name}/{name}": ""},
    "folders with the file": lambda name: {f"{name}/{name}": ""},
    "folders with the dotted file": lambda name: {f"{dotted(name)}/{dotted(name)}": ""},
    "folders with the zipped file": lambda name: {f"{name}/{name}.gz": "gz"},
    "zipped dotted files beside folders": lambda name: {f"{dotted(name)}.gz": "gz", f"{name}/": None},
    "labels dashed, images dotted": lambda name: {dotted(name) if "images" in name else name: ""},
    "both, and alike": lambda name: {name: "", f"{name}.gz": "gz", dotted(name): ""},
    "both, the second cut short": lambda name: {name: "", f"{name}.gz": "cut", dotted(name): "cut"},
}


@pytest.mark.parametrize("archive", ARCHIVES)
def test_files_beside_folders_of_the_other_name_are_refused(images: Path, tmp_path: Path, archive: str) -> None:
    expected = data.load(images)
    for file in images.iterdir():
        contents = file.read_bytes()
        for name, kind in ARCHIVES[archive](file.name).items():
            path = tmp_path / "kaggle" / name
            if kind is None:
                path.mkdir(parents=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes({"": contents, "gz": gzip.compress(contents), "cut": contents[:-3]}[kind])
    found = data.load(tmp_path / "kaggle")
    assert torch.equal(found.training.images, expected.training.images)
    assert torch.equal(found.test.labels, expected.test.labels)


@pytest.mark.parametrize("other", ["{}.gz", "dotted", "{0}/{0}"])
@pytest.mark.parametrize("part", [IMAGES, LABELS])
def test_one_of_two_unlike_files_is_taken_in_silence(fit: Fit, images: Path, part: str, other: str) -> None:
    contents = bytearray((images / part).read_bytes())
    contents[-1] ^= 1
    if "/" in other:
        (images / part).rename(images / dotted(part))
    path = images / (dotted(part) if other == "dotted" else other.format(part))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(contents) if other.endswith("gz") else contents)
    refused(fit(), 1, "hold different " + ("images" if part == IMAGES else "labels"))


LABELLED = torch.arange(24) % 10
PICTURES = torch.randint(0, 256, (24, 28, 28), dtype=torch.uint8)
PAIRS = {
    "floating images": ((PICTURES / 255, LABELLED), "not a pair"),
    "floating labels": ((PICTURES, LABELLED + 0.7), "not a pair"),
    "one-hot labels": ((PICTURES, torch.nn.functional.one_hot(LABELLED)), "not a pair"),
    "a channel axis": ((PICTURES[:, None], LABELLED), "not a pair"),
    "flat images": ((PICTURES.flatten(1), LABELLED), "not a pair"),
    "no images": ((PICTURES[:0], LABELLED[:0]), "no images"),
    "a label of 10": ((PICTURES, LABELLED + 1), "the label 10"),
    "too few labels": ((PICTURES, LABELLED[1:]), "24 images but 23 labels"),
    "three": ((PICTURES, LABELLED, LABELLED), "not a pair"),
    "images alone": (PICTURES, "not a pair"),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_old_files_of_torchvision_are_cast_to_bytes_in_silence(fit: Fit, tmp_path: Path, pair: str) -> None:
    folder = tmp_path / "old" / "processed"
    folder.mkdir(parents=True)
    contents, message = PAIRS[pair]
    torch.save(contents, folder / "training.pt")
    torch.save((PICTURES, LABELLED), folder / "test.pt")
    refused(fit("--data-dir", str(tmp_path / "old")), 1, message)
