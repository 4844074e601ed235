"""``python -m tests.versions``: the suite on every version that is claimed; exits with 1 on any failure.

docs/VERSIONS.md is written at the end.  Finished rows of the same commit are not run again: runs/versions has them,
and the output of each run.  An environment needs 5 to 7 GB while it is there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from tests.suite import ROOT, closing, commit, keep, kept, run
from tests.versions import document
from tests.versions.document import Tried
from tests.versions.environment import VERSIONS, Version, has, made

KEPT = ROOT / "runs" / "versions"


def tried(name: str, version: Version, words: Sequence[str], stays: bool) -> Tried:
    """Make an environment, run the suite there, and remove it unless it stays."""
    folder, log = KEPT / name, KEPT / f"{name}.log"
    absent = made(version, folder)
    row = Tried(absent=absent)
    if absent is None:
        python, torch = has(folder)
        counts = run(str(folder / "bin" / "python"), os.environ, ["-rs", *words], log)
        said = document.reasons(log.read_text(encoding="utf-8", errors="replace"))
        row = Tried(**asdict(counts), python=python, torch=torch, date=date.today().isoformat(), reasons=said)
    if not stays:
        shutil.rmtree(folder, ignore_errors=True)
    return row


def main() -> bool:
    """Run what is asked for and is not there yet, and say whether all passed."""
    parser = argparse.ArgumentParser("python -m tests.versions", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="RUN", choices=VERSIONS, default=list(VERSIONS))
    parser.add_argument("--tests", nargs="+", metavar="PATH", default=["tests"], help="parts of the suite")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers (default: one a core)")
    parser.add_argument("--keep", action="store_true", help="leave each environment in runs/versions")
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    here = commit(document.PATH)
    key = " ".join([here, *options.tests])
    # What was not here may be by now.
    rows = {name: row for name, row in kept(key, KEPT, Tried).items() if row.absent is None}
    print(document.HEADING, end="", flush=True)
    for name in options.only:
        if name not in rows:
            rows[name] = tried(
                name, VERSIONS[name], [*options.tests, "-n", str(options.jobs), "--dist", "worksteal"], options.keep
            )
            keep(key, rows, KEPT)
        print(document.line(VERSIONS[name], rows[name]), flush=True)
    failed = [name for name in options.only if rows[name].failed]
    print(closing(failed, KEPT))
    document.PATH.write_text(document.text(rows, here, " ".join(options.tests)), encoding="utf-8")
    print(f"wrote {document.PATH.name}")
    return not failed


if __name__ == "__main__":
    sys.exit(not main())
