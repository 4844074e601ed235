"""Reports about the two programs, ``python -m train`` and ``manualconv`` (CASES.md, rows 23 and 24).

A program either does what it was asked, or says in one line why not; a traceback is neither. Most runs are calls of
``main`` in this process, with streams of the test's own.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

import manualconv
from manualconv import bench, cli, functional
from manualconv.bench.record import Record
from manualconv.geometry import Window
from manualconv.kernels import clipping
from tests.train.conftest import write_data
from train import checkpoint, data, errors, output, trace
from train import cli as training_cli
from train import fit as fitting
from train.output import EpochMetrics, MetricsFile, new_folder
from train.training import optimisation

ROOT = Path(training_cli.__file__).resolve().parents[1]
MAINS = {"train": training_cli.main, "manualconv": cli.main}
ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8", "utf-16")


class Ended(NamedTuple):
    """The exit code and what was printed."""

    code: int
    out: str
    err: str


def called(main: Callable[[list[str]], int], *words: str, encoding: str = "utf-8") -> Ended:
    """Call a program with strict streams of an encoding."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding, "strict", newline="\n") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        try:
            code = main(list(words))
        except SystemExit as end:
            code = int(end.code or 0)
        assert (sys.stdout, sys.stderr) == tuple(streams)
        assert [stream.errors for stream in streams] == ["strict", "strict"]
    texts = []
    for stream in streams:
        stream.flush()
        buffer = stream.detach()
        assert isinstance(buffer, io.BytesIO)
        texts.append(buffer.getvalue().decode(encoding))
    return Ended(code, *texts)


def refused(ended: Ended, code: int, message: str = "") -> None:
    """One line on standard error, and that exit code."""
    assert ended.code == code, ended
    assert message in ended.err
    assert ended.err.strip().count("\n") == 0
    assert ended.err.endswith("\n")
    assert "Traceback" not in ended.err and "usage" not in ended.err


@pytest.fixture(autouse=True)
def _torch_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The program sets the threads of the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """240 training images, of which 20 validate, and 40 test images."""
    return write_data(tmp_path / "data")


@pytest.fixture
def fit(images: Path, tmp_path: Path) -> Callable[..., Ended]:
    """Train with torch.nn on the small data into tmp_path/out."""

    def run(*options: str, encoding: str = "utf-8") -> Ended:
        common = ["--backend", "torch", "--data-dir", str(images), "--batch-size", "110", "--epochs", "1"]
        words = [*common, "--threads", "1", "--out", str(tmp_path / "out"), *options]
        return called(training_cli.main, *words, encoding=encoding)

    return run


Fit = Callable[..., Ended]

# ---------------------------------------------------------------------------------------------- row 23: short runs


@pytest.mark.parametrize("steps", range(1, 13))
def test_a_run_of_few_steps_divides_by_zero(fit: Fit, tmp_path: Path, steps: int) -> None:
    """Five steps: ``OneCycleLR`` ends its rise at step 0 and divides by that."""
    ended = fit("--max-train", str(4 * steps), "--batch-size", "4")
    assert ended.code == 0, ended
    assert ended.out.splitlines()[-1].startswith("test accuracy")
    assert (f"{steps} steps in all teach little" in ended.out) is (steps < 10)
    state = checkpoint.load(tmp_path / "out" / "best.pt", "lenet5")["state"]
    torch.manual_seed(0)
    assert not any(
        torch.equal(state[name], w) for name, w in fitting.NETWORKS["lenet5"].build(torch.nn).named_parameters()
    )


@pytest.mark.parametrize("total", [*range(1, 31), 2580])
def test_a_run_that_is_all_warm_up_learns_at_a_rate_of_nearly_nothing(total: int) -> None:
    optimizer, schedule = optimisation(torch.nn.Linear(2, 2), 0.5, total)
    rates = []
    for _ in range(total):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.5, rel=0.05)
    assert sum(rates) / total > 0.2
    if total < 10:
        assert rates == sorted(rates, reverse=True)
        assert rates[-1] > 0.01
    else:
        assert rates[0] == pytest.approx(0.02)


@pytest.mark.parametrize(
    "options",
    [
        ("--max-train", "1"),
        ("--max-train", "1", "--batch-size", "1"),
        ("--max-train", "7"),
        ("--max-train", str(2**63 - 1)),
        ("--batch-size", "1000"),
        ("--batch-size", str(2**63 - 1), "--epochs", "2"),
        ("--max-train", "5", "--batch-size", "2", "--epochs", "3", "--model", "lenet5-1998"),
        ("--seed", str(2**63 - 1)),
        ("--lr", "1e-320"),
    ],
    ids=" ".join,
)
def test_extreme_numbers_train(fit: Fit, options: tuple[str, ...]) -> None:
    ended = fit(*options)
    assert ended.code == 0, ended
    assert "test accuracy" in ended.out and not ended.err


@pytest.mark.parametrize("count", [11, 1])
def test_no_image_to_validate_with_is_said(fit: Fit, images: Path, count: int) -> None:
    for name, head in (("train-images-idx3-ubyte", 16), ("train-labels-idx1-ubyte", 8)):
        whole = (images / name).read_bytes()
        size = 784 if head == 16 else 1
        (images / name).write_bytes(whole[:4] + count.to_bytes(4, "big") + whole[8 : head + size * count])
    refused(fit(), 1, f"{count} training images are too few")


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_validation_loss_that_is_no_number_is_kept_as_the_best(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: float
) -> None:
    monkeypatch.setattr(fitting, "evaluate", lambda *_: (loss, 0.5))
    refused(fit(), 1, f"The validation loss became {loss} at epoch 1")
    assert not (tmp_path / "out" / "best.pt").exists()


@pytest.mark.parametrize(("options", "code"), [(("--lr", "1e308"), 2), (("--lr", "1e30"), 1), (("--lr", "3e38"), 1)])
def test_a_rate_that_blows_the_weights_up_ends_in_a_line(fit: Fit, options: tuple[str, ...], code: int) -> None:
    """float32 does not hold 1e308; torch's optimiser has a RuntimeError for it."""
    refused(fit(*options, "--epochs", "3"), code)
    refused(fit("--lr", "1e308", "--epochs", "3", "--dtype", "float64"), 1)


# ------------------------------------------------------------------------------ row 23: what a terminal cannot show


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["日本", "é × µ", "\udcff\udce9", "a b"], ids=ascii)
def test_the_accuracy_is_lost_on_a_terminal_without_the_character(
    fit: Fit, tmp_path: Path, encoding: str, name: str
) -> None:
    ended = fit("--out", str(tmp_path / name), encoding=encoding)
    assert ended.code == 0, ended
    assert ended.out.splitlines()[-1].startswith("test accuracy")
    shown = name.encode(encoding, "backslashreplace").decode(encoding)
    assert ended.out.count(shown) == 2
    assert sorted(os.listdir(tmp_path / name)) == ["best.pt", "metrics.csv"]
    again = fit("--out", str(tmp_path / name), encoding=encoding)
    refused(again, 1, "is not empty")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--out", "a\nb/日\x1b[2J/best.pt/x"), 1, "cannot be used"),
        (("--device", "日本"), 1, "no device called"),
        (("--device", "\udcff"), 1, "no device called"),
        (("--data-dir", "日本"), 1, "does not exist"),
        (("--init", "\udcff"), 1, "There is no checkpoint"),
        (("--日本",), 2, "unrecognized arguments"),
        (("--epochs", "日\n本"), 2, "is not a whole number"),
        (("--epochs", "9" * 30), 2, "is not a whole number from 1 to 9223372036854775807"),
        (("--batch-size", str(2**63)), 2, "is not a whole number"),
        (("--max-train", "-" + "9" * 5000), 2, "is not a whole number"),
        (("--lr", "-1e-3"), 2, "is not a finite number above 0"),
        (("--out", ""), 2, "'' is not a path"),
        (("--out", "a\0b"), 2, "is not a path"),
        (("--out=~nobody-of-this-name/x",), 2, "is not a path"),
        (("--out", "x" * 300), 1, "File name too long"),
        (("--data-dir", "x" * 300), 1, "does not exist"),
        (("--init", "x" * 300), 1, "There is no checkpoint"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_mistake_is_one_line_on_every_terminal(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, options: Any, code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a\nb").write_text("in the way")
    refused(fit(*options, encoding=encoding), code, message)
    assert not (tmp_path / "out").exists()


def test_a_tilde_that_the_shell_has_left_names_a_folder_of_that_name(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert fit("--out=~/runs/one").code == 0
    assert (tmp_path / "home" / "runs" / "one" / "best.pt").is_file()
    assert not (tmp_path / "~").exists()


# --------------------------------------------------------------------------------------- row 23: standard output gone


class Gone(io.StringIO):
    """A stream whose reader has left, or whose disk is full."""

    def __init__(self, number: int, lines: int) -> None:
        super().__init__()
        self.number, self.lines = number, lines

    def write(self, text: str) -> int:
        """Fail after that many lines."""
        if self.getvalue().count("\n") >= self.lines:
            raise OSError(self.number, os.strerror(self.number))
        return super().write(text)


def closed() -> io.StringIO:
    """What is left of a stream that the program's caller has closed."""
    stream = io.StringIO()
    stream.close()
    return stream


GONE = {
    "None": (lambda: None, 0),
    "closed": (closed, 0),
    "a broken pipe": (lambda: Gone(errno.EPIPE, 0), 1),
    "a broken pipe behind a line": (lambda: Gone(errno.EPIPE, 1), 1),
    "a full disk": (lambda: Gone(errno.ENOSPC, 3), 1),
}


@pytest.mark.parametrize("gone", GONE)
def test_the_result_is_lost_with_standard_output(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """It is a whole run's, so training goes on, and one line on standard error tells the result."""
    make, code = GONE[gone]
    errors, stream = io.StringIO(), make()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", errors)
    words = ["--backend", "torch", "--data-dir", str(tmp_path / "data"), "--epochs", "2", "--batch-size", "110"]
    assert training_cli.main([*words, "--out", str(tmp_path / "out")]) == code
    assert sys.stdout is stream
    assert errors.getvalue().count("\n") == 1
    assert "test accuracy" in errors.getvalue() and str(tmp_path / "out") in errors.getvalue()
    assert len((tmp_path / "out" / "metrics.csv").read_text().splitlines()) == 3
    checkpoint.load(tmp_path / "out" / "best.pt", "lenet5")


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("words", [["train", "trace"], ["manualconv", "choice"], ["train", "--help"]], ids=" ".join)
def test_what_is_only_read_ends_with_its_reader(monkeypatch: pytest.MonkeyPatch, words: list[str], gone: str) -> None:
    make, code = GONE[gone]
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stdout", make())
    monkeypatch.setattr(sys, "stderr", errors)
    more = ["--input", "1,1,9,9", "--weight", "1,1,3,3"] if "choice" in words else []
    try:
        ended = MAINS[words[0]](words[1:] + more)
    except SystemExit as end:  # argparse swallows what it cannot print
        ended = int(end.code or 0)
        code = 0
    assert ended == code
    assert errors.getvalue().count("\n") == ("disk" in gone and ended == 1)


@pytest.mark.parametrize("program", MAINS)
def test_standard_error_gone_is_no_second_error(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    for stream in (None, closed(), Gone(errno.EPIPE, 0)):
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        monkeypatch.setattr(sys, "stderr", stream)
        with pytest.raises(SystemExit) as end:
            MAINS[program](["frob"])
        assert end.value.code == 2


def test_a_process_whose_standard_output_is_closed_or_broken_ends_clean(images: Path, tmp_path: Path) -> None:
    """Interpreters flush once more at their end; only a process shows that nothing is said there."""
    words = f"-m train --backend torch --data-dir {images} --epochs 1 --threads 1 --out {tmp_path}"
    reader, writer = os.pipe()
    os.close(reader)
    children = [
        subprocess.Popen(["sh", "-c", f"exec {sys.executable} {words}/closed >&-"], cwd=ROOT, stderr=subprocess.PIPE),
        subprocess.Popen(
            [sys.executable, *words.split()[:-1], f"{tmp_path}/broken"], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE
        ),
    ]
    os.close(writer)
    for child, code, name in zip(children, (0, 1), ("closed", "broken"), strict=True):
        _, error = child.communicate(timeout=300)
        assert child.returncode == code
        assert error.decode().count("\n") == 1 and "test accuracy" in error.decode()
        assert (tmp_path / name / "best.pt").is_file()


# ------------------------------------------------------------------------------------------ row 23: the output folder


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
    assert len((tmp_path / "out" / "metrics.csv").read_text().splitlines()) == 2


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
    (tmp_path / "out" / ".best.pt.4711.tmp").write_text("half a checkpoint")
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
        (tmp_path / "out" / name).write_text(text)
    assert fit().code == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["best.pt", "metrics.csv"]
    assert (tmp_path / "out" / "metrics.csv").read_text().startswith(HEADER + "1,")


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
        (tmp_path / "out" / name).write_text(text)
    refused(fit(), 1, "is not empty, and nothing is overwritten")
    found = {str(p.relative_to(tmp_path / "out")): p.read_text() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert found == FINISHED[kept]


def test_metrics_that_are_a_link_are_somebody_s(fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "precious.csv").write_text(HEADER)
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


# ------------------------------------------------------------------------------------------------- row 23: the data

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


# -------------------------------------------------------------------------------------------- row 24: the command line

HELPS = {
    "train": [["--help"], ["fit", "-h"], ["compare", "--help"], ["trace", "--help"]],
    "manualconv": [["--help"], ["choice", "--help"], ["bench", "-h"]],
}


@pytest.mark.parametrize("columns", ["20", "80", "400", "1", "many"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("words", [[p, *w] for p, many in HELPS.items() for w in many], ids=" ".join)
def test_help_needs_characters_that_the_terminal_lacks(
    monkeypatch: pytest.MonkeyPatch, words: list[str], encoding: str, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    ended = called(MAINS[words[0]], *words[1:], encoding=encoding)
    assert ended.code == 0 and not ended.err
    assert "usage" in ended.out
    assert ended.out.isascii()


CONVOLUTION = {"input": "2,4,9,8", "weight": "6,2,3,2", "stride": "1", "padding": "0", "dilation": "1", "groups": "2"}
BAD_CHOICES = [
    *({key: value} for key in ("stride", "dilation") for value in ("0", "-1", "0,1", "1,0", "1,2,3", str(2**63))),
    *({"groups": value} for value in ("0", "-1", "3", "2.5", "two", "", str(2**62), str(2**70))),
    *({"padding": value} for value in ("-1", "0,-1", "1,2,3", str(2**62), str(10**30), "same")),
    *(
        {"input": value}
        for value in ("", "1", "1,4", "0", "2,4", "2,5,9,8", "2,4,9,8,7", "-2,4,9,8", "2,4,-9,8", "2,4,0,8")
    ),
    *(
        {"input": value}
        for value in ("2,4,9", "2,4,2,8", "a,b", "2;4", "2,4,9,8,", "1e3,4,9,8", "2.0,4,9,8", f"2,4,{2**62},8")
    ),
    *(
        {"weight": value}
        for value in ("6", "6,2,0,2", "6,2,99,2", "5,2,3,2", "1,2,3,2", "6,3,3,2", "-6,2,3,2", "6,2,3,-2")
    ),
    *({"weight": value} for value in (f"6,2,{2**62},2", f"{2**62},2,3,2", f"6,2,{10**40},2", "日,2,3,2")),
    {"dilation": str(2**62)},
    {"dtype": "float16"},
    {"accuracy": "perfect"},
    {"padding": f"{2**62 - 1},{2**62 - 1}"},
]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
@pytest.mark.parametrize("bad", BAD_CHOICES, ids=lambda bad: ascii(bad))
def test_sizes_that_are_no_convolution_are_a_traceback(bad: dict[str, str], encoding: str) -> None:
    """``--stride 0``: ZeroDivisionError."""
    words = [f"--{key}={value}" for key, value in {**CONVOLUTION, **bad}.items()]
    refused(called(cli.main, "choice", *words, encoding=encoding), 2, "manualconv choice: ")


@pytest.mark.parametrize("missing", [(), ("--input", "1,1,9"), ("--weight", "1,1,3"), ("--input",), ("--frob",)])
def test_a_missing_size_is_said(missing: tuple[str, ...]) -> None:
    refused(called(cli.main, "choice", *missing), 2)


@pytest.mark.parametrize("accuracy", ["exact", "fast"])
@pytest.mark.parametrize(
    "good",
    [
        {"input": "0,4,9,8"},
        {"input": "1,0,9", "weight": "3,0,2", "groups": "1"},
        {"input": "1,1,2147483648", "weight": "1,1,2147483648", "groups": "1"},
        {"input": "1,1,2147483648", "weight": "1,1,1073741824", "groups": "1"},
        {"input": "1,1,1000000,1000000", "weight": "1,1,99999,99999", "groups": "1"},
        {"stride": str(2**63 - 1)},
        {"weight": "6,2,1,1", "dilation": str(2**62)},
        {"padding": str(2**20)},
        {"stride": "2,1", "padding": "1,0", "dilation": "1,3"},
    ],
    ids=str,
)
def test_sizes_far_from_the_usual_are_answered_at_once(good: dict[str, str], accuracy: str) -> None:
    """The cost of clipping was added up tap by tap: a kernel of 2³¹ taps never came to an end."""
    words = [f"--{key}={value}" for key, value in {**CONVOLUTION, **good, "accuracy": accuracy}.items()]
    ended = called(cli.main, "choice", *words, encoding="ascii")
    assert ended.code == 0, ended
    assert all(f"to_{map}: " in ended.out for map in ("output", "input", "weight"))


def test_the_cost_of_clipping_without_a_loop_is_that_of_its_loops() -> None:
    numbers = torch.randint(0, 7, (4000, 6), generator=torch.Generator().manual_seed(0)).tolist()
    count = 0
    for i, k, d, lo, hi, more in numbers:
        axes = ((i, i + more), (k + 1, 2), ((lo, hi), (hi, more)), (d + 1, 1))
        size, kernel, padding, dilation = axes
        window = Window(size, kernel, (1, 1), dilation, padding)
        if min(window.output_size) < 1:
            continue
        count += 1
        rows, boxes = clipping._rows(window), [box for _, box in clipping._cuts(window)]
        first, second = (clipping._pairs(window, axis) for axis in range(2))
        assert first == (len(rows), sum(p.stop - p.start for _, p, _ in rows))
        assert second == (len(boxes), sum(prod(p.stop - p.start for p in box.placements) for box in boxes))
    assert count > 1000


@pytest.mark.parametrize(
    "bad",
    [
        {"stride": 0},
        {"stride": (1, 0)},
        {"dilation": 0},
        {"padding": -1},
        {"groups": 0},
        {"groups": 4},
        {"stride": 1.5},
        {"stride": None},
        {"stride": "1"},
        {"groups": None},
        {"groups": (1,)},
        {"dilation": 99},
        {"padding": (1, 2, 3)},
        {"stride": 2**64},
    ],
    ids=str,
)
def test_choice_takes_what_the_layer_refuses(bad: dict[str, Any]) -> None:
    sizes = ((2, 4, 9, 8), (6, 2, 3, 2))
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        functional.conv2d(*(torch.ones(size) for size in sizes), **{"groups": 2, **bad})
    with pytest.raises(ValueError, match=r"."):
        manualconv.choice(*sizes, **{"groups": 2, **bad})


@pytest.mark.parametrize(
    "size", [(2, 4.0, 9, 8), "2498", None, (2, None, 9, 8), (-1, 4, 9, 8), 4, (2**64, 4, 9, 8)], ids=str
)
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    for sizes in ((size, (6, 4, 3, 2)), ((2, 4, 9, 8), size)):
        with pytest.raises(ValueError, match=r"size|numbers"):
            manualconv.choice(*sizes)


BAD_FILES = {
    "no such folder to make": "file/x",
    "a folder": ".",
    "an empty name": "",
    "too long": "x" * 300 + ".svg",
    "below a device": "/dev/null/x.svg",
}


@pytest.mark.parametrize("option", ["--json", "--output", "--plot"])
@pytest.mark.parametrize("bad", BAD_FILES)
def test_an_hour_of_measuring_ends_at_a_path_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str, bad: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(bench, "run", lambda _: pytest.fail("measured"))
    refused(called(cli.main, "bench", option, BAD_FILES[bad]), 2, option)
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_a_path_that_can_be_written_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "run", lambda _: [])
    (tmp_path / "old.json").write_text("{}")
    os.mkfifo(tmp_path / "fifo")  # opening it would wait for a reader
    words = [
        "--json",
        str(tmp_path / "old.json"),
        "--output",
        str(tmp_path / "fifo"),
        "--plot",
        str(tmp_path / "a.svg"),
    ]
    assert called(cli.main, "bench", *words) == (0, "", "")
    assert (tmp_path / "old.json").read_text() == "{}"
    assert not (tmp_path / "a.svg").exists()
    refused(called(cli.main, "bench", "--plot", str(tmp_path / "a.xyz")), 2, "a picture ends in .svg")


def test_a_file_that_cannot_be_written_behind_the_measuring_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "日.json")

    monkeypatch.setattr(bench, "run", full)
    refused(called(cli.main, "bench", encoding="ascii"), 1, "\\u65e5.json: No space left on device")


@pytest.mark.parametrize("rows", [["Q7"], [""], ["A1", "日"], ["a1"]], ids=ascii)
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_row_that_the_suite_lacks_is_a_line(rows: list[str], encoding: str) -> None:
    refused(called(cli.main, "bench", "--only", *rows, encoding=encoding), 2, "no row")


@pytest.mark.parametrize(
    "words", [(p, c) for p in MAINS for c in (training_cli, cli)[p != "train"].COMMANDS], ids=" ".join
)
def test_ctrl_c_is_a_traceback(monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]) -> None:
    def interrupted(_: Any) -> int:
        raise KeyboardInterrupt

    module: Any = training_cli if words[0] == "train" else cli
    old = module.COMMANDS[words[1]]
    new = (
        old._replace(run=interrupted)
        if words[0] == "manualconv"
        else training_cli.Command(old.add_options, interrupted, old.is_for_reading)
    )
    monkeypatch.setitem(module.COMMANDS, words[1], new)
    more = ["--input", "1,1,9", "--weight", "1,1,3"] if words[1] == "choice" else []
    refused(called(MAINS[words[0]], words[1], *more), 130, "stopped by Ctrl-C")


def test_a_benchmark_stopped_by_ctrl_c_counts_as_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(_: Any) -> Iterator[Record]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(bench, "run", lambda options: bench_run(options, interrupted))
    ended = called(cli.main, "bench", "--json", str(tmp_path / "x.json"), encoding="ascii")
    assert ended.code == 130
    assert "interrupted" in (tmp_path / "x.json").read_text()


bench_run = bench.run

# ------------------------------------------------------------------------------------------------- row 24: the trace


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--input", "1e308", "1e308"), "x = (1e+308, 1e+308), t = (1)"),
        (("--input", "-1e308", "1e308"), "x = (-1e+308, 1e+308), t = (1)"),
        (("--input", "1e-320", "-5e-324"), "x = (9.99989e-321, -4.94066e-324), t = (1)"),
        (("--input", "0", "-0.0"), "x = (0, -0), t = (1)"),
        (("--input", "-1", "-.5"), "x = (-1, -0.5), t = (1)"),
        (("--target", "-1e100"), "x = (1, -0.5), t = (-1e+100)"),
        (("--target", "1e-300"), "x = (1, -0.5), t = (1e-300)"),
        (("--eta", "1e-320"), "eta = 9.99989e-321"),
        (("--seed", str(2**63 - 1)), "seed 9223372036854775807"),
        (("--no-bias", "--input", "1e308", "0"), "x = (1e+308, 0)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_numbers_beyond_single_precision_are_infinite_in_the_trace(words: Any, shown: str, encoding: str) -> None:
    """They were read in single precision first: 1e308 became infinite, 1e-320 zero, and 0.1 lost half its digits."""
    ended = called(training_cli.main, "trace", *words, encoding=encoding)
    assert ended.code == 0, ended
    assert shown in ended.out
    assert not any(word in ended.out.replace("[inf", "") for word in ("inf", "nan"))


def test_the_input_of_the_trace_keeps_all_its_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """2²⁷ + 1 is no number of single precision: net would be 0."""
    ones = [(torch.ones(units, inputs).double(), None) for inputs, units in ((2, 3), (3, 2), (2, 1))]
    monkeypatch.setattr(trace, "first_weights", lambda *_: ones)
    ended = called(training_cli.main, "trace", "--input", "134217729", "-134217728", "--no-bias")
    assert "net1[1] = 1*1.34218e+08 + 1*(-1.34218e+08) = 1\n" in ended.out


@pytest.mark.parametrize(
    "words",
    [
        ("--target", "1e308"),
        ("--input", "1e308", "1e308", "--target", "1e308", "--eta", "1e300"),
        *(("--input", "1.7e308", "1.7e308", "--seed", str(seed)) for seed in (2, 3)),
    ],
    ids=" ".join,
)
def test_a_number_that_leaves_double_precision_ends_in_a_line(words: tuple[str, ...]) -> None:
    ended = called(training_cli.main, "trace", *words)
    if ended.code:
        refused(ended, 1, "Step 1 gives a number that is not finite")
    assert "= inf" not in ended.out and "nan" not in ended.out


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "-1e400", "x", "", "日"], ids=ascii)
@pytest.mark.parametrize("option", ["--input", "--target", "--eta"])
def test_what_is_no_number_is_a_line(option: str, value: str) -> None:
    values = [value, "1"] if option == "--input" else [value]
    for encoding in ("ascii", "utf-8"):
        refused(called(training_cli.main, "trace", option, *values, encoding=encoding), 2, option)


@pytest.mark.parametrize("option", ["--rounds", "--seed", "--batch-size", "--threads", "--max-train"])
@pytest.mark.parametrize("value", ["-1", "", "1.5", "two", str(2**63), "9" * 400])
def test_a_comparison_of_no_sense_is_a_line(option: str, value: str) -> None:
    refused(called(training_cli.main, "compare", option, value, encoding="ascii"), 2, option)
