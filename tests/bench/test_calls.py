"""The table of what a call costs: its rows, its columns, and that every way computes the same."""

import sys
from typing import Any

import pytest
import torch

from manualconv import nn
from manualconv.bench import calls
from manualconv.cli import main
from manualconv.torch_internals import function_modes
from tests.swap.networks import nodes

TINY = calls.Pace(rounds=1, calls=1, steps=1)

#: Functions of the package on the way of a call: what is read once must not be read again.
MOST = {"ReLU": 20, "Linear": 30, "Conv2d": 60, "BatchNorm2d": 50, "MaxPool2d": 70}


def test_every_row_has_a_time_by_every_way() -> None:
    rows = calls.measure(TINY)
    assert [row.name for row in rows] == [*calls.LAYERS, "LeNet-5, batch 64", "LeNet-5, batch 256"]
    assert [row.unit for row in rows] == [*["µs"] * len(calls.LAYERS), "ms", "ms"]
    for row in rows:
        assert tuple(row.times) == calls.WAYS and all(time > 0 for time in row.times.values()) and row.control > 0
    assert function_modes() == []


@pytest.mark.parametrize("name", calls.LAYERS)
def test_every_way_is_timed_with_a_graph_and_by_hand_where_it_says_so(name: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    ways = calls._calls(calls.LAYERS[name], x)
    assert {way for way, call in ways.items() if _has_ours(call())} == {"manualconv.nn", "converted", "by_hand"}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 calls up to three functions more on the way")
@pytest.mark.parametrize("name", calls.LAYERS)
def test_the_way_of_a_call_is_short(name: str) -> None:
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    layer = calls.LAYERS[name](nn)
    assert 0 < calls.python_calls(lambda: layer(x)) <= MOST[name]


def _has_ours(y: Any) -> bool:
    """Whether a node of ours is in a graph: torch's are numbered, but for the one at a leaf."""
    return any(not name[-1].isdigit() and not name.endswith("AccumulateGrad") for name in nodes(y))


def test_the_table_has_a_line_a_row_and_a_heading_a_column(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = dict(zip(calls.WAYS, (3.0, 25.0, 40.0, 38.0)))
    monkeypatch.setattr(calls, "measure", lambda: [calls.Row("ReLU", "µs", times, 1.01, 18)])
    assert main(["bench", "--calls"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert [head.index(way) for way in calls.WAYS] == sorted(head.index(way) for way in calls.WAYS)
    assert head.split()[-5:] == ["nn", "converted/nn", "torch/torch", "Python", "calls"]
    assert line.split() == ["ReLU", "µs", "3.0", "25.0", "40.0", "38.0", "15.0", "1.60", "1.01", "18"]
