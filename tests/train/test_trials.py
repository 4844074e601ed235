"""``make crash``, ``make corrupt`` and ``make nan``, a small part of each; the first two in a process that can fork."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.systems import needs_fork
from tests.train import nan
from tests.train.programs import ROOT


@needs_fork
@pytest.mark.parametrize(
    ("program", "words", "said"),
    [
        ("crash", ["--kills", "8"], ["all 8 gone on with", "bit for bit"]),
        (
            "corrupt",
            ["--share", "0.02"],
            ["20 bit flips refused", "23 hostile pickles refused", "3 gzip bombs refused"],
        ),
    ],
)
def test_a_small_part_of(program: str, words: list[str], said: list[str]) -> None:
    command = [sys.executable, "-W", "ignore", "-m", f"tests.train.{program}", *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert all(words in ended.stdout for words in said), ended.stdout


def test_numbers_that_are_none(tmp_path: Path) -> None:
    """Every second injection, at a step of the second epoch."""
    assert nan.trial(tmp_path, (13,), every=2) == (21, [])


def test_an_injection_that_does_no_harm_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nan, "injections", lambda: [("2.weight", lambda *_: None)])
    count, wrong = nan.trial(tmp_path, (2,))
    assert count == 1 and "code 0" in wrong[0]
