"""``python -m tests.machines``: the suite as on other machines, one run each; exits with 1 on any failure.

When all four are there docs/MACHINES.md is written, which says what parts of the suite they ran.  Rows of the same
commit that are finished are not run again: runs/machines has them, and the output of each run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from tests.machines import document
from tests.machines.document import Row
from tests.machines.machine import ABSENT, MACHINES, Machine, capability, without_numba

R = TypeVar("R", bound=Row)
ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "runs" / "machines"


def git(*words: str) -> str:
    """What git says; nothing where there is none."""
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def commit(page: Path = document.PATH) -> str:
    """The commit that the files are of; if they are changed, with a plus behind it, and rows of it are not kept."""
    changed = git("status", "--porcelain", "--", ".", f":!{page.relative_to(ROOT).as_posix()}")
    return (git("rev-parse", "HEAD") or "unknown") + ("+" if changed else "")


def counted(output: str) -> Row:
    """The counts of pytest's last line; a run that ends without one has failed."""
    closing = re.findall(r"^(?:=* ?)(\d+ \w+(?:, \d+ \w+)*) in [\d.]+s", output, flags=re.MULTILINE)
    if not closing:
        return Row(failed=1)
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped|error)", closing[-1])}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    return Row(counts.get("passed", 0), failed, counts.get("skipped", 0))


def ran(name: str, machine: Machine, words: Sequence[str]) -> Row:
    """Run the suite as on a machine."""
    python = str(without_numba(KEPT / "without-numba")) if machine.numba == ABSENT else sys.executable
    return run(python, machine.environment(os.environ), words, KEPT / f"{name}.log")


def run(python: str, environment: Mapping[str, str], words: Sequence[str], log: Path) -> Row:
    """Run the suite by an interpreter; what it prints is in the log."""
    command, started = [python, "-m", "pytest", "--color=no", *words], perf_counter()
    with log.open("w", encoding="utf-8") as file:
        # The package that is tested is this checkout's, wherever the environment's editable install points.
        environment = {**environment, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
    row = counted(log.read_text(encoding="utf-8", errors="replace"))
    failed = max(row.failed, int(ended.returncode != 0))
    return Row(row.passed, failed, row.skipped, (perf_counter() - started) / 60)


def kept(key: str, folder: Path | None = None, kind: type[R] = Row) -> dict[str, R]:  # type: ignore[assignment]
    """The rows that were finished for this key."""
    try:
        found = json.loads(((folder or KEPT) / "rows.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: kind(**row) for name, row in found["rows"].items()} if found["key"] == key else {}


def keep(key: str, rows: Mapping[str, Row], folder: Path | None = None) -> None:
    """Write the rows, in one step, so that a run that is stopped leaves the last ones whole."""
    new = (folder or KEPT) / "rows.json.new"
    new.write_text(
        json.dumps({"key": key, "rows": {n: asdict(r) for n, r in rows.items()}}, indent=1), encoding="utf-8"
    )
    new.replace(new.with_suffix(""))


def main() -> bool:
    """Run what is asked for and is not there yet, and say whether all passed."""
    parser = argparse.ArgumentParser("python -m tests.machines", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="RUN", choices=MACHINES, default=list(MACHINES))
    parser.add_argument(
        "--tests", nargs="+", metavar="PATH", default=["tests"], help="parts of the suite (default all)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers (default: one a core)")
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    here, has_numba, profile = commit(), find_spec("numba") is not None, os.environ.get("MANUALCONV_PROFILE", "mc-ci")
    key = " ".join([here, profile, *options.tests])
    rows = {} if here.endswith("+") or here == "unknown" else kept(key)
    print(document.HEADING, end="", flush=True)
    for name in options.only:
        machine = MACHINES[name]
        if name not in rows:
            absent = machine.missing(capability(), has_numba)
            rows[name] = (
                ran(name, machine, [*options.tests, "-n", str(options.jobs)]) if absent is None else Row(absent=absent)
            )
            keep(key, rows)
        print(document.line(name, machine, rows[name]), flush=True)
    failed = [name for name in options.only if rows[name].failed]
    print(f"\nfailed: {', '.join(failed) or 'none'}; the output of each run is in {KEPT.relative_to(ROOT)}")
    if len(rows) == len(MACHINES):
        document.PATH.write_text(document.text(rows, here, profile, " ".join(options.tests)), encoding="utf-8")
        print(f"wrote {document.PATH.name}")
    return not failed


if __name__ == "__main__":
    sys.exit(not main())
