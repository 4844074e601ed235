"""The four runs meet every value, a level that is lacking is not run, rows are kept, and Numba is not there to find."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import suite
from tests.machines import __main__ as program
from tests.machines import document
from tests.machines.document import line
from tests.machines.machine import ABSENT, LEVELS, MACHINES, SETTINGS, without_numba
from tests.suite import Row

OUTSIDE = {"PATH": "/bin", "NUMBA_DISABLE_JIT": "1", "ATEN_CPU_CAPABILITY": "avx2", "MANUALCONV_TEST_THREADS": "7"}


def test_together_they_meet_every_value_and_nothing_of_outside() -> None:
    met: dict[str, set[str | None]] = {name: set() for name in SETTINGS}
    for machine in MACHINES.values():
        environment = machine.environment(OUTSIDE)
        assert environment["PATH"] == "/bin"
        for name, values in met.items():
            values.add(environment.get(name))
    assert met["MANUALCONV_TEST_THREADS"] == {"1", "2", "4"}
    assert met["NUMBA_DISABLE_JIT"] == {None, "1"}
    assert all(len(met[name]) == 3 and None in met[name] for name in LEVELS)
    assert ABSENT in {machine.numba for machine in MACHINES.values()}


@pytest.mark.parametrize(
    ("capability", "has_numba", "absent"),
    [
        ("AVX512", True, {}),
        ("AVX2", True, {}),
        ("DEFAULT", True, {"avx2": "the processor is DEFAULT"}),
        ("AVX2", False, dict.fromkeys(("avx2", "own", "uncompiled"), "no Numba is installed")),
    ],
)
def test_what_is_lacking_is_said_and_not_run(capability: str, has_numba: bool, absent: dict[str, str]) -> None:
    found = {name: machine.missing(capability, has_numba) for name, machine in MACHINES.items()}
    assert {name: reason for name, reason in found.items() if reason is not None} == absent
    for name, reason in absent.items():
        assert f"not here: {reason}" in line(name, MACHINES[name], Row(absent=reason))


@pytest.mark.parametrize(
    ("output", "row"),
    [
        ("....\nproperty examples: 7\n12 passed in 0.50s\n", Row(12)),
        ("F.s\n1 failed, 2 passed, 3 skipped, 4 warnings, 5 errors in 61.20s (0:01:01)\n", Row(2, 6, 3)),
        ("===== 2 passed in 1.00s =====\nthen it printed: 3 failed\n", Row(2)),
        ("Killed\n", Row(failed=1)),
    ],
)
def test_the_last_line_of_a_run_is_read(output: str, row: Row) -> None:
    assert suite.counted(output) == row


def test_rows_are_kept_for_one_commit(tmp_path: Path) -> None:
    assert suite.kept("a", tmp_path) == {}
    rows = {"baseline": Row(3, 0, 1, 2.5), "avx2": Row(absent="the processor is DEFAULT")}
    suite.keep("a", rows, tmp_path)
    assert suite.kept("a", tmp_path) == rows
    assert suite.kept("b", tmp_path) == {}


def test_rows_that_passed_at_an_earlier_commit_are_kept_if_asked(tmp_path: Path) -> None:
    rows = {
        "baseline": Row(3, commit="a"),
        "own": Row(3, 1, commit="a"),
        "avx2": Row(absent="the processor is DEFAULT"),
    }
    suite.keep("a mc-ci tests", rows, tmp_path)
    assert suite.kept("b mc-ci tests", tmp_path) == {}
    assert suite.kept("b mc-ci tests", tmp_path, passed_at_any=True) == {"baseline": rows["baseline"]}
    assert suite.kept("a mc-ci tests", tmp_path, passed_at_any=True) == rows
    for other in ("b mc-deep tests", "b mc-ci tests/kernels", "b+ mc-ci tests"):
        assert suite.kept(other, tmp_path, passed_at_any=True) == {}


@pytest.mark.parametrize("key", ["c0ffee+ mc-ci tests", "unknown mc-ci tests"])
def test_rows_of_files_that_are_no_commit_s_are_not_kept(tmp_path: Path, key: str) -> None:
    suite.keep(key, {"baseline": Row(3)}, tmp_path)
    assert suite.kept(key, tmp_path) == {}


def test_a_finished_run_is_not_repeated_and_a_failure_is_the_exit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The suite, the commit and the page are stand-ins here; what is run, kept and written is not."""
    ran = list[str]()
    monkeypatch.setattr(program, "KEPT", tmp_path)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(document, "PATH", tmp_path / "MACHINES.md")
    monkeypatch.setattr(program, "commit", lambda page: "c0ffee")
    monkeypatch.setattr(program, "capability", lambda: "DEFAULT")
    monkeypatch.setattr(program, "find_spec", lambda name: name)
    monkeypatch.setattr(program, "ran", lambda name, *_: ran.append(name) or Row(5, failed=int(name == "own")))
    monkeypatch.setattr(sys, "argv", ["machines", "--only", "baseline", "avx2"])
    assert program.main() is True
    assert not document.PATH.exists()
    monkeypatch.setattr(sys, "argv", ["machines"])
    assert program.main() is False
    assert "failed: own" in capsys.readouterr().out
    assert ran == [name for name in MACHINES if name != "avx2"]
    page = document.PATH.read_text(encoding="utf-8")
    assert page.count("| c0ffee |") == len(MACHINES) and "not here: the processor is DEFAULT" in page


def test_the_environment_without_numba_has_everything_else(tmp_path: Path) -> None:
    code = """
import importlib.metadata, importlib.util, hypothesis, numpy, pytest, torch, xdist
assert importlib.util.find_spec("numba") is importlib.util.find_spec("llvmlite") is None
found = {name.lower() for each in importlib.metadata.distributions() if (name := each.metadata["Name"])}
assert "torch" in found and not {"numba", "llvmlite"} & found
"""
    python = without_numba(tmp_path / "environment")
    ended = subprocess.run([str(python), "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    again = subprocess.run([sys.executable, "-c", "import torch"], cwd=tmp_path)
    assert again.returncode == 0, "the environment that it is made of is untouched"


def test_the_page_has_these_runs_and_no_failure() -> None:
    page = document.PATH.read_text(encoding="utf-8")
    assert page.startswith(document.INTRODUCTION)
    table = page.split(document.HEADING)[1].splitlines()
    assert len(table) == len(MACHINES)
    for row, (name, machine) in zip(table, MACHINES.items()):
        assert row.startswith(line(name, machine, Row()).split("| 0 |")[0])
        assert "not here" in row or row.split("|")[7].strip() == "0"
