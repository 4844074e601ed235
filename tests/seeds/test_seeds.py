"""Every seed is run once, two at once, is kept, and one failure is the exit."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Barrier

import pytest

from tests import suite
from tests.seeds import __main__ as program
from tests.suite import Row


def test_seeds_are_run_once_and_two_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The suite and the commit are stand-ins; a run that waited for a second one in vain would break the barrier."""
    ran, both = list[str](), Barrier(2, timeout=60)

    def run(python: str, environment: dict[str, str], words: list[str], log: Path) -> Row:
        assert environment["MANUALCONV_PROFILE"] == "mc-random"
        seed = words[-1].removeprefix("--hypothesis-seed=")
        assert log.name == f"{seed}.log"
        ran.append(seed)
        both.wait()
        return Row(5, int(seed == "3"))

    monkeypatch.setattr(program, "run", run)
    monkeypatch.setattr(program, "KEPT", tmp_path)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(program, "commit", lambda: "c0ffee")
    monkeypatch.setattr(sys, "argv", ["seeds", "--count", "2"])
    assert program.main() is True
    monkeypatch.setattr(sys, "argv", ["seeds", "--count", "4"])
    assert program.main() is False
    assert sorted(ran) == ["1", "2", "3", "4"]
    assert "failed: 3;" in capsys.readouterr().out
