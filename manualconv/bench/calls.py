"""What a call costs: small layers of torch's, of ours, converted, and inside `by_hand`, in microseconds.

A small image leaves little arithmetic, so that what is seen is the way to it: Python, hooks and modes.  Each call
records its graph, as in training.  The last rows are a training step of LeNet-5 in milliseconds, where the same costs
lie beside real work.  Ways take turns within a round and the fastest round counts: what else runs on the machine can
only add.  ``Python calls`` are those of the package's own functions in one call of its layer, which no machine changes.
The column ``torch/torch`` is a second layer of torch's over the first: how far equal things differ.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

import manualconv
from manualconv import nn
from manualconv.bench import nets
from manualconv.bench.timing import Call, seconds_of

WAYS = ("torch", "manualconv.nn", "converted", "by_hand")
_AGAIN = "torch again"

#: The layers, from a library with torch.nn's names; all take one image of 4×8×8.
LAYERS: dict[str, Callable[[Any], torch.nn.Module]] = {
    "ReLU": lambda library: library.ReLU(),
    "Linear": lambda library: library.Linear(8, 8),
    "Conv2d": lambda library: library.Conv2d(4, 4, 3),
    "BatchNorm2d": lambda library: library.BatchNorm2d(4),
    "MaxPool2d": lambda library: library.MaxPool2d(2),
}
BATCHES = (64, 256)


@dataclass(frozen=True)
class Pace:
    """How many rounds, and how many calls in a row in each: few, so that a sample is over before others run."""

    rounds: int = 1000
    calls: int = 5
    steps: int = 25


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: of the layer, or of the step.
        unit: ``'µs'`` a call, or ``'ms'`` a step.
        times: by the names in `WAYS`.
        control: a second time of torch's over the first.
        frames: how many of the package's functions Python calls on the way, in ``manualconv.nn``.
    """

    name: str
    unit: str
    times: dict[str, float]
    control: float
    frames: int = 0

    @property
    def added(self) -> float:
        """What a converted layer costs more than one of `manualconv.nn`."""
        return self.times["converted"] - self.times["manualconv.nn"]

    @property
    def ratio(self) -> float:
        """How many times as long it takes."""
        return self.times["converted"] / self.times["manualconv.nn"]


def measure(pace: Pace = Pace()) -> list[Row]:
    """Every row of the table.

    Args:
        pace: rounds and calls; the default takes about half a minute.
    """
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    rows = [_row(name, "µs", 1e6, _calls(make, x), pace.rounds, pace.calls) for name, make in LAYERS.items()]
    return rows + [_row(f"LeNet-5, batch {n}", "ms", 1e3, _steps(n), pace.steps, 1) for n in BATCHES]


def _calls(make: Callable[[Any], torch.nn.Module], x: Tensor) -> dict[str, Call]:
    theirs, blocked, again = (make(torch.nn) for _ in range(3))
    ours, converted = make(nn), manualconv.convert(make(torch.nn))
    return _by_way(lambda: theirs(x), lambda: ours(x), lambda: converted(x), lambda: blocked(x), lambda: again(x))


def _steps(batch: int) -> dict[str, Call]:
    theirs, blocked, again = (nets.step("N1", torch.nn, torch.float32, batch) for _ in range(3))
    ours = nets.step("N1", nn, torch.float32, batch)
    converted = nets.step("N1", torch.nn, torch.float32, batch, manualconv.convert)
    return _by_way(theirs, ours, converted, blocked, again)


def _by_way(theirs: Call, ours: Call, converted: Call, blocked: Call, again: Call) -> dict[str, Call]:
    def inside() -> Any:
        with manualconv.by_hand():
            return blocked()

    return dict(zip((*WAYS, _AGAIN), (theirs, ours, converted, inside, again)))


def python_calls(call: Call) -> int:
    """How many functions of the package Python calls, when all that is remembered has been seen."""
    folder, found = str(Path(manualconv.__file__).parent), [0]

    def seen(frame: FrameType, event: str, _: Any) -> None:
        found[0] += event == "call" and frame.f_code.co_filename.startswith(folder)

    call()
    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        call()
    finally:
        sys.setprofile(before)
    return found[0]


def _row(name: str, unit: str, scale: float, ways: dict[str, Call], rounds: int, calls: int) -> Row:
    least, order, shuffle = dict.fromkeys(ways, float("inf")), list(ways), random.Random(0)
    for call in ways.values():
        seconds_of(call, 2)
    for _ in range(rounds):
        shuffle.shuffle(order)
        for way in order:
            least[way] = min(least[way], seconds_of(ways[way], calls))
    times = {way: scale * least[way] for way in WAYS}
    return Row(name, unit, times, least[_AGAIN] / least["torch"], python_calls(ways["manualconv.nn"]))


def table(rows: list[Row]) -> str:
    """The rows as plain text, a line each under one of headings."""
    head = f"{'a call or a step':<20}{'':>4}" + "".join(f"{way:>15}" for way in WAYS)
    lines = [head + f"{'converted − nn':>16}{'converted/nn':>14}{'torch/torch':>13}{'Python calls':>14}"]
    for row in rows:
        times = "".join(f"{row.times[way]:>15.1f}" for way in WAYS)
        judged = f"{row.added:>16.1f}{row.ratio:>14.2f}{row.control:>13.2f}{row.frames:>14}"
        lines.append(f"{row.name:<20}{row.unit:>4}{times}{judged}")
    return "\n".join(lines)
