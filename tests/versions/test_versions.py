"""The claims are read, what is not here is said, skips are counted, and rows are kept and written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import suite
from tests.suite import Row
from tests.versions import __main__ as program
from tests.versions import document, environment
from tests.versions.document import Tried
from tests.versions.environment import CLAIMS, VERSIONS, Version


def test_the_oldest_versions_are_those_of_the_claims_and_each_later_python_has_a_row() -> None:
    oldest = VERSIONS["oldest"]
    assert f'requires-python = ">={oldest.python}"' in CLAIMS
    assert oldest.torch.startswith(f"torch=={environment.claimed('dependencies')}")
    pythons = [version.python for version in VERSIONS.values()]
    assert pythons == sorted(set(pythons), key=lambda python: int(python.partition(".")[2]))
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in pythons


def test_every_python_that_is_claimed_is_one_that_is_tried() -> None:
    named = [line.split(":: ")[-1].strip('",') for line in CLAIMS.splitlines() if "Python :: 3." in line]
    assert named
    assert {*named} <= {version.python for version in VERSIONS.values()}


def test_this_python_is_found_and_one_that_is_not_there_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = "{}.{}".format(*sys.version_info)
    monkeypatch.setattr(environment, "candidates", lambda python: ["/", str(tmp_path / "no"), sys.executable][1:])
    (tmp_path / "no").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "no").chmod(0o755)
    assert environment.interpreter(here) == sys.executable
    assert environment.interpreter("3.99") is None
    assert environment.made(Version("3.99", "torch"), tmp_path / "x") == "no Python 3.99 on this machine"


def test_what_pip_cannot_have_is_not_here_in_pip_s_words(tmp_path: Path) -> None:
    here = "{}.{}".format(*sys.version_info)
    said = environment.made(Version(here, "./no-such-folder"), tmp_path / "x")
    assert said is not None and "no-such-folder" in said


def test_skips_are_counted_by_their_reason() -> None:
    output = "SKIPPED [2] a.py:1: no onnx: none\nSKIPPED [1] ../b.py:7: slow\nSKIPPED [3] c.py:9: no onnx: none\n"
    assert document.reasons(output) == {"no onnx: none": 5, "slow": 1}


def test_a_finished_run_is_not_repeated_and_what_was_not_here_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environments and the suite are stand-ins; what is kept, removed and written is not."""
    asked, there = list[str](), {"oldest"}

    def made(version: Version, folder: Path) -> str | None:
        asked.append(version.python)
        folder.mkdir()
        return None if folder.name in there else "no such Python"

    def run(python: str, variables: object, words: object, log: Path) -> Row:
        log.write_text("SKIPPED [1] tests/a.py:1: no onnx\n5 passed", encoding="utf-8")
        return Row(5, 0, 1, 2.0)

    for name, stand_in in (("made", made), ("run", run), ("has", lambda folder: ("3.10.1", "2.99"))):
        monkeypatch.setattr(program, name, stand_in)
    monkeypatch.setattr(program, "KEPT", tmp_path)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(program, "commit", lambda page: "c0ffee")
    monkeypatch.setattr(document, "PATH", tmp_path / "VERSIONS.md")
    monkeypatch.setattr(sys, "argv", ["versions"])
    assert program.main() is True
    there.add("3.12")
    assert program.main() is True
    assert asked.count(VERSIONS["oldest"].python) == 1 and asked.count("3.12") == asked.count("3.11") == 2
    page = document.PATH.read_text(encoding="utf-8")
    assert page.count("| 3.10.1 | 2.99 | 5 | 0 | 1 | 2 |") == 2
    assert "| 3.11 | torch | not here: no such Python" in page
    assert "- Python 3.10.1, torch 2.99: 1 × no onnx" in page
    assert not [path for path in tmp_path.iterdir() if path.is_dir()], "each environment is removed"
    assert "failed: none" in capsys.readouterr().out


def test_a_failure_is_the_exit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "KEPT", tmp_path)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(program, "commit", lambda page: "c0ffee")
    monkeypatch.setattr(document, "PATH", tmp_path / "VERSIONS.md")
    monkeypatch.setattr(program, "tried", lambda *_: Tried(4, 1, python="3.10.1"))
    monkeypatch.setattr(sys, "argv", ["versions", "--only", "oldest"])
    assert program.main() is False
    page = (tmp_path / "VERSIONS.md").read_text(encoding="utf-8")
    assert "| 3.10.1 |  | 4 | 1 |" in page and "| 3.13 | torch | not tried at this commit |" in page


def test_the_page_has_a_row_a_version_and_no_failure() -> None:
    page = document.PATH.read_text(encoding="utf-8")
    assert page.startswith(document.INTRODUCTION)
    rows = page.split(document.HEADING)[1].split("\n\n")[0].splitlines()
    assert len(rows) == len(VERSIONS)
    assert all(row.startswith(f"| {version.python}") for row, version in zip(rows, VERSIONS.values()))
    found = [row.split("|")[4].strip() for row in rows if "not here" not in row and "not tried" not in row]
    assert found and set(found) == {"0"}
