"""The command line of the training program, and what is left of a run whose standard output is gone.

A program either does what it was asked, or says in one line why not; a traceback is neither.  Most runs are calls of
``main`` in this process, with streams of the test's own.
"""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.train.programs import ENCODINGS, FILES, MAINS, ROOT, Fit, Patch, refused
from train import checkpoint, cli
from train.cli import main

HELP = """
import sys
from train.cli import main

for words in (["--help"], ["fit", "--help"], ["compare", "-h"], ["trace", "--help"]):
    print("words", words)
    try:
        main(words)
    except SystemExit as end:
        assert end.code == 0
assert not {"torch", "numpy", "manualconv", "torchvision"} & set(sys.modules)
"""


def test_help_loads_no_torch() -> None:
    child = subprocess.run([sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    _, *pages = child.stdout.split("words ")
    assert len(pages) == 4 and all("--seed" in page and "compare" in page for page in pages)


IMPORTING = """
import gc
from train.cli import imported

imported("fit")
count = gc.get_freeze_count()
assert gc.isenabled() and count > 100_000
imported("evaluate")
assert gc.get_freeze_count() == count
"""


def test_the_collector_has_nothing_to_do_with_what_is_imported_first() -> None:
    child = subprocess.run([sys.executable, "-c", IMPORTING], cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize(
    ("words", "name", "epochs"),
    [
        ([], "fit", 6),
        (["--epochs", "1"], "fit", 1),
        (["fit", "--epochs", "3"], "fit", 3),
        (["compare"], "compare", None),
        (["trace", "--steps", "2"], "trace", None),
    ],
)
def test_the_sub_command_may_be_left_out(monkeypatch: Patch, words: list[str], name: str, epochs: int | None) -> None:
    called: list[tuple[str, Any]] = []
    for command, old in cli.COMMANDS.items():

        def record(options: Any, given: Any, command: str = command) -> int:
            called.append((command, options))
            return 0

        monkeypatch.setitem(cli.COMMANDS, command, cli.Command(old.options, record))
    assert main(words) == 0
    ((command, options),) = called
    assert command == name
    assert getattr(options, "epochs", None) == epochs


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_accuracy_is_lost_on_a_terminal_without_the_character(fit: Fit, tmp_path: Path, encoding: str) -> None:
    name = "日本 é × µ \udcff\udce9"
    ended = fit("--out", str(tmp_path / name), encoding=encoding)
    assert ended.code == 0, ended
    assert ended.out.splitlines()[-1].startswith("test accuracy")
    shown = name.encode(encoding, "backslashreplace").decode(encoding)
    assert ended.out.count(shown) == 2
    assert sorted(os.listdir(tmp_path / name)) == FILES
    again = fit("--out", str(tmp_path / name), encoding=encoding)
    refused(again, 1, "is not empty")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--out", "a\nb/日\x1b[2J/best.pt/x"), 1, "cannot be used"),
        (("--device", "日本"), 1, "no device called"),
        (("--device", ""), 1, "no device called ''"),
        *((("--device", name), 1, f"'{name}' is not available") for name in ("meta", "cuda:99")),
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
    fit: Fit, tmp_path: Path, monkeypatch: Patch, encoding: str, options: Any, code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a\nb").write_text("in the way", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    ended = fit(*options, encoding=encoding)
    refused(ended, code, message)
    assert not ended.out and sorted(tmp_path.rglob("*")) == before


def test_a_backend_that_is_not_installed(fit: Fit, monkeypatch: Patch) -> None:
    monkeypatch.setitem(sys.modules, "manualconv.nn", None)
    refused(fit("--backend", "manual"), 1, "backend 'manual' cannot be imported")


def test_a_tilde_that_the_shell_has_left_names_a_folder_of_that_name(
    fit: Fit, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert fit("--out=~/runs/one").code == 0
    assert (tmp_path / "home" / "runs" / "one" / "best.pt").is_file()
    assert not (tmp_path / "~").exists()


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
def test_the_result_is_lost_with_standard_output(fit: Fit, tmp_path: Path, monkeypatch: Patch, gone: str) -> None:
    """It is a whole run's, so training goes on, and one line on standard error tells the result."""
    make, code = GONE[gone]
    errors, stream = io.StringIO(), make()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", errors)
    words = [
        "--no-report",
        "--backend",
        "torch",
        "--data-dir",
        str(tmp_path / "data"),
        "--epochs",
        "2",
        "--batch-size",
        "110",
    ]
    assert main([*words, "--out", str(tmp_path / "out")]) == code
    assert sys.stdout is stream
    assert errors.getvalue().count("\n") == 1
    assert "test accuracy" in errors.getvalue() and str(tmp_path / "out") in errors.getvalue()
    assert len((tmp_path / "out" / "metrics.csv").read_text(encoding="utf-8").splitlines()) == 3
    checkpoint.load(tmp_path / "out" / "best.pt", "lenet5")


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("words", [["train", "trace"], ["manualconv", "choice"], ["train", "--help"]], ids=" ".join)
def test_what_is_only_read_ends_with_its_reader(monkeypatch: Patch, words: list[str], gone: str) -> None:
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
def test_standard_error_gone_is_no_second_error(monkeypatch: Patch, program: str) -> None:
    for stream in (None, closed(), Gone(errno.EPIPE, 0)):
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        monkeypatch.setattr(sys, "stderr", stream)
        with pytest.raises(SystemExit) as end:
            MAINS[program](["frob"])
        assert end.value.code == 2


def test_a_process_whose_standard_output_is_closed_or_broken_ends_clean(small_data: Path, tmp_path: Path) -> None:
    """Interpreters flush once more at their end; only a process shows that nothing is said there."""
    short = "--epochs 1 --max-train 16 --threads 1 --no-report"
    words = f"-m train --backend torch --data-dir {small_data} {short} --out {tmp_path}"
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


def test_a_reader_that_has_seen_enough_gets_no_traceback() -> None:
    words = [sys.executable, "-m", "train", "trace", "--steps", "100"]
    child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stderr is not None
    assert child.stdout.readline().startswith("2-3-2-1 network")
    child.stdout.close()
    assert child.stderr.read() == ""
    assert child.wait() == 1
    child.stderr.close()
