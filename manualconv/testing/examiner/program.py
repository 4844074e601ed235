"""What is done with the options of an examination: by ``manualconv check``, and item by item by the pytest plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from difflib import get_close_matches
from queue import Queue
from typing import Any

from manualconv.testing.adapters import Unusable, signature
from manualconv.testing.catalogue import OPERATIONS
from manualconv.testing.examiner import report
from manualconv.testing.examiner.abilities import MODES
from manualconv.testing.examiner.asking import Task
from manualconv.testing.examiner.endings import ended_by_signals
from manualconv.testing.examiner.examination import Examination, Judge, examine, live
from manualconv.testing.examiner.families import FAMILIES, NEEDS
from manualconv.testing.examiner.features import EXTENSIONS, OPERANDS
from manualconv.testing.examiner.opcheck import OPCHECK
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.target import Target, named
from manualconv.testing.laws.operation import LAWS
from manualconv.testing.options import LIBRARIES, Wish

#: What any operation may have, beside its options and the modes; and where it pads.
ALWAYS = ("forward", "gradients", "float64", "unbatched", "empty batch", "channels-last")
PADDINGS = ("string padding", *sorted(EXTENSIONS))
#: Laws that are named where none of that name is.
NEAR = 5
#: Cases a law, where it is asked in full.
PROFILES = {"smoke": 25, "ci": 150, "deep": 1000}


def _other(word: str, laws: Sequence[str]) -> str:
    """What may have been meant."""
    if word in OPERATIONS:
        return f"one operation of a library is asked for by --as {word}"
    near = [law for law in dict.fromkeys(laws) if get_close_matches(word.lower(), law.lower().split(), 1, 0.7)]
    return f"near are: {'; '.join(near[:NEAR])}" if near else "a report names those that were asked"


def tasks(wish: Wish) -> list[Task]:
    """One for each operation.  Raises `Unusable` for what there is not."""
    targets = named(wish.target, wish.operation)
    names = [*LAWS, OPCHECK, *(law for target in targets for law in FAMILIES.get(target.operation, {}))]
    for word in wish.only:
        if not any(word.lower() in name.lower() for name in names):
            raise Unusable(f"no law has {word!r} in its name; {_other(word, names)}")
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


def laws(task: Task) -> dict[str, frozenset[str]]:
    """Those that a target may be asked, in their order, and the abilities that each needs."""
    own = task.target.text == "manualconv"
    found = {name: law.needs for name, law in LAWS.items()}
    if task.target.is_an_operator():
        found[OPCHECK] = frozenset()
    for name, law in FAMILIES.get(task.target.operation, {}).items() if task.tier == "direct" else ():
        if own or law.needs <= NEEDS.keys():
            found[name] = frozenset(NEEDS[need] for need in law.needs if need in NEEDS) | {"gradients"}
    return {
        name: needs
        for name, needs in found.items()
        if not task.only or any(word.lower() in name.lower() for word in task.only)
    }


def unloadable(target: Target, timeout: float) -> str:
    """Why a target cannot be imported, or examined at all, found out in a process of its own; "" if it can."""
    said: list[str] = []

    def heard(kind: str, *rest: Any) -> None:
        if kind in ("unusable", "broken"):
            said.append(rest[0])

    # With nothing to ask, the process ends when the target is loaded, and nobody is asked to judge.
    nobody: Any = None
    nothing = Task(target, 0, 0, "direct", abilities={"forward": "unsupported: not asked"}, all_asked=True)
    life = live(nothing, nobody, timeout, heard)
    return f"importing it {life.end}" if life.end else "".join(said)


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
    """A bar on a terminal, by `rich` if it is there; elsewhere a line for each step."""
    bar = _bar() if sys.stderr.isatty() else None
    if bar is None:
        yield lambda text: print(text, file=sys.stderr, flush=True)
        return
    with bar:
        task = bar.add_task("", total=count)
        yield lambda text: bar.update(task, advance=1, description=text)


def _bar() -> Any:
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:
        return None
    return Progress(console=Console(stderr=True), transient=True)


def run(wish: Wish) -> int:
    """Examine, print, and return the exit code: 0 all passed, 1 any failed, 2 nothing to examine."""
    try:
        todo = tasks(wish)
    except Unusable as error:
        print(f"manualconv check: {error}", file=sys.stderr)
        return 2
    with ended_by_signals():
        return _run(wish, todo)


def _run(wish: Wish, todo: Sequence[Task]) -> int:
    jobs = min(len(todo), os.cpu_count() or 1)
    per_task = max(len(laws(task)) for task in todo)
    judges: Queue[Judge] = Queue()
    with ExitStack() as stack:
        step = stack.enter_context(watched(len(todo) if len(todo) > 1 else per_task))
        for _ in range(jobs):
            judges.put(stack.enter_context(closing(Judge())))
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        found = list(pool.map(lambda task: _watched(task, wish, step, len(todo) > 1, judges), todo))
    for each in found:
        _print(each, wish, short=wish.target in LIBRARIES)
    if wish.json is not None:
        wish.json.write_text(report.as_json(found, wish.require, wish.seed), encoding="utf-8")
    if not any(each.abilities for each in found):
        return 2
    if len(found) > 1:
        print(*report.quotas(found), sep="\n")
    wrong = sum(bool(report.failed(each, wish.require)) for each in found)
    asked = sum(len(each.outcomes) for each in found)
    cases = sum(outcome.reached for each in found for outcome in each.outcomes)
    tried = f"{len(found)} examined by {asked} laws on {cases:,} cases, seed {wish.seed}"
    known = sum(report.is_known(each, wish.require) for each in found)
    of_torch = f", {known} of them by what is known of torch alone" if known else ""
    print(f"{tried}: {len(found) - wrong} passed, {wrong} failed{of_torch}")
    return 1 if wrong else 0


def examined(
    task: Task, timeout: float, heard: Callable[[Outcome], None], into: Examination | None = None
) -> Examination:
    """One target, with a judge of its own; `heard` gets each law's outcome at once."""
    with closing(Judge()) as judge:
        return examine(task, judge, timeout, heard, into)


def _watched(task: Task, wish: Wish, step: Callable[[str], None], many: bool, judges: Queue[Judge]) -> Examination:
    def heard(outcome: Outcome) -> None:
        if not many:
            step(f"{report.verdict(outcome)} {outcome.law}")

    judge = judges.get()
    try:
        found = examine(task, judge, wish.timeout, heard)
    finally:
        judges.put(judge)
    if many:
        wrong = report.failed(found, wish.require)
        of_torch = " (known of torch)" * report.is_known(found, wish.require)
        step(f"{task.target.operation}: {f'FAILED: {wrong[0]}{of_torch}' if wrong else 'passed'}")
    return found


def _print(found: Examination, wish: Wish, short: bool) -> None:
    said: Sequence[Any] = report.lines(found, wish.require)
    if short and not report.failed(found, wish.require):
        reached = sum(outcome.reached for outcome in found.outcomes)
        counts = f"{len(found.outcomes):4} laws {reached:6,} cases {found.seconds:5.0f} s"
        said = [f"{found.task.target.operation:26} passed {counts}"]
    print(*said, sep="\n", flush=True)
