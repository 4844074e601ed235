"""``manualconv check``: what the command does with its options."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from manualconv.testing.adapters import Unusable, signature
from manualconv.testing.examiner import report
from manualconv.testing.examiner.abilities import MODES
from manualconv.testing.examiner.asking import Task
from manualconv.testing.examiner.examination import Examination, Judge, examine
from manualconv.testing.examiner.families import FAMILIES
from manualconv.testing.examiner.features import EXTENSIONS, OPERANDS
from manualconv.testing.examiner.opcheck import OPCHECK
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.target import LIBRARIES, Target, named
from manualconv.testing.laws.operation import LAWS

#: What any operation may have, beside its options and the modes; and where it pads.
ALWAYS = ("forward", "gradients", "float64", "unbatched", "empty batch", "channels-last")
PADDINGS = ("string padding", *sorted(EXTENSIONS))
#: Characters of a bar.
BAR = 30
#: Cases a law, where it is asked in full.
PROFILES = {"smoke": 25, "ci": 150, "deep": 1000}


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    target: str
    operation: str | None = None
    only: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    tier: str = "direct"
    profile: str = "ci"
    seed: int = 0
    timeout: float = 30.0
    device: str = "cpu"
    dtype: str = ""
    json: Path | None = None


def tasks(wish: Wish) -> list[Task]:
    """One for each operation.  Raises `Unusable` for what there is not."""
    targets = named(wish.target, wish.operation)
    names = [*LAWS, OPCHECK, *(law for target in targets for law in FAMILIES.get(target.operation, {}))]
    for word in wish.only:
        if not any(word.lower() in name.lower() for name in names):
            raise Unusable(f"no law has {word!r} in its name; there are: {'; '.join(dict.fromkeys(names))}")
    share = 3 if len(targets) > 1 and wish.profile == "ci" else 1
    for target in targets[:1]:
        _known(wish, target)
    return [
        Task(
            *(target, PROFILES[wish.profile] // share, wish.seed, wish.tier),
            only=wish.only,
            without=wish.without,
            device=wish.device,
            base=wish.dtype,
        )
        for target in targets
    ]


def _known(wish: Wish, target: Target) -> None:
    """Raise `Unusable` for an ability that no operation has."""
    named = signature(target.operation).parameters.values()
    options = {p.name for p in named if p.default is not p.empty and (p.name not in OPERANDS or p.default is None)}
    there = {*ALWAYS, *MODES, *options, *(PADDINGS if "padding" in options else ())}
    for word in (*wish.require, *wish.without):
        if word not in there:
            near = get_close_matches(word, there, 3)
            instead = f" ({', '.join(near)}?)" if near else ""
            raise Unusable(f"there is no ability {word!r}{instead}; there are: {', '.join(sorted(there))}")


@contextmanager
def watched(count: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, a line for each step elsewhere."""
    if not sys.stderr.isatty():
        yield lambda text: print(text, file=sys.stderr, flush=True)
        return
    done, begin = 0, time.monotonic()

    def step(text: str) -> None:
        nonlocal done
        done += 1
        filled = BAR * done // max(count, done)
        bar, width = "=" * filled + " " * (BAR - filled), get_terminal_size().columns
        line = f"[{bar}] {done}/{max(count, done)} {time.monotonic() - begin:.0f} s  {text}"
        print(f"\r{line[: width - 1]}\x1b[K", end="", file=sys.stderr, flush=True)

    try:
        yield step
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def run(wish: Wish) -> int:
    """Examine, print, and return the exit code: 0 all passed, 1 any failed, 2 nothing to examine."""
    try:
        todo = tasks(wish)
    except Unusable as error:
        print(f"manualconv check: {error}", file=sys.stderr)
        return 2
    jobs = min(len(todo), os.cpu_count() or 1)
    per_task = len(LAWS) + max(len(FAMILIES.get(task.target.operation, {})) for task in todo)
    with watched(len(todo) if len(todo) > 1 else per_task) as step, ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda task: _examined(task, wish, step, len(todo) > 1), todo))
    for each in found:
        _print(each, wish, short=wish.target in LIBRARIES)
    if wish.json is not None:
        wish.json.write_text(report.as_json(found, wish.require, wish.seed), encoding="utf-8")
    if not any(each.abilities for each in found):
        return 2
    wrong = sum(bool(report.failed(each, wish.require)) for each in found)
    laws = sum(len(each.outcomes) for each in found)
    cases = sum(outcome.reached for each in found for outcome in each.outcomes)
    tried = f"{len(found)} examined by {laws} laws on {cases:,} cases, seed {wish.seed}"
    print(f"{tried}: {len(found) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


def _examined(task: Task, wish: Wish, step: Callable[[str], None], many: bool) -> Examination:
    judge = Judge()

    def progress(outcome: Outcome) -> None:
        if not many:
            step(f"{report.verdict(outcome)} {outcome.law}")

    try:
        found = examine(task, judge, wish.timeout, progress)
    finally:
        judge.close()
    if many:
        step(f"{task.target.operation}: {'FAILED' if report.failed(found, wish.require) else 'passed'}")
    return found


def _print(found: Examination, wish: Wish, short: bool) -> None:
    said: Sequence[Any] = report.lines(found, wish.require)
    if short and not report.failed(found, wish.require):
        reached = sum(outcome.reached for outcome in found.outcomes)
        counts = f"{len(found.outcomes):4} laws {reached:6,} cases {found.seconds:5.0f} s"
        said = [f"{found.task.target.operation:26} passed {counts}"]
    print(*said, sep="\n", flush=True)
