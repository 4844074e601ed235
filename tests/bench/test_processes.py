"""Steps on one and two processes: real ones on a small batch, and what the table makes of their times."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from torch import distributed

from manualconv.bench import processes
from manualconv.bench.processes import Pace, Row
from manualconv.cli import main


def test_two_processes_take_the_steps_that_one_takes(capfd: pytest.CaptureFixture[str]) -> None:
    rows = processes.measure(Pace(("N1",), rounds=2, batch=4))
    assert [(row.id, row.processes) for row in rows] == [("N1", 1), ("N1", 2)]
    assert all(seconds > 0 for row in rows for seconds in row.seconds.values())
    assert len(processes.table(rows).splitlines()) == 3


def test_the_table_says_how_many_images_a_second_more() -> None:
    rows = [
        Row("R18", 1, {"manualconv": 0.1, "torch": 0.2}, 2.0),
        Row("R18", 2, {"manualconv": 0.16, "torch": 0.2}, 1.2),
    ]
    assert [line.split()[-6:] for line in processes.table(rows).splitlines()[1:]] == [
        ["1", "200.0", "100.0", "2.00", "1.00", "1.00"],
        ["2", "200.0", "160.0", "1.20", "1.25", "2.00"],
    ]


def test_a_loss_that_is_not_torch_s_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter((1.0, 1.1))
    monkeypatch.setattr(processes.nets, "step", lambda *_: partial(next, losses))
    with pytest.raises(RuntimeError, match=r"LeNet-5 step: the first loss is 1.0, and torch's 1.1"):
        processes._row("N1", Pace(rounds=0))


def test_a_torch_without_gloo_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(distributed, "is_gloo_available", lambda: False)
    with pytest.raises(SystemExit):
        main(["bench", "--processes"])
    assert "this torch has no torch.distributed with gloo" in capsys.readouterr().err


def test_tables_make_a_page_with_the_words_of_their_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr(processes, "measure", lambda: [Row("N1", 1, {"manualconv": 0.1, "torch": 0.2}, 2.0)])
    assert main(["bench", "--processes", "--output", str(page)]) == 0
    written = page.read_text(encoding="utf-8")
    assert "## A training step on one and on two processes, one thread each" in written
    assert "averaged before the update" in written
    assert "LeNet-5 step                 1     200.0     100.0           2.00    1.00      1.00\n```" in written
