"""The suite: its rows are those of the plan, and torch makes of them what they say."""

import pytest
import torch

from manualconv.bench.contenders import algorithms, builtin
from manualconv.bench.run import Options, chosen, phases
from manualconv.bench.suite import CHURN, DOUBLE_BACKWARD, NETS, QUICK, SUITE

LENGTHS = {"A": 5, "B": 6, "C": 4, "D": 5, "E": 2, "F": 6, "G": 3, "H": 4, "P": 6}


def test_the_rows_are_numbered_by_class() -> None:
    assert list(SUITE) == [f"{letter}{n}" for letter, count in LENGTHS.items() for n in range(1, count + 1)]
    assert all(row.id == id for id, row in SUITE.items())
    assert {*QUICK, *DOUBLE_BACKWARD, *CHURN} <= {*SUITE, *NETS}


@pytest.mark.parametrize("id", SUITE)
def test_torch_gives_the_output_that_a_row_says(id: str) -> None:
    row = SUITE[id]
    x, w = torch.empty(row.input, device="meta"), torch.empty(row.weight, device="meta")
    assert builtin(row)(x, w).shape == row.output


@pytest.mark.parametrize(("id", "placements"), [("A2", 256 * 10 * 10), ("D2", 4 * 56 * 56), ("H1", 16 * 8 * 8)])
def test_operations_are_two_for_each_tap_of_each_pair_of_channels(id: str, placements: int) -> None:
    row = SUITE[id]
    pairs = row.input[1] * row.outputs // row.groups
    taps = row.kernel[0] * row.kernel[1]
    assert row.flops() == 2 * placements * taps * pairs


def test_goals_belong_to_a_dtype_and_a_phase() -> None:
    row = SUITE["B3"]
    assert row.goal("float32") == (0.6, 1.2)
    assert row.goal("float64") == (1.4, 3)
    assert row.goal("float64", "d2") == (2.0, 4)
    assert row.goal("float32", "f") is None
    assert SUITE["H4"].goal("float32", "churn") == (3, 8)


def test_rows_are_chosen_by_id_or_class() -> None:
    assert chosen(Options(only=("D", "A5"))) == ["A5", "D1", "D2", "D3", "D4", "D5"]
    assert chosen(Options(quick=True)) == [id for id in (*SUITE, *NETS) if id in QUICK]
    assert chosen(Options()) == [*SUITE, *NETS]
    with pytest.raises(ValueError, match="no row Q7 in the suite; its rows are A1, A2"):
        chosen(Options(only=("A1", "Q7")))


def test_phases_of_a_row() -> None:
    assert phases("N1", "float32", brief=True) == ("step",)
    assert phases("B3", "float64", brief=False) == ("f", "f+b", "d2")
    assert phases("B3", "float64", brief=True) == ("f+b",)
    assert phases("H4", "float32", brief=False) == ("f", "f+b", "churn")
    assert phases("F5", "float64", brief=False) == ("f+b",)


def test_three_maps_have_an_algorithm_and_pooling_has_none() -> None:
    assert algorithms(SUITE["P1"], torch.float32, "fast") == ()
    assert len(algorithms(SUITE["H1"], torch.float64, "exact")) == 3
    assert algorithms(SUITE["B2"], torch.float32, "exact") != algorithms(SUITE["B2"], torch.float32, "fast")
