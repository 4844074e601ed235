"""``python -m tests.records GOAL``: train a goal's network with five seeds, one after another; exits with 1 if missed.

Each run is a process of its own, timed from its start to its end. A finished seed is kept in runs/records while the
flags are the same; one that was stopped starts anew. Before the first run that is timed, one that is not brings the
files into memory and compiles the loops. With fewer seeds than five docs/RECORDS.md is left alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from time import perf_counter

from tests.records import page
from tests.records.goals import GOALS, SEEDS, Goal, Row
from tests.suite import ROOT, commit, short

KEPT = ROOT / "runs" / "records"


def ran(goal: Goal, seed: int, out: Path, more: Sequence[str] = ()) -> Row:
    """Train with a seed into a folder. Raises SystemExit with what the program has said if it fails."""
    load = os.getloadavg()[0]
    command = [sys.executable, "-m", "train", *goal.words, "--seed", str(seed), "--out", str(out), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    begin = perf_counter()
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    seconds = perf_counter() - begin
    accuracy = re.search(r"^test accuracy  ([\d.]+) %$", ended.stdout, flags=re.MULTILINE)
    parameters = re.search(r", ([\d,]+) parameters,", ended.stdout)
    if ended.returncode or accuracy is None or parameters is None:
        raise SystemExit(f"seed {seed}: code {ended.returncode}: {ended.stderr.strip()}")
    here = commit(page.PATH)
    count = int(parameters[1].replace(",", ""))
    return Row(seed, float(accuracy[1]), seconds, count, load, short(here), date.today().isoformat())


def read(path: Path, goal: Goal) -> dict[int, Row]:
    """The rows that were finished with these flags."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = [Row(**row) for row in found["rows"]] if found["command"] == goal.command else []
    except (OSError, ValueError, TypeError, KeyError):  # damaged, or of another version of this program
        return {}
    return {row.seed: row for row in rows}


def write(path: Path, goal: Goal, rows: Sequence[Row]) -> None:
    """Write the rows, in one step."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"command": goal.command, "rows": list(map(asdict, rows))}, indent=1), encoding="utf-8")
    new.replace(path)


def run(name: str, seeds: Sequence[int], folder: Path) -> list[Row]:
    """The rows of a goal's seeds, those that are there already and those that are trained now."""
    goal, path = GOALS[name], folder / f"{name}.json"
    rows = read(path, goal)
    waiting = [seed for seed in seeds if seed not in rows]
    for number, seed in enumerate(waiting):
        out = folder / name / str(seed)
        if not number:
            shutil.rmtree(folder / name / "warm", ignore_errors=True)
            ran(goal, seed, folder / name / "warm", ["--epochs", "1", "--max-train", "2000"])
        shutil.rmtree(out, ignore_errors=True)
        rows[seed] = ran(goal, seed, out)
        write(path, goal, [rows[each] for each in sorted(rows)])
        print(page.line(rows[seed]), end="", flush=True)
    return [rows[seed] for seed in seeds]


def main() -> bool:
    """Say whether the goal is reached."""
    parser = argparse.ArgumentParser("python -m tests.records", description=__doc__)
    parser.add_argument("goal", choices=tuple(GOALS))
    parser.add_argument("--seeds", type=int, default=len(SEEDS), metavar="N", help=f"the first N of {len(SEEDS)}")
    options = parser.parse_args()
    goal, seeds = GOALS[options.goal], SEEDS[: max(1, options.seeds)]
    KEPT.mkdir(parents=True, exist_ok=True)
    print(goal.command, page.HEADING, sep="\n\n", end="", flush=True)
    rows = run(options.goal, seeds, KEPT)
    print(goal.verdict(rows))
    if len(rows) == len(SEEDS):
        page.write(goal, rows)
    return goal.reached(rows)


if __name__ == "__main__":
    sys.exit(not main())
