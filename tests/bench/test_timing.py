"""Rounds: every contender in each, those in bad weather dropped, ratios within a round."""

from collections import Counter

import pytest

from manualconv.bench import timing
from manualconv.bench.timing import Pace, Ratio, Rounds, interleaved, kept_rounds


def test_rounds_near_the_median_canary_are_kept() -> None:
    assert kept_rounds([1.0, 1.05, 0.95, 1.3, 1.0, 0.5, 1.09]) == [0, 1, 2, 4, 6]


def test_five_rounds_are_kept_however_bad_the_weather() -> None:
    assert kept_rounds([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 5.0]) == [0, 1, 2, 3, 6]


@pytest.mark.parametrize(("pace", "expected"), [(Pace(9, 60), 9), (Pace(1, 60), 5), (Pace(500, 0), 5)])
def test_every_contender_runs_in_every_round(monkeypatch: pytest.MonkeyPatch, pace: Pace, expected: int) -> None:
    monkeypatch.setattr(timing, "LEAST_SAMPLE", 0.0)
    calls: list[str] = []
    found = interleaved({name: lambda name=name: calls.append(name) for name in "abc"}, pace)
    assert Counter(calls) == dict.fromkeys("abc", expected + 1)
    rounds = ["".join(calls[n : n + 3]) for n in range(3, len(calls), 3)]
    assert all(sorted(order) == ["a", "b", "c"] for order in rounds)
    assert len(set(rounds)) > 1
    assert found.dropped == expected - len(found.seconds["a"])
    assert len({len(seconds) for seconds in found.seconds.values()}) == 1


@pytest.mark.parametrize(("longest", "expected"), [(0.0, 1), (60.0, 5)])
def test_slow_calls_have_as_many_rounds_as_fit(monkeypatch: pytest.MonkeyPatch, longest: float, expected: int) -> None:
    monkeypatch.setattr(timing, "LONGEST", longest)
    found = interleaved({name: lambda: sum(range(9999)) for name in "ab"}, Pace(500, 0))
    assert [len(seconds) for seconds in found.seconds.values()] == [expected] * 2
    assert found.ratio("a", "b").low <= found.ratio("a", "b").median <= found.ratio("a", "b").high


def test_a_ratio_is_paired_and_says_how_many_times_as_fast() -> None:
    rounds = Rounds({"ours": [1.0, 2.0, 4.0], "torch": [3.0, 6.0, 12.0]}, 0)
    assert rounds.ratio("ours", "torch") == Ratio(3.0, 3.0, 3.0)
    assert rounds.median("torch") == 6.0


def test_the_interval_holds_the_median_and_can_be_computed_again() -> None:
    ratios = [float(n) for n in range(1, 42)]
    found = Ratio.of(ratios)
    assert found == Ratio.of(ratios)
    assert found.median == 21
    assert 10 < found.low < 21 < found.high < 32
    assert Ratio.of(ratios * 9).high - Ratio.of(ratios * 9).low < found.high - found.low
