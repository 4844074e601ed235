"""``python -m tests.seeds``: the suite 20 times with 20 seeds, two at once; exits with 1 on any failure.

A seed draws the examples of every property (profile mc-random of tests/conftest.py).  Two runs at once wait for each
other's processor: a test that depends on the time fails sooner or later.  docs/SEEDS.md has a row a seed; a seed that
passed there is not run again, unless all are asked for.  runs/seeds has the output of each run.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from tests.suite import ROOT, Row, closing, commit, run, short

KEPT = ROOT / "runs" / "seeds"
PAGE = ROOT / "docs" / "SEEDS.md"
INTRODUCTION = """\
# With other seeds, two runs at once

`make seeds` runs the suite 20 times, two runs at once, each with a seed for the examples that its properties draw, and
writes this page. A seed that passed is not run again, whatever the commit; one that failed is, once its cause is
mended. `make seeds ARGS=--again` runs all.

"""
HEADING = "| seed | commit | date | passed | failed | skipped | minutes |\n|---|---|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Sown(Row):
    """What a run with a seed said, and when."""

    date: str = ""


def ran(seed: int, words: list[str]) -> Sown:
    """Run the suite with a seed."""
    environment, here = {**os.environ, "MANUALCONV_PROFILE": "mc-random"}, commit(PAGE)
    row = run(sys.executable, environment, [*words, f"--hypothesis-seed={seed}"], KEPT / f"{seed}.log")
    return Sown(**asdict(replace(row, commit=short(here))), date=date.today().isoformat())


def line(seed: int, row: Sown) -> str:
    """A row of the table."""
    counts = f"{row.passed} | {row.failed} | {row.skipped} | {row.minutes:.0f}"
    return f"| {seed} | {row.commit} | {row.date} | {counts} |\n"


def read(page: Path) -> dict[int, Sown]:
    """The rows of a page; none if there is no page."""
    found = page.read_text(encoding="utf-8").partition(HEADING)[2].splitlines() if page.exists() else []
    rows = dict[int, Sown]()
    for each in found:
        seed, of, when, passed, failed, skipped, minutes = each.strip("| ").split(" | ")
        rows[int(seed)] = Sown(int(passed), int(failed), int(skipped), float(minutes), commit=of, date=when)
    return rows


def write(page: Path, rows: dict[int, Sown]) -> None:
    """Write the page in one step, so that a run that is stopped leaves the last one whole."""
    new = page.with_suffix(".new")
    new.write_text(INTRODUCTION + HEADING + "".join(line(*row) for row in sorted(rows.items())), encoding="utf-8")
    new.replace(page)


def main() -> bool:
    """Run the seeds that have not passed, and say whether all have."""
    parser = argparse.ArgumentParser("python -m tests.seeds", description=__doc__)
    parser.add_argument("--count", type=int, default=20, metavar="N", help="seeds 1 to N (default 20)")
    parser.add_argument("--again", action="store_true", help="also those that passed")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2), help="workers of each run")
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    rows = {} if options.again else {seed: row for seed, row in read(PAGE).items() if not row.failed}
    seeds = range(1, options.count + 1)
    print(HEADING, *(line(*row) for row in sorted(rows.items())), sep="", end="", flush=True)
    with ThreadPoolExecutor(2) as pool:
        words = ["tests", "-n", str(options.jobs), "--dist", "worksteal"]
        running = {pool.submit(ran, seed, words): seed for seed in seeds if seed not in rows}
        for ended in as_completed(running):
            rows[running[ended]] = ended.result()
            write(PAGE, rows)
            print(line(running[ended], ended.result()), end="", flush=True)
    failed = [str(seed) for seed in seeds if rows[seed].failed]
    print(closing(failed, KEPT))
    return not failed


if __name__ == "__main__":
    sys.exit(not main())
