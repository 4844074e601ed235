"""``python -m tests.seeds``: the suite 20 times with 20 seeds, two at once; exits with 1 on any failure.

A seed draws the examples of every property (profile mc-random of tests/conftest.py).  Two runs at once wait for each
other's processor: a test that depends on the time fails sooner or later.  Seeds of the same commit that are finished
are not run again: runs/seeds has their rows, and the output of each run.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.suite import ROOT, Row, closing, commit, keep, kept, run

KEPT = ROOT / "runs" / "seeds"
HEADING = "| seed | passed | failed | skipped | minutes |\n|---|---|---|---|---|"


def ran(seed: str, words: list[str]) -> Row:
    """Run the suite with a seed."""
    environment = {**os.environ, "MANUALCONV_PROFILE": "mc-random"}
    return run(sys.executable, environment, [*words, f"--hypothesis-seed={seed}"], KEPT / f"{seed}.log")


def line(seed: str, row: Row) -> str:
    """A row of the table."""
    return f"| {seed} | {row.passed:,} | {row.failed} | {row.skipped} | {row.minutes:.0f} |"


def main() -> bool:
    """Run the seeds that are not there yet, and say whether all passed."""
    parser = argparse.ArgumentParser("python -m tests.seeds", description=__doc__)
    parser.add_argument("--count", type=int, default=20, metavar="N", help="seeds 1 to N (default 20)")
    parser.add_argument("--first", type=int, default=1, metavar="SEED", help="start from another seed")
    parser.add_argument("--at-once", type=int, default=2, metavar="RUNS")
    parser.add_argument("--tests", nargs="+", metavar="PATH", default=["tests"], help="parts of the suite")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2), help="workers of each run")
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    key = " ".join([commit(), *options.tests])
    rows = kept(key, KEPT)
    seeds = [str(seed) for seed in range(options.first, options.first + options.count)]
    print(HEADING, *(line(seed, rows[seed]) for seed in seeds if seed in rows), sep="\n", flush=True)
    with ThreadPoolExecutor(options.at_once) as pool:
        words = [*options.tests, "-n", str(options.jobs)]
        running = {pool.submit(ran, seed, words): seed for seed in seeds if seed not in rows}
        for ended in as_completed(running):
            rows[running[ended]] = ended.result()
            keep(key, rows, KEPT)
            print(line(running[ended], rows[running[ended]]), flush=True)
    failed = [seed for seed in seeds if rows[seed].failed]
    print(closing(failed, KEPT))
    return not failed


if __name__ == "__main__":
    sys.exit(not main())
