"""The results file, the JSON and the picture, from records made up."""

import json
from pathlib import Path

import pytest

from manualconv.bench import document, plot
from manualconv.bench.machine import Roof
from manualconv.bench.record import Record, Standing
from tests.bench.records import record, standing

RECORDS = [
    record("A1", 2.0, peers={"unfoldNd": 3.5}, failures={"einconv": "MemoryError: too large"}),
    record("C1", 0.4, dtype="float64", fast=standing(2.5, error=1e-13)),
    record("F5", 30.0, control=None, note="torch was timed once", fast=standing(50.0)),
    Record("N1", "LeNet-5 step", "float32", "step", (0.9, 1.3), Standing(failure="RuntimeError: no")),
]


@pytest.fixture(autouse=True)
def _known_roof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "roof", lambda _: Roof(2e11, 1e10))


def test_the_document_has_every_section_and_row() -> None:
    text = document.rendered(RECORDS)
    titles = [line for line in text.splitlines() if line.startswith("##")]
    assert titles == [
        "## Is my layer faster?",
        "## Classes of layers",
        "## Goals missed by the whole",
        "## Appendix",
        "### Rows",
        "### Geometric means",
        "### Goals missed",
        "### Scale",
        "### Peers",
        "### Control",
        "### Remarks",
    ]
    rows = text.split("### Rows")[1].split("##")[0].splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows if line.startswith("|")]
    assert {len(cells) for cells in table} == {len(document.HEADER)}
    cells = dict(zip(table[0], table[3]))
    assert cells["row"] == "C1"
    assert cells["× torch"] == "0.40"
    assert cells["fast"] == "2.50"
    assert cells["error"] == "1e-15 (1.0×)"
    assert cells["goal"] == "✗ 0.6 / 1.2"
    assert dict(zip(table[0], table[4]))["goal"] == "★ 0.6 / 1.2 fast"
    assert dict(zip(table[0], table[2]))["best peer"] == "unfoldNd 3.5"
    assert "float32 200 GFLOP/s and 10.0 GB/s" in text
    assert "* C1 name, float64, f+b: gate 0.6, reached 0.40" in text
    assert "* N1 LeNet-5 step, float32, step: gate 0.9, reached 0.00: RuntimeError: no" in text
    assert "* A1 float32 f+b, einconv: MemoryError: too large" in text
    assert "* F5 float32 f+b: torch was timed once." in text


def test_a_note_stands_at_the_head() -> None:
    assert document.rendered(RECORDS, "Interrupted.").splitlines()[4] == "Interrupted."


def test_json_holds_every_number_of_both_settings() -> None:
    found = json.loads(document.as_json(RECORDS, "Interrupted."))
    assert found["note"] == "Interrupted."
    first, second, _, last = found["records"]
    assert first["speed"] == {"exact": 2.0, "fast": 2.0}
    assert second["speed"] == {"exact": 0.4, "fast": 2.5}
    assert second["in_tier"] == {"exact": True, "fast": True}
    assert second["fast"]["error"] == 1e-13
    assert last["exact"]["failure"] == "RuntimeError: no"
    assert last["speed"]["exact"] == 0


def test_the_terminal_gets_the_rows_and_the_means(capsys: pytest.CaptureFixture[str]) -> None:
    document.on_terminal(RECORDS)
    text = capsys.readouterr().out
    assert "C1" in text
    assert "geometric mean" in text
    assert "control, torch over itself" in text


def test_progress_is_a_line_a_record() -> None:
    words = "C1 name float64 f+b 0.40 × torch, fast 2.50 ✗"
    assert " ".join(document.progress(RECORDS[1]).split()) == words
    assert document.progress(RECORDS[3]).endswith("RuntimeError: no")


def test_the_picture_has_a_bar_for_what_failed_too(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert plot.drawn(RECORDS, tmp_path / "new" / "speed.svg")
    assert "<svg" in (tmp_path / "new" / "speed.svg").read_text(encoding="utf-8")
