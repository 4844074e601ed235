"""A run: one small row from end to end, exceptions that stay in their row, and an interruption that loses nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from manualconv.bench import document, measure, run, timing
from manualconv.bench.machine import Roof
from manualconv.bench.measure import measured
from manualconv.bench.record import Record
from manualconv.bench.run import Options
from manualconv.bench.steps import measured_step
from manualconv.bench.suite import SUITE
from manualconv.bench.timing import Pace
from manualconv.kernels.correlation.direct import PRODUCTS
from tests.bench.records import record

#: The module, whose name in the package is the function's.
RUN = import_module("manualconv.bench.run")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "LEAST_SAMPLE", 0.0)
    for module in (document, measure):
        monkeypatch.setattr(module, "roof", lambda _: Roof(2e11, 1e10))
    monkeypatch.setattr(RUN, "PACES", dict.fromkeys(RUN.PACES, Pace(5, 0.0)))


def test_a_row_from_end_to_end(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("all.json", "BENCHMARKS.md", "speed.svg")]
    found = run(Options(("A5",), False, ("float32", "float64"), *files))
    assert [(r.dtype, r.phase) for r in found] == [(d, p) for d in ("float32", "float64") for p in ("f", "f+b")]
    for r in found:
        assert r.speed() > 0
        assert r.in_tier("exact")
        assert {"torch", "torch again", "torch channels_last", "manualconv"} <= set(r.seconds)
        assert r.torch_error is not None and 0 < r.torch_error < 1e-6
        assert not r.exact.forbidden
        assert set(r.exact.maps) <= set(PRODUCTS)
        assert not r.failures
    assert "unfold + matmul" in found[1].peers
    assert not found[0].peers
    assert len(json.loads(files[0].read_text(encoding="utf-8"))["records"]) == 4
    assert "| A5 | latency | float64 | f+b |" in files[1].read_text(encoding="utf-8")


def test_fast_is_timed_where_it_chooses_otherwise() -> None:
    row = replace(SUITE["B4"], input=(2, 128, 28, 28))
    r = measured(row, "float64", "f+b", Pace(5, 0.0))
    assert r.fast is not None
    assert r.exact.error < r.fast.error < 1e-12
    assert r.in_tier("exact")
    assert r.in_tier("fast")
    assert r.speed("fast") > 0


def test_torch_s_own_layers_inside_ours_count_as_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "by_hand", measure.builtin)
    r = measured(SUITE["A5"], "float32", "f", Pace(5, 0.0), with_peers=False)
    assert r.exact.forbidden
    assert r.speed() == 0


def test_a_wrong_result_counts_as_0(monkeypatch: pytest.MonkeyPatch) -> None:
    right = measure.by_hand
    monkeypatch.setattr(measure, "by_hand", lambda row: lambda x, w: 1.01 * right(row)(x, w))
    r = measured(SUITE["A5"], "float32", "f+b", Pace(5, 0.0), with_peers=False)
    assert r.exact.error == pytest.approx(0.01, rel=1e-3)
    assert r.speed() == 0


def test_an_exception_stays_in_its_contender(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> object:
        raise OSError("no such\nthing")

    monkeypatch.setattr(measure, "by_hand", broken)
    r = measured(SUITE["A5"], "float32", "f+b", Pace(5, 0.0))
    assert r.exact.failure == "OSError: no such"
    assert r.speed() == 0
    assert r.seconds["torch"] > 0
    monkeypatch.undo()
    monkeypatch.setattr(measure, "peers", lambda _: {"julius": lambda: broken(None)})
    r = measured(SUITE["A5"], "float32", "f+b", Pace(5, 0.0))
    assert r.failures == {"julius": "OSError: no such"}
    assert r.speed() > 0


def test_what_takes_torch_long_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "ONCE", 0.0)
    r = measured(SUITE["A5"], "float64", "f+b", Pace(5, 0.0))
    assert r.control is None
    assert r.note.startswith("torch was timed once, since a call of it took ")
    assert r.speed() > 0


def test_an_exception_in_a_row_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Record:
        raise MemoryError("full")

    monkeypatch.setattr(RUN, "measured", broken)
    found = run(Options(("A5",), True, ("float32",)))
    assert [(r.id, r.exact.failure, r.goal, r.speed()) for r in found] == [("A5", "MemoryError: full", (0.45, 0.8), 0)]


def test_an_interrupted_run_writes_what_there_is(tmp_path: Path) -> None:
    def interrupted(_: Options) -> Iterator[Record]:
        yield record("A1")
        raise KeyboardInterrupt

    path = tmp_path / "results" / "BENCHMARKS.md"
    assert len(run(Options(output=path), interrupted)) == 1
    text = path.read_text(encoding="utf-8")
    assert "The run was interrupted: what follows is not the whole suite." in text
    assert "| A1 | name |" in text


def test_a_training_step_is_the_same_step() -> None:
    r = measured_step("N3", "float64", Pace(5, 0.0))
    assert r.exact.error < 1e-12
    assert not r.exact.forbidden
    assert r.speed() > 0
    assert r.goal == (2.5, 6)
