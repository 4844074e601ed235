"""Every seed is run until it has passed, two at once; the page says so, and one failure is the exit."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Barrier

import pytest

from tests import suite
from tests.seeds import __main__ as program
from tests.suite import Row


def test_seeds_run_until_they_pass_and_two_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The suite and the commit are stand-ins; a run that waited for a second one in vain would break the barrier."""
    ran, both, broken = list[str](), Barrier(2, timeout=60), {"3", "4"}

    def run(python: str, environment: dict[str, str], words: list[str], log: Path) -> Row:
        assert environment["MANUALCONV_PROFILE"] == "mc-random"
        seed = words[-1].removeprefix("--hypothesis-seed=")
        assert log.name == f"{seed}.log"
        ran.append(seed)
        both.wait()
        return Row(5, int(seed in broken), 1, 2.0)

    monkeypatch.setattr(program, "run", run)
    monkeypatch.setattr(program, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(program, "PAGE", tmp_path / "SEEDS.md")
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(program, "commit", lambda page: "c0ffee" * 6 + "c0ff")
    for count, asked, passes in (("2", "12", True), ("4", "1234", False), ("4", "123434", False)):
        monkeypatch.setattr(sys, "argv", ["seeds", "--count", count])
        assert program.main() is passes
        assert sorted(ran) == sorted(asked)
    assert "failed: 3, 4;" in capsys.readouterr().out
    broken.clear()
    assert program.main() is True
    assert sorted(ran) == sorted("12343434")
    page = (tmp_path / "SEEDS.md").read_text(encoding="utf-8")
    assert page.count("| c0ffeec0ffee | ") == 4 and page.count("| 5 | 0 | 1 | 2 |") == 4


def test_the_page_is_what_would_be_written_of_its_rows(tmp_path: Path) -> None:
    rows = program.read(program.PAGE)
    program.write(tmp_path / "SEEDS.md", rows)
    assert (tmp_path / "SEEDS.md").read_text(encoding="utf-8") == program.PAGE.read_text(encoding="utf-8")
