"""A finished seed is kept, a changed command trains anew, and the page says what the rows say."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.records import __main__ as program
from tests.records import page
from tests.records.goals import COMMON, GOALS, SEEDS, Goal, Row, spread
from tests.train.conftest import write_data
from tests.train.programs import Patch
from train.cli import make_parser
from train.kept_options import told
from train.options import FitOptions

GOAL = Goal("A goal", ("--epochs", "1"), accuracy=99.0, seconds=10, best=(99.5, 5), parameters=100)


def row(seed: int, accuracy: float = 99.0, seconds: float = 9.0, parameters: int = 100) -> Row:
    return Row(seed, accuracy, seconds, parameters, 0.5, "abc+", "2026-01-02")


@pytest.mark.parametrize("name", GOALS)
def test_a_goal_s_words_are_the_program_s(name: str) -> None:
    """The last epoch of a fixed number counts, nothing validates, and the report does not look at the test images."""
    options = told(FitOptions, vars(make_parser("fit").parse_args(list(GOALS[name].words))))
    assert (options.holdout, options.keep, options.threads, options.report) == (0, "last", 2, False)
    assert GOALS[name].words[-len(COMMON) :] == COMMON and "--seed" not in GOALS[name].words


def test_what_is_reached() -> None:
    assert GOAL.reached([row(0, 98.9), row(1, 99.1)]) and GOAL.reached([row(0, seconds=12), row(1, seconds=8)])
    assert not GOAL.reached([row(0, 98.9), row(1, 99.0)])
    assert not GOAL.reached([row(0, seconds=12), row(1)])
    assert not GOAL.reached([row(0), row(1, parameters=101)])
    assert replace(GOAL, parameters=None).reached([row(0, parameters=101)])


def test_mean_and_standard_deviation() -> None:
    """Of a sample: two values that are 2 apart deviate by √2."""
    assert spread([1.0, 3.0], 3) == "2.000 ± 1.414" and spread([1.0], 1) == "1.0"
    said = GOAL.verdict([row(0, 98.0, 8.0), row(1, 99.0, 10.0)])
    assert said.startswith("Test accuracy 98.500 ± 0.707 %, 9.0 ± 1.4 s from start to end. Wanted: 99.00 % in 10 s")
    assert "at most 100 parameters: missed" in said and "reached" in GOAL.verdict([row(0)])


def test_a_section_is_written_anew_and_the_others_stay(tmp_path: Path) -> None:
    path, other = tmp_path / "RECORDS.md", replace(GOAL, title="Another")
    page.write(GOAL, [row(0)], path)
    page.write(other, [row(0, 98.0), row(1)], path)
    second = path.read_text("utf-8")
    assert second.count("## ") == 2 and page.line(row(0)) in second and page.line(row(0, 98.0)) in second
    page.write(other, [row(0, 97.0)], path)
    third = path.read_text("utf-8")
    assert page.line(row(0)) in third and page.line(row(0, 97.0)) in third and page.line(row(0, 98.0)) not in third
    page.write(other, [row(0, 98.0), row(1)], path)
    assert path.read_text("utf-8") == second


def test_finished_seeds_are_kept_while_the_command_is_the_same(tmp_path: Path, monkeypatch: Patch) -> None:
    trained = []

    def ran(goal: Goal, seed: int, out: Path, more: object = ()) -> Row:
        trained.append((seed, out.name))
        if trained[-1] == (2, "2") and len(trained) < 5:
            raise SystemExit("stopped")
        return row(seed)

    monkeypatch.setattr(program, "ran", ran)
    monkeypatch.setitem(GOALS, "mine", GOAL)
    with pytest.raises(SystemExit):
        program.run("mine", SEEDS[:3], tmp_path)
    assert trained == [(0, "warm"), (0, "0"), (1, "1"), (2, "2")]
    trained.clear()
    trained.extend([(9, "")] * 4)
    assert program.run("mine", SEEDS[:3], tmp_path) == [row(0), row(1), row(2)]
    assert trained[4:] == [(2, "warm"), (2, "2")]
    assert list(program.read(tmp_path / "mine.json", GOAL).values()) == [row(0), row(1), row(2)]
    assert program.read(tmp_path / "mine.json", replace(GOAL, words=("--epochs", "2"))) == {}
    assert program.read(tmp_path / "none.json", GOAL) == {}
    for text in ("{", "[]", "{}", json.dumps({"command": GOAL.command, "rows": [{"seed": 1}]})):
        (tmp_path / "odd.json").write_text(text, encoding="utf-8")
        assert program.read(tmp_path / "odd.json", GOAL) == {}


def test_a_run_is_the_program_itself(tmp_path: Path) -> None:
    words = ("--data-dir", str(write_data(tmp_path / "data")), "--epochs", "1", "--backend", "torch", *COMMON)
    found = program.ran(replace(GOAL, words=words), 3, tmp_path / "out")
    assert found.seed == 3 and found.parameters == 61_706 and 0 <= found.accuracy <= 100 and found.seconds > 0
    assert asdict(found) == asdict(Row(**asdict(found)))
    with pytest.raises(SystemExit, match="seed 3: code 2: python -m train: argument --epochs: '0' is not a whole"):
        program.ran(replace(GOAL, words=("--epochs", "0")), 3, tmp_path / "out")


def test_a_goal_that_is_none_is_refused(monkeypatch: Patch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["records", "fame"])
    with pytest.raises(SystemExit):
        program.main()
    assert "choose from 'lenet', 'wall'" in capsys.readouterr().err
