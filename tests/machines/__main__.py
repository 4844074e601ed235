"""``python -m tests.machines``: the suite as on other machines, one run each; exits with 1 on any failure.

When all four are there docs/MACHINES.md is written, which says what parts of the suite they ran, and of which commit.
Rows of the same commit that are finished are not run again, nor, with --keep-passed, those that passed at an earlier
one: runs/machines has them, and the output of each run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec

from tests.machines import document
from tests.machines.machine import ABSENT, MACHINES, Machine, capability, without_numba
from tests.suite import ROOT, Row, closing, commit, keep, kept, run, short

KEPT = ROOT / "runs" / "machines"


def ran(name: str, machine: Machine, words: Sequence[str]) -> Row:
    """Run the suite as on a machine."""
    python = str(without_numba(KEPT / "without-numba")) if machine.numba == ABSENT else sys.executable
    return run(python, machine.environment(os.environ), words, KEPT / f"{name}.log")


def main() -> bool:
    """Run what is asked for and is not there yet, and say whether all passed."""
    parser = argparse.ArgumentParser("python -m tests.machines", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="RUN", choices=MACHINES, default=list(MACHINES))
    parser.add_argument(
        "--tests", nargs="+", metavar="PATH", default=["tests"], help="parts of the suite (default all)"
    )
    parser.add_argument("--keep-passed", action="store_true", help="not again what passed at an earlier commit")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers (default: one a core)")
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    here, has_numba, profile = (
        commit(document.PATH),
        find_spec("numba") is not None,
        os.environ.get("MANUALCONV_PROFILE", "mc-ci"),
    )
    key = " ".join([here, profile, *options.tests])
    rows = kept(key, KEPT, passed_at_any=options.keep_passed)
    print(document.HEADING, end="", flush=True)
    for name in options.only:
        machine = MACHINES[name]
        if name not in rows:
            absent = machine.missing(capability(), has_numba)
            words = [*options.tests, "-n", str(options.jobs), "--dist", "worksteal"]
            row = ran(name, machine, words) if absent is None else Row(absent=absent)
            rows[name] = replace(row, commit=short(here))
            keep(key, rows, KEPT)
        print(document.line(name, machine, rows[name]), flush=True)
    failed = [name for name in options.only if rows[name].failed]
    print(closing(failed, KEPT))
    if len(rows) == len(MACHINES):
        document.PATH.write_text(document.text(rows, profile, " ".join(options.tests)), encoding="utf-8")
        print(f"wrote {document.PATH.name}")
    return not failed


if __name__ == "__main__":
    sys.exit(not main())
