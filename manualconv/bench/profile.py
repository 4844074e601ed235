"""Where the time of a small call and of two training steps goes: checks, autograd, kernels, or what is around them.

The clock says how long a call takes.  A profile of many calls says which part of the package a share of it belongs to;
a built-in function counts to the Python function that calls it, and a compiled loop to the kernel that starts it.  The
profiler slows Python more than arithmetic, so that the shares of the kernels are rather too small than too large.

Operations are those that torch dispatches below autograd, clones and reads of an entry among them: on a device that
runs behind the program every read waits.
"""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import manualconv
from manualconv import nn
from manualconv.bench import nets
from manualconv.bench.contenders import builtin, by_hand
from manualconv.bench.phases import phase_of, tensors
from manualconv.bench.suite import SUITE
from manualconv.bench.timing import Call, seconds_of
from manualconv.torch_internals import OperatorMode

PARTS = ("checks", "autograd", "kernels", "around")
#: The floors of the package that are not checks.
FLOORS = {"autograd": "autograd", "torch_internals": "autograd", "kernels": "kernels"}
PACKAGE = Path(manualconv.__file__).parent
CLONES, READS = ("aten.clone", "aten._to_copy"), ("aten._local_scalar_dense",)


@dataclass(frozen=True)
class Pace:
    """Rounds in which ours and torch's take turns, seconds of calls in each, and calls that are profiled."""

    rounds: int = 30
    seconds: float = 0.02
    calls: int = 60


@dataclass(frozen=True)
class Profile:
    """One call: its seconds, each part's share of them, none for torch's own, and what was dispatched."""

    row: str
    who: str
    seconds: float
    shares: dict[str, float]
    operations: int
    clones: int
    reads: int


class _Dispatched(OperatorMode):
    """Counts the operations that pass through it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count and go on."""
        self.names[str(op).rpartition(".")[0]] += 1
        return op(*args, **(kwargs or {}))


def calls() -> dict[str, tuple[Call, Call]]:
    """By row: ours and torch's, in float32."""
    found: dict[str, tuple[Call, Call]] = {}
    row = SUITE["A5"]
    given = tensors(row, torch.float32)
    found[f"A5 {row.name}"] = phase_of(by_hand(row), row, given, "f+b"), phase_of(builtin(row), row, given, "f+b")
    for id in ("N1", "N2"):
        found[f"{id} {nets.NAMES[id]}"] = (
            nets.step(id, nn, torch.float32),
            nets.step(id, torch.nn, torch.float32),
        )
    return found


def part_of(file: str) -> str:
    """The part that a file of Python belongs to."""
    path = Path(file)
    if PACKAGE not in path.parents:
        return "around"
    return FLOORS.get(path.relative_to(PACKAGE).parts[0], "checks")


def shares_of(call: Call, count: int) -> dict[str, float]:
    """Each part's share of the profiled time."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(count):
        call()
    profiler.disable()
    seconds = dict.fromkeys(PARTS, 0.0)
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        if file != "~":
            seconds[part_of(file)] += own
            continue
        for (caller, _, _), (_, _, of_caller, _) in callers.items():
            seconds[part_of(caller)] += of_caller
    total = sum(seconds.values())
    return {part: each / total for part, each in seconds.items()}


def dispatched(call: Call) -> Counter[str]:
    """How often each operation is dispatched in one call."""
    with _Dispatched() as counting:
        call()
    names: Counter[str] = counting.names
    return names


def measure(pace: Pace = Pace()) -> list[Profile]:
    """Every row, ours above torch's."""
    found: list[Profile] = []
    for name, pair in calls().items():
        ways = dict(zip(("manualconv", "torch"), pair))
        once = {who: seconds_of(call, 3) for who, call in ways.items()}
        repeated = {who: max(1, round(pace.seconds / once[who])) for who in ways}
        least = dict.fromkeys(ways, float("inf"))
        for _ in range(pace.rounds):
            for who, call in ways.items():
                least[who] = min(least[who], seconds_of(call, repeated[who]))
        for who, call in ways.items():
            shares = shares_of(call, pace.calls) if who == "manualconv" else {}
            names = dispatched(call)
            clones, reads = (sum(names[op] for op in ops) for ops in (CLONES, READS))
            found.append(Profile(name, who, least[who], shares, names.total(), clones, reads))
    return found


def table(profiles: list[Profile]) -> str:
    """The rows as plain text: microseconds by the clock, and what each part has of them."""
    head = f"{'f+b of a call, or a step':<24}{'':<12}{'µs':>9}" + "".join(f"{part:>10}" for part in PARTS)
    lines = [head + f"{'operations':>12}{'clones':>8}{'reads':>7}"]
    for each in profiles:
        times = [f"{1e6 * each.seconds * share:.0f}" for share in each.shares.values()] or [""] * len(PARTS)
        parts = "".join(f"{time:>10}" for time in times)
        counts = f"{each.operations:>12}{each.clones:>8}{each.reads:>7}"
        lines.append(f"{each.row:<24}{each.who:<12}{1e6 * each.seconds:>9.0f}{parts}{counts}")
    return "\n".join(lines)
