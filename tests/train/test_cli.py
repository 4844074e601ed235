"""The command line: the implied sub-command, a sentence for each mistake, nothing overwritten, ``--help`` at once."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from tests.train.conftest import Fit, Patch, Shown
from train import cli
from train.cli import main

ROOT = Path(cli.__file__).resolve().parents[1]


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
    called: list[tuple[str, argparse.Namespace]] = []
    for command, old in cli.COMMANDS.items():

        def record(options: argparse.Namespace, command: str = command) -> int:
            called.append((command, options))
            return 0

        monkeypatch.setitem(cli.COMMANDS, command, cli.Command(old.add_options, record))
    assert main(words) == 0
    ((command, options),) = called
    assert command == name
    assert getattr(options, "epochs", None) == epochs


MISTAKES = [
    (["train"], "no sub-command 'train'"),
    (["--epoch", "1"], "unrecognized arguments"),
    (["--epochs", "1", "compare"], "unrecognized arguments: compare"),
    (["--epochs", "0"], "'0' is not a whole number of at least 1"),
    (["--epochs", "-3"], "'-3'"),
    (["--epochs", "1.5"], "'1.5'"),
    (["--epochs", "many"], "'many'"),
    (["--epochs"], "expected one argument"),
    (["--batch-size", "0"], "--batch-size"),
    (["--max-train", "0"], "--max-train"),
    (["--threads", "0"], "--threads"),
    (["--threads", "1000000"], "from 1 to 1024"),
    (["--seed", "-1"], "--seed"),
    (["--seed", str(2**63)], "--seed"),
    (["--lr", "0"], "'0' is not a finite number above 0"),
    (["--lr", "nan"], "'nan'"),
    (["--lr", "inf"], "'inf'"),
    (["--lr", "fast"], "'fast'"),
    (["--backend", "jax"], "--backend"),
    (["--model", "lenet"], "--model: invalid choice: 'lenet'"),
    (["--dtype", "float16"], "--dtype"),
    (["--download"], "--download needs --data-dir"),
    (["compare", "--rounds", "0"], "--rounds"),
    (["compare", "--epochs", "2"], "unrecognized arguments"),
    (["trace", "--input", "1"], "expected 2 arguments"),
    (["trace", "--input", "1", "nan"], "'nan' is not a finite number"),
    (["trace", "--target", "inf"], "'inf' is not a finite number"),
    (["trace", "--eta", "0"], "'0' is not a finite number above 0"),
    (["trace", "--steps", "0"], "--steps"),
]


@pytest.mark.parametrize(("words", "message"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_mistakes_in_the_options(words: list[str], message: str, monkeypatch: Patch, capsys: Shown) -> None:
    def accepted(options: argparse.Namespace) -> int:
        pytest.fail(f"{options} should have been refused")

    for command, old in cli.COMMANDS.items():
        monkeypatch.setitem(cli.COMMANDS, command, cli.Command(old.add_options, accepted))
    with pytest.raises(SystemExit) as end:
        main(words)
    error = capsys.readouterr().err
    assert end.value.code == 2
    assert message in error
    assert error.count("\n") == 1
    assert "usage" not in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "toaster"], "no device called 'toaster'"),
        (["--device", ""], "no device called ''"),
        (["--device", "meta"], "'meta' is not available"),
        (["--device", "cuda:99"], "'cuda:99' is not available"),
        (["--init", "nowhere.pt"], "There is no checkpoint nowhere.pt"),
        (["--data-dir", "nowhere"], "nowhere does not exist"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(
    fit: Fit, tmp_path: Path, monkeypatch: Patch, capsys: Shown, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert fit(*options) == 1
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_backend_that_is_not_installed(fit: Fit, monkeypatch: Patch, capsys: Shown) -> None:
    monkeypatch.setitem(sys.modules, "manualconv.nn", None)
    assert fit("--backend", "manual") == 1
    assert "backend 'manual' cannot be imported" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("used", "out", "message"), [("out/best.pt", "out", "not empty"), ("file", "file/out", "cannot be used")]
)
def test_an_output_folder_that_is_in_use_or_cannot_be_made(
    fit: Fit, tmp_path: Path, capsys: Shown, used: str, out: str, message: str
) -> None:
    (tmp_path / used).parent.mkdir(exist_ok=True)
    (tmp_path / used).write_text("mine", encoding="utf-8")
    assert fit(out=out) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert [path.read_text(encoding="utf-8") for path in (tmp_path / used).parent.iterdir() if path.is_file()] == [
        "mine"
    ]


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
