"""The command line: ``--help`` at once, a sentence for each mistake, what a command hands on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import manualconv
from manualconv import bench, cli
from manualconv.cli import main


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "-h"] for name in cli.COMMANDS)])
def test_help_loads_no_torch(words: list[str]) -> None:
    probe = f"""
import sys
from manualconv.cli import main
try:
    main({words!r})
except SystemExit as end:
    assert end.code == 0
assert not {{"torch", "numpy", "matplotlib"}} & set(sys.modules)
"""
    child = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    assert "manualconv" in child.stdout


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"manualconv {manualconv.__version__}\n"


def test_the_package_runs_as_a_module() -> None:
    child = subprocess.run([sys.executable, "-m", "manualconv", "--help"], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    assert all(name in child.stdout for name in cli.COMMANDS)


def test_choice_prints_the_algorithm_of_every_map(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["choice", "--input", "4,64,56,56", "--weight", "64,64,3,3", "--padding", "1", "--dtype", "float64"]
    assert main(words) == 0
    exact = capsys.readouterr().out
    assert all(f"to_{map}: " in exact for map in ("output", "input", "weight"))
    assert main([*words, "--accuracy", "fast"]) == 0
    assert "fast" in capsys.readouterr().out.splitlines()[1]


def test_choice_takes_a_number_per_axis(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--input", "1,4,9,8", "--weight", "6,2,3,2", "--stride", "2,1", "--dilation", "1,2", "--groups", "2"]
    assert main(["choice", *words]) == 0
    assert "to_output: lowering_batch_last" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: COMMAND"),
        (["frob"], "invalid choice: 'frob'"),
        (["choice", "--input", "4,a", "--weight", "1,1,1"], "whole numbers with commas between"),
        (["choice", "--input", "4,3,9", "--weight", "1,1,1"], "choice() takes the sizes of x (N, C, *I)"),
        (["bench", "--only", "Q7"], "no row Q7 in the suite"),
        (["bench", "--dtype", "float16"], "invalid choice: 'float16'"),
        (
            ["bench", "--calls", "--quick"],
            "--calls is a table of its own: it takes --output alone, and not --quick",
        ),
        (["bench", "--front", "--only", "A5"], "--only and --front both choose the rows"),
        (["bench", "--beside", "plain=nowhere.json"], "NAME=FILE with a file that is there, not 'plain=nowhere.json'"),
        (["bench", "--beside", __file__], "NAME=FILE with a file that is there"),
        (
            ["bench", "--front", "--beside", f"x={__file__}"],
            "holds no results of manualconv bench --json: JSONDecodeError",
        ),
    ],
)
def test_a_mistake_is_a_sentence(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_bench_hands_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[bench.Options] = []
    monkeypatch.setattr(bench, "run", handed.append)
    assert main(["bench"]) == 0
    assert main(["bench", "--only", "A5", "D", "--quick", "--dtype", "float64", "--output", "x.md"]) == 0
    assert main(["bench", "--front", "--beside", f"1 thread={__file__}"]) == 0
    assert handed == [
        bench.Options(),
        bench.Options(("A5", "D"), True, ("float64",), output=Path("x.md")),
        bench.Options(dtypes=("float32",), front=True, beside={"1 thread": Path(__file__)}),
    ]
