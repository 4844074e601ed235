"""Mutants reach what they must, tests are chosen by what they run, a hang ends, a survivor must be explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.mutation import __main__ as program
from tests.mutation import mutants, page, reach, session, trials
from tests.mutation.mutants import Change, Mutant
from tests.mutation.reach import Lines
from tests.mutation.session import Result
from tests.mutation.trials import Outcome
from tests.suite import ROOT

PACKAGE = '''"""A package."""

from __future__ import annotations

FAR = 2**31


class Function:
    @staticmethod
    def forward(x: int | float) -> int | None:
        return x + 1 if x == 5 else 5


@compiled
def kernel(out, x):
    for j in range(3):
        out[j] = x[j] - 1
'''


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A tree with one file of the package."""
    folder = tmp_path / "manualconv" / "geometry"
    folder.mkdir(parents=True)
    (folder / "small.py").write_text(PACKAGE, encoding="utf-8")
    return tmp_path


def test_mutants_reach_constants_static_methods_and_kernels_but_no_annotation(house: Path) -> None:
    pytest.importorskip("cosmic_ray")
    (file,) = mutants.files(house)
    found = list(mutants.mutants(house, file))
    changes = [mutants.change(mutant, PACKAGE, mutants.mutated(PACKAGE, mutant)) for mutant in found]
    for where, before, after in (
        ("", "FAR = 2**31", "FAR = 2*31"),
        ("forward", "return x + 1 if x == 5 else 5", "return x - 1 if x == 5 else 5"),
        ("forward", "return x + 1 if x == 5 else 5", "return x + 1 if x != 5 else 5"),
        ("kernel", "out[j] = x[j] - 1", "out[j] = x[j] * 1"),
        ("kernel", "for j in range(3):", "for j in []:"),
        ("Function", "@staticmethod", ""),
    ):
        assert Change(file, where, before, after) in changes, after
    assert not any("int" in change.before for change in changes)
    assert not any(" is " in change.after for change in changes)
    assert len(set(found)) == len(found)
    for mutant, change in zip(found, changes):
        assert change.before in PACKAGE.splitlines()[mutant.line - 1]


def test_a_change_that_does_not_exist_is_no_mutant() -> None:
    pytest.importorskip("cosmic_ray")
    with pytest.raises(ValueError, match="is not in its file any more"):
        mutants.mutated(PACKAGE, Mutant("manualconv/geometry/small.py", "NumberReplacer", 99, 1, ""))


def of(file: str, count: int) -> list[Mutant]:
    """So many mutants of a file."""
    return [Mutant(f"manualconv/{file}", "AddNot", number, number, "") for number in range(count)]


@pytest.mark.parametrize(
    ("sizes", "total", "drawn"),
    [
        ({"a": 100, "b": 50, "c": 50}, 40, {"a": 20, "b": 10, "c": 10}),
        ({"a": 97, "b": 2, "c": 1, "d": 0}, 10, {"a": 8, "b": 1, "c": 1}),
        ({"a": 3, "b": 2}, 10, {"a": 3, "b": 2}),
        ({"a": 10, "b": 10, "c": 10}, 10, {"a": 4, "b": 3, "c": 3}),
    ],
)
def test_each_file_has_its_share(sizes: dict[str, int], total: int, drawn: dict[str, int]) -> None:
    assert mutants.shares(sizes, total) == drawn


def test_the_sample_is_the_seed_s_and_has_all_of_geometry() -> None:
    found = of("nn/a.py", 40) + of("geometry/g.py", 7) + of("kernels/deep/b.py", 60)
    drawn = mutants.sample(found, 10, 1)
    assert [mutant.floor for mutant in drawn] == ["geometry"] * 7 + ["kernels"] * 6 + ["nn"] * 4
    assert set(drawn) <= set(found) and len(set(drawn)) == len(drawn)
    assert drawn == mutants.sample(found, 10, 1)
    assert drawn != mutants.sample(found, 10, 2)


def said() -> dict[str, Any]:
    """What a worker says of five tests."""
    near, far = "tests/nn/test_linear.py::test_", "tests/test_graph.py::test_"
    return {
        "seconds": {near + "slow": 5.0, near + "quick": 0.5, far + "quick": 0.1, far + "long": 15.0, far + "red": 0.1},
        "failed": [far + "red"],
        "lines": {
            "manualconv/functional/linear.py": {
                "3": [near + "slow", far + "long", far + "red"],
                "4": [near + "quick", far + "quick"],
            }
        },
    }


def test_tests_are_tried_near_ones_first_and_those_that_run_the_line_before_others() -> None:
    lines = Lines()
    lines.add(said())
    file = "manualconv/functional/linear.py"
    names = [[test.name.partition("::test_")[2] for test in tests] for tests in lines.rounds(file, 3)]
    assert names == [["slow", "quick"], ["long", "quick"]]
    names = [[test.name.partition("::test_")[2] for test in tests] for tests in lines.rounds(file, 4)]
    assert names == [["quick", "slow"], ["quick", "long"]]
    assert lines.rounds("manualconv/functional/other.py", 3) == []
    # What no test runs a line of, such as a file of constants, has the tests of its name.
    assert [len(tests) for tests in lines.rounds("manualconv/nn/linear.py", 1)] == [2]


def test_a_round_ends_when_its_seconds_are_spent() -> None:
    tests = [reach.Test(name, seconds) for name, seconds in (("a", 3.0), ("b", 6.0), ("c", 4.0))]
    assert [test.name for test in reach.within(tests, 8.0)] == ["a", "c"]


def test_every_source_of_tests_is_there() -> None:
    assert [source for source in reach.SOURCES if not (ROOT / source).exists()] == []


def test_kernels_are_compiled_for_each_mutant_of_their_file() -> None:
    with_kernels = {file for file in mutants.files(ROOT) if trials.compiles((ROOT / file).read_text(encoding="utf-8"))}
    assert {Path(file).name for file in with_kernels} == {
        "compiled_copies.py",
        "compiled_frames.py",
        "compiled_loops.py",
        "compiled_maximum.py",
        "compiled_pointwise.py",
        "compiled_strided.py",
        "compiled_summation.py",
        "compiled_windows.py",
    }
    room = "manualconv/kernels/correlation"
    assert trials.callers(ROOT, f"{room}/compiled_loops.py") == [f"{room}/compiled_correlation.py"]
    assert trials.callers(ROOT, f"{room}/compiled_copies.py") == [f"{room}/compiled_loops.py"]
    assert f"{room}/registration.py" in trials.callers(ROOT, f"{room}/algorithm.py")
    lines = Lines()
    lines.add(said())
    tests = lines.rounds("manualconv/kernels/deep.py", 1, ["manualconv/functional/linear.py"])
    assert [len(each) for each in tests] == [3]  # the fourth would take too long


def result(kind: str, number: int = 0) -> Result:
    """A mutant that ended so."""
    mutant = of("geometry/window.py", 3)[number]
    return Result(mutant, Change(mutant.file, "f", "a < b", f"a > b + {number}"), Outcome(kind))


def test_the_program_goes_on_where_it_was_and_fails_until_every_survivor_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mutants, the copies and the tests are stand-ins."""
    ends, asked = {0: "killed", 1: "survived", 2: "survived"}, list[int]()

    class Copies:
        def __init__(self, profile: str) -> None:
            assert profile == "mc-smoke"

        def close(self) -> None:
            pass

    def tried(copies: Copies, lines: Lines, todo: Any) -> Any:
        for mutant in todo:
            asked.append(mutant.occurrence)
            yield result(ends[mutant.occurrence], mutant.occurrence)

    monkeypatch.setattr(session, "KEPT", tmp_path)
    monkeypatch.setattr(session, "listed", lambda: of("geometry/window.py", 3))
    monkeypatch.setattr(session, "measured", lambda copies: Lines())
    monkeypatch.setattr(session, "tried", tried)
    monkeypatch.setattr(program, "Trials", Copies)
    monkeypatch.setattr(program, "find_spec", lambda name: name)
    monkeypatch.setattr(page, "PAGE", tmp_path / "MUTATION.md")
    monkeypatch.setattr(page, "EXPLAINED", tmp_path / "explained.json")
    explained = {"in": "f", "line": "a < b", "becomes": ["a > b + 1"], "why": "The same number."}
    file = "manualconv/geometry/window.py"
    page.EXPLAINED.write_text(json.dumps({file: [explained]}), encoding="utf-8")

    assert program.main(["--minutes", "0"]) is True and asked == []
    assert program.main(["--jobs", "1"]) is False and sorted(asked) == [0, 1, 2]
    assert "2 survivors" not in capsys.readouterr().out
    text = page.PAGE.read_text(encoding="utf-8")
    assert "| geometry | 3 | 3 | 3 | 1 | 0 | 2 | 0 | 33.3% |" in text
    assert "The same number." in text and text.count("**not explained**") == 1
    assert program.main([]) is False and sorted(asked) == [0, 1, 2]
    ends[2] = "killed"
    assert program.main(["--again"]) is True and asked[3:] == [2]
    assert "not explained**" not in page.PAGE.read_text(encoding="utf-8")


def test_without_the_tool_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="make mutation installs them"):
        program.main([])


def test_the_interval_of_a_share_is_wilson_s() -> None:
    assert page.interval(45, 50) == pytest.approx((0.7864, 0.9565), abs=1e-4)


def test_every_explanation_is_of_a_line_that_is_there() -> None:
    for change, why in page.explanations().items():
        lines = " ".join((ROOT / change.file).read_text(encoding="utf-8").split())
        assert " ".join(change.before.split()) in lines, change
        assert why.endswith(".") and change.after != change.before, change


def test_the_page_explains_every_survivor() -> None:
    assert "not explained" not in page.PAGE.read_text(encoding="utf-8").partition("## Survivors")[2]
