"""First steps: one in a process, what is made of several, and a process that fails."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from manualconv.bench import first_step
from manualconv.bench.first_step import FirstStep
from manualconv.cli import main


def test_a_process_takes_two_steps(tmp_path: Path) -> None:
    found = first_step._process("N1", "torch", tmp_path)
    assert found.loops == 0
    assert min(found.first, found.processor, found.second) > 0


def test_each_line_is_the_median_of_processes_that_share_a_folder_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, Path]] = []

    def process(id: str, library: str, folder: Path) -> FirstStep:
        assert folder.is_dir()
        asked.append((id, library, folder))
        return FirstStep(*(float((2, 9, 4)[len(asked) // 3 % 3]) for _ in range(3)), loops=7)

    monkeypatch.setattr(first_step, "_process", process)
    found = first_step.measure(("N1",))
    assert list(found) == [("N1", way) for way in first_step.WAYS]
    assert set(found.values()) == {FirstStep(4.0, 4.0, 4.0, 7)}
    assert [library for _, library, _ in asked] == 3 * ["manualconv", "manualconv", "torch"]
    folders = [folder for _, _, folder in asked]
    assert folders[0] == folders[1] and len(set(folders)) == 3 and not any(folder.exists() for folder in folders)


@pytest.mark.skipif(shutil.which("false") is None, reason="there is no program that only fails")
def test_a_process_that_fails_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(RuntimeError, match=r"^a first step of N1 by torch failed: exit code 1$"):
        first_step._process("N1", "torch", tmp_path)


def test_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    steps = {("N1", "manualconv, nothing kept"): FirstStep(6.5, 7.25, 0.01, 13), ("N1", "torch"): FirstStep(1, 1, 1, 0)}
    monkeypatch.setattr(first_step, "measure", lambda: steps)
    assert main(["bench", "--first-step"]) == 0
    head, ours, theirs = capsys.readouterr().out.splitlines()
    assert head.endswith("first step s  of the processor  second step ms  loops")
    assert ours.split() == ["LeNet-5", "step", "manualconv,", "nothing", "kept", "6.50", "7.25", "10.0", "13"]
    assert len({len(head), len(ours), len(theirs)}) == 1


def test_it_takes_no_other_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--first-step", "--quick"])
    assert "--first-step is a table of its own: it takes --output alone, and not --quick" in capsys.readouterr().err
