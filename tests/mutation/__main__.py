"""``python -m tests.mutation``: does a test notice a small change?  Exits with 1 if a survivor is not explained.

All mutants of manualconv/geometry are tried, and a seeded sample of the other floors.  A run that is stopped goes on
where it was.  Survivors are explained in tests/mutation/explained.json, by what the change looks like.  Writes
docs/MUTATION.md.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from threading import Lock
from time import monotonic

from tests.mutation import page, reach, session
from tests.mutation.mutants import Mutant, sample
from tests.mutation.trials import Trials

LOCK = Lock()


class Queue:
    """Mutants that several threads take, until the time is over."""

    def __init__(self, mutants: Sequence[Mutant], minutes: float) -> None:
        self.mutants, self.until = iter(mutants), monotonic() + 60 * minutes

    def __iter__(self) -> Iterator[Mutant]:
        while monotonic() < self.until:
            with LOCK:
                mutant = next(self.mutants, None)
            if mutant is None:
                return
            yield mutant


def try_all(trials: Trials, lines: reach.Lines, queue: Queue, counts: Counter[str], total: int) -> None:
    """Try what is in the queue; say which survived, and now and then how far it is."""
    for result in session.tried(trials, lines, iter(queue)):
        with LOCK:
            session.keep(result)
            counts[result.outcome.kind] += 1
            if result.outcome.kind == "survived":
                change = result.change
                print(f"survived: {change.file}, {change.where}: {change.before}  →  {change.after}", flush=True)
            if sum(counts.values()) % 50 == 0:
                print(f"{sum(counts.values())} of {total}: {dict(counts)}", flush=True)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser("python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="PATH", default=["manualconv/"], help="files that begin like this")
    parser.add_argument("--sample", type=int, default=600, metavar="N", help="mutants outside of geometry (600)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default 1)")
    parser.add_argument(
        "--minutes", type=float, default=90, help="after which no other mutant is begun; 0 writes the page alone"
    )
    parser.add_argument("--jobs", type=int, default=2, help="copies of the tree, a process each (default 2)")
    parser.add_argument("--again", action="store_true", help="try survivors that are not explained again")
    parser.add_argument(
        "--profile", default="mc-smoke", help="of tests/conftest.py (mc-smoke); survivors may need mc-ci"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> bool:
    """Try what has not been tried, write the page, and say whether every survivor is explained."""
    asked = options(arguments)
    if find_spec("cosmic_ray") is None or find_spec("coverage") is None:
        raise SystemExit("cosmic-ray and coverage are needed: make mutation installs them")
    there = session.listed()
    drawn = sample(there, asked.sample, asked.seed)
    known, why = session.results(), page.explanations()
    again = {result.mutant for result in page.unexplained(list(known.values()), why)} if asked.again else set()
    todo = [m for m in drawn if m.file.startswith(tuple(asked.only)) and (m not in known or m in again)]
    counts, queue, everyone = Counter[str](), Queue(todo, asked.minutes), list[Trials]()
    print(f"{len(drawn)} mutants drawn of {len(there)}; {len(todo)} to try", flush=True)
    try:
        if todo and asked.minutes > 0:
            everyone += [Trials(asked.profile) for _ in range(min(asked.jobs, len(todo)))]
            lines = session.measured(everyone)
            with ThreadPoolExecutor(len(everyone)) as pool:
                ends = [pool.submit(try_all, trials, lines, queue, counts, len(todo)) for trials in everyone]
                try:
                    for end in ends:
                        end.result()
                finally:
                    queue.until = 0  # one that fails, or a run that is stopped, ends the others after what they are at
    finally:
        for trials in everyone:
            trials.close()
    known = session.results()
    found = [known[mutant] for mutant in drawn if mutant in known]
    page.PAGE.write_text(page.written(there, drawn, found, asked.seed), encoding="utf-8")
    left = page.unexplained(found, why)
    for result in left:
        print(f"not explained: {result.change}")
    print(f"{len(found)} of {len(drawn)} mutants tried; {len(left)} survivors are not explained")
    return not left


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(not main())
