"""Reports about ``python -m train`` (CASES.md, row 23): short runs, terminals, a standard output that is gone.

A program either does what it was asked, or says in one line why not; a traceback is neither. Most runs are calls of
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
import torch

from tests.reports.programs import ENCODINGS, MAINS, ROOT, Fit, refused
from train import checkpoint
from train import cli as training_cli
from train import fit as fitting
from train.training import optimisation


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


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_accuracy_is_lost_on_a_terminal_without_the_character(fit: Fit, tmp_path: Path, encoding: str) -> None:
    name = "日本 é × µ \udcff\udce9"
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
    (tmp_path / "a\nb").write_text("in the way", encoding="utf-8")
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
    assert len((tmp_path / "out" / "metrics.csv").read_text(encoding="utf-8").splitlines()) == 3
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
