"""What is said about records: ratio 0 for what is wrong, goals missed with their reasons, means, peers, control."""

from typing import Any

import pytest

from manualconv.bench import summary
from manualconv.bench.goals import missed, reason, scale, verdict
from manualconv.bench.record import Standing
from manualconv.bench.summary import against_peers, control, geometric_mean, means, missed_together
from tests.bench.records import ratio, record, standing


@pytest.fixture(autouse=True)
def _with_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """The goals are those where it is, wherever the tests run."""
    monkeypatch.setattr(summary, "is_installed", lambda: True)


@pytest.mark.parametrize(
    "ours", [{"error": 0.1}, {"error": float("nan")}, {"forbidden": ("aten.convolution.default",)}, {"failure": "Oh"}]
)
def test_what_is_wrong_has_speed_0(ours: dict[str, Any]) -> None:
    r = record(speed=5.0, ours=ours)
    assert r.speed() == r.best == 0
    assert verdict(r) == "✗"
    assert geometric_mean([2.0, r.speed()]) == 0


@pytest.mark.parametrize(("speed", "mark"), [(0.5, "✗"), (0.6, "✓"), (1.1, "✓"), (1.2, "★")])
def test_gate_and_moonshot(speed: float, mark: str) -> None:
    assert verdict(record(speed=speed)) == mark
    assert verdict(record(speed=speed, goal=None)) == ""


def test_fast_reaches_a_moonshot_but_no_gate_except_where_the_goals_are_its_own() -> None:
    assert verdict(record("C1", speed=0.7, fast=standing(1.5))) == "★"
    assert verdict(record("C1", speed=0.5, fast=standing(1.5))) == "✗"
    assert verdict(record("B1", speed=0.5, fast=standing(1.5))) == "★"
    assert verdict(record("B1", speed=0.9, fast=standing(0.5))) == "✗"
    assert verdict(record("B3", phase="d2", speed=0.5, fast=standing(1.5))) == "✗"
    (line,) = missed([record("B1", speed=0.9, fast=standing(0.5))])
    assert "gate 0.6 of `fast`, reached 0.50" in line


@pytest.mark.parametrize(
    ("dtype", "setting", "torch_error", "admitted"),
    [
        ("float32", "exact", 1e-7, 2e-7),
        ("float32", "fast", 1e-7, 2e-6),
        ("float32", "exact", 0.0, 2.0**-23),
        ("float64", "exact", 1e-15, 2e-15),
        ("float64", "fast", 1e-15, 1e-12),
        ("float64", "exact", None, float("inf")),
    ],
)
def test_the_error_that_a_tier_admits(dtype: str, setting: str, torch_error: float | None, admitted: float) -> None:
    r = record(dtype=dtype, torch_error=torch_error)
    assert r.admitted(setting) == pytest.approx(admitted, rel=1e-12)


def test_every_kind_of_goal_that_is_missed_has_a_line() -> None:
    lines = missed(
        [
            record("C1", 0.5),
            record("C2", 1.0),
            record("C3", 9.0, ours={"error": 3e-7, "memory": 1.2}),
            record("C4", 9.0, fast=standing(9.0, error=3e-6, memory=2.6)),
            record("C4", 9.0),
        ]
    )
    starts = [line.split(":", 1)[0].split()[1] + " " + line.split(": ", 1)[1][:16] for line in lines]
    assert starts == [
        "C1 gate 0.6, reache",
        "C2 moonshot 1.2, re",
        "C3 error of `exact`",
        "C3 memory of `exact",
        "C4 error of `fast`:",
        "C4 memory of `fast`",
    ]
    assert "40 % of the roofline" in lines[0]


def test_reasons_are_read_off_the_numbers() -> None:
    assert reason(record(ours={"failure": "OSError: gone"})) == "OSError: gone"
    assert "ran inside ours" in reason(record(ours={"forbidden": ("aten.convolution",)}))
    assert "wrong by 1e-01" in reason(record(ours={"error": 0.1}))
    assert "3000 operator calls" in reason(record(ours={"operators": 3000}))
    assert "no more than 1.1 × is possible; by direct" in reason(record(torch_roof=90.0))
    assert "neither is near the roofline, torch at 30 %, ours at 40; by direct" in reason(record())


def test_means_by_class_setting_and_their_goals() -> None:
    records = [
        record("B1", 0.5),
        record("B2", 2.0, fast=standing(8.0)),
        record("D1", 4.0),
        record("P1", 100.0),
        record("B1", 2.0, phase="f"),
    ]
    found = {(m.name, m.phase, m.setting): m for m in means(records)}
    assert found["dense 3×3", "f+b", "exact"].value == pytest.approx(1.0)
    assert found["dense 3×3", "f+b", "fast"].value == pytest.approx(2.0)
    whole = found["convolution", "f+b", "exact"]
    assert whole.value == pytest.approx(4 ** (1 / 3))
    assert (whole.worst, whole.rows, whole.verdict) == ("B1 0.50", 3, "★ 1 / 1.3")
    assert found["convolution", "f+b", "fast"].verdict == "★ 1.3 / 1.8"
    assert ("pooling", "f+b", "fast") not in found
    assert found["pooling", "f+b", "exact"].verdict == "★ 1.5 / 4"
    assert found["dense 3×3", "f+b", "exact"].verdict == ""
    assert found["convolution", "f", "exact"].value == pytest.approx(2.0)


def test_goals_that_the_whole_misses() -> None:
    records = [record("B1", 0.2, peers={"unfoldNd": 0.5, "einconv": 4.0}), record("A5", 0.6)]
    text = "\n".join(missed_together(records))
    assert "geometric mean of convolution, float32, f+b, `exact`: ✗ 1 / 1.3, reached 0.35" in text
    assert "B1 name, float32: the slowest convolution ✗ 0.45 / 0.7, is 0.20" in text
    assert "A5 name, float32: the slowest convolution ✓ 0.45 / 0.7, is 0.60" in text
    assert "0.50 × as fast as unfoldNd" in text
    assert "the best peer of each row: ✗ 3 / 5, reached 0.5 ×" in text
    assert missed_together([record("B1", 3.0), record("B1", 5.0, dtype="float64")]) == []


def test_without_numba_less_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "is_installed", lambda: False)
    records = [record("B1", 0.25), record("P1", 0.7)]
    assert {m.name: m.verdict for m in means(records) if m.verdict} == {"pooling": "✓ 0.6 / 1"}
    assert "the slowest convolution ✓ 0.2 / 0.35, is 0.25" in "\n".join(missed_together(records))


def test_peers_each_and_the_best_of_them() -> None:
    lines = against_peers([record("B1", peers={"a": 2.0, "b": 8.0}), record("D1", peers={"a": 8.0})])
    assert lines[0].startswith("* a: 4.0 × (geometric mean of 2 rows); least 2.00 on B1")
    assert lines[-1] == "* the best of them on each row: 4.0 × (geometric mean of 2 rows)"
    assert against_peers([record()]) == []


def test_torch_over_itself() -> None:
    words = control([record(), record("C1", control=ratio(1.05)), record("F5", control=None)])
    assert words == "geometric mean 1.025 over 2 measurements; outside ±3%: C1 float32 f+b 1.050"


def test_scale_compares_f5_with_f4() -> None:
    lines = scale([record("F4"), record("F5", ours={}), record("F5", phase="d2")])
    assert lines == ["* F5 over F4, float32, f+b, `fast`: 1.0 × the time, goal ≤ 5 ✓"]
    assert Standing(failure="x").ratio.median == 0
