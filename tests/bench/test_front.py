"""The first tables of the results: ten layers beside other runs, and the letters."""

import json
from pathlib import Path

import pytest

from manualconv.bench import document
from manualconv.bench.front import FRONT, classes, front, speeds
from manualconv.bench.run import Options, chosen, phases
from manualconv.bench.suite import NETS, SUITE
from manualconv.bench.summary import CLASSES
from tests.bench.records import record, standing

RECORDS = [
    record("P1", 3.0),
    record("A5", 0.5, phase="f"),
    record("A5", 0.25),
    record("A5", 4.0, dtype="float64"),
    record("N1", 1.25, phase="step", fast=standing(1.5)),
    record("A4", 4.0),
]


def test_ten_rows_stand_in_the_order_of_their_words_and_no_others() -> None:
    heading, *lines = front(RECORDS, {})
    assert heading == ("layer", "row", "torch ms", "ours ms", "times as fast")
    assert [(line[0], line[1], line[4]) for line in lines] == [
        (FRONT["N1"], "N1", "**1.25**"),
        (FRONT["A5"], "A5", "**0.25**"),
        (FRONT["P1"], "P1", "**3.00**"),
    ]
    assert lines[1][2:4] == ("2.50", "10.00")  # ours takes 10 ms, torch a quarter
    assert len(FRONT) == 10
    assert set(FRONT) <= {*SUITE, *NETS}


def test_what_failed_has_no_times_and_is_0() -> None:
    failed = record("P2", 2.0, ours={"forbidden": ("aten::max_pool2d",)})
    (line,) = front([failed], {})[1:]
    assert line[4] == "**0.00**"


def test_another_run_is_a_column_where_it_has_the_row(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(
        document.as_json([record("A5", 0.75), record("A5", 9.0, phase="f"), record("P1", 8.0, dtype="float64")])
    )
    assert speeds(path) == {"A5": 0.75}
    heading, *lines = front(RECORDS, {"1 thread": speeds(path)})
    assert heading[5:] == ("1 thread",)
    assert [line[5:] for line in lines] == [("",), ("0.75",), ("",)]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"records": [1]}', '{"records": [{"id": "A5"}]}'])
def test_a_file_without_results_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"other\.json holds no results of manualconv bench --json"):
        speeds(path)
    with pytest.raises(ValueError, match=r"gone\.json holds no results of manualconv bench --json: No such file"):
        speeds(tmp_path / "gone.json")


def test_a_class_has_its_letter_its_means_and_its_slowest_row() -> None:
    heading, *lines = classes(RECORDS)
    assert heading == ("letter", "class", "float32", "float32, fast", "float64", "float64, fast", "slowest in float32")
    assert lines == [
        ("A–H", "convolution", "1.00", "", "4.00", "", "A5 0.25"),
        ("P", "pooling", "3.00", "", "", "", "P1 3.00"),
        ("A", "small images", "1.00", "", "4.00", "", "A5 0.25"),
        ("N", "training steps", "1.25", "1.50", "", "", "N1 1.25"),
    ]
    assert set(CLASSES) == {id[0] for id in (*SUITE, *NETS)}


def test_the_front_rows_are_run_by_themselves() -> None:
    assert set(chosen(Options(front=True))) == set(FRONT)
    assert phases("A2", "float32", True) == ("f+b",)
    assert json.loads(document.as_json([]))["machine"].keys() >= {"threads", "instructions", "numba"}
