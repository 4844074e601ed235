"""Timing: contenders in turn, in a new order every round, and ratios within a round.

What else runs on a machine comes and goes over seconds.  Two calls a few milliseconds apart meet the same weather, so
the ratio of a round is far steadier than the ratio of two means; the median over rounds is reported with a bootstrap
interval.  A matrix product of fixed size runs in every round as a canary: a round in which it is more than a tenth off
its median is dropped.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

Call = Callable[[], Any]

#: A sample is repeated until it takes this long, so that the clock's grain and the call of it do not count.
LEAST_SAMPLE = 1e-3
LEAST_ROUNDS = 5
#: Seconds that so many rounds may take: where a call takes seconds, a few of them tell as much.
LONGEST = 6.0
#: A round counts if its canary is this close to the median of canaries.
CANARY_BAND = 0.10


@dataclass(frozen=True)
class Pace:
    """When a measurement ends: after `rounds` rounds or `seconds` seconds, whichever comes first, at `LEAST_ROUNDS`.

    Where those take more than `LONGEST`, there are as many as fit, or one.
    """

    rounds: int = 25
    seconds: float = 2.0


@dataclass(frozen=True)
class Rounds:
    """Seconds of each contender, round by round, and how many rounds were dropped."""

    seconds: dict[str, list[float]]
    dropped: int

    def median(self, name: str) -> float:
        """The median time of one contender."""
        return statistics.median(self.seconds[name])

    def ratio(self, name: str, over: str) -> Ratio:
        """How many times as fast `name` is as `over`."""
        return Ratio.of([slow / fast for slow, fast in zip(self.seconds[over], self.seconds[name])])


@dataclass(frozen=True)
class Ratio:
    """A median of paired ratios and its 95 % bootstrap interval."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(ratios: list[float], resamples: int = 400) -> Ratio:
        """From the rounds' ratios; the resampling is seeded, so that a file of results can be computed again."""
        draw = random.Random(0)
        medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(resamples))
        return Ratio(statistics.median(ratios), medians[int(0.025 * resamples)], medians[int(0.975 * resamples) - 1])


def seconds_of(call: Call, times: int = 1) -> float:
    """The mean time of a call over a few calls in a row."""
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begin) / times


def _canary() -> Call:
    a = torch.randn(256, 256)
    return lambda: a @ a


def kept_rounds(canaries: list[float]) -> list[int]:
    """The rounds whose canary is within the band around the median, or the `LEAST_ROUNDS` that are nearest to it."""
    typical = statistics.median(canaries)
    kept = [n for n, c in enumerate(canaries) if abs(c - typical) <= CANARY_BAND * typical]
    if len(kept) < LEAST_ROUNDS:
        kept = sorted(sorted(range(len(canaries)), key=lambda n: abs(canaries[n] - typical))[:LEAST_ROUNDS])
    return kept


def interleaved(contenders: dict[str, Call], pace: Pace = Pace()) -> Rounds:
    """Time the contenders round by round, in a new order each time; each is called once before."""
    once = {name: seconds_of(call) for name, call in contenders.items()}
    times = {name: max(1, round(LEAST_SAMPLE / max(seconds, 1e-7))) for name, seconds in once.items()}
    least = min(LEAST_ROUNDS, max(1, int(LONGEST / max(sum(once.values()), 1e-7))))
    canary, order = _canary(), list(contenders)
    seconds_of(canary, 5)
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    canaries: list[float] = []
    shuffle, begin = random.Random(0), time.perf_counter()
    while len(canaries) < least or (len(canaries) < pace.rounds and time.perf_counter() - begin < pace.seconds):
        canaries.append(seconds_of(canary, 3))
        shuffle.shuffle(order)
        for name in order:
            samples[name].append(seconds_of(contenders[name], times[name]))
    kept = kept_rounds(canaries)
    return Rounds({name: [t[n] for n in kept] for name, t in samples.items()}, len(canaries) - len(kept))
