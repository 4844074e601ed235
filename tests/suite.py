"""The suite run as a whole in a process of its own: what it said, and the rows that are finished already."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Row:
    """What a run said, and of which files: counts and minutes; or why it is not here."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    minutes: float = 0.0
    absent: str | None = None
    commit: str = ""


R = TypeVar("R", bound=Row)


def git(*words: str) -> str:
    """What git says; nothing where there is none."""
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def commit(page: Path | None = None) -> str:
    """The commit that the files are of, the page apart; if they are changed, with a plus behind it."""
    left_out = [] if page is None else [f":!{page.relative_to(ROOT).as_posix()}"]
    changed = git("status", "--porcelain", "--", ".", *left_out)
    return (git("rev-parse", "HEAD") or "unknown") + ("+" if changed else "")


def short(commit: str) -> str:
    """Twelve digits, and the plus, if there is one."""
    return commit[:12] + commit[40:]


def counted(output: str) -> Row:
    """The counts of pytest's last line; a run that ends without one has failed."""
    closing = re.findall(r"^(?:=* ?)(\d+ \w+(?:, \d+ \w+)*) in [\d.]+s", output, flags=re.MULTILINE)
    if not closing:
        return Row(failed=1)
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped|error)", closing[-1])}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    return Row(counts.get("passed", 0), failed, counts.get("skipped", 0))


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


def kept(key: str, folder: Path, kind: type[R] = Row, passed_at_any: bool = False) -> dict[str, R]:  # type: ignore[assignment]
    """The rows that were finished for this key; none where the files are not those of a commit.

    A key begins with the commit.  If asked, those that passed at another commit are among them.
    """
    try:
        found = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    names_a_commit = not key.startswith("unknown") and "+" not in key.split()[0]
    if not names_a_commit or found["key"].split()[1:] != key.split()[1:]:
        return {}
    rows = {name: kind(**row) for name, row in found["rows"].items()}
    if found["key"] == key:
        return rows
    return {name: row for name, row in rows.items() if passed_at_any and row.passed and not row.failed}


def keep(key: str, rows: Mapping[str, Row], folder: Path) -> None:
    """Write the rows, in one step, so that a run that is stopped leaves the last ones whole."""
    new = folder / "rows.json.new"
    new.write_text(
        json.dumps({"key": key, "rows": {n: asdict(r) for n, r in rows.items()}}, indent=1), encoding="utf-8"
    )
    new.replace(new.with_suffix(""))


def closing(failed: Sequence[str], folder: Path) -> str:
    """The last words of a table."""
    return f"\nfailed: {', '.join(failed) or 'none'}; the output of each run is in {folder.relative_to(ROOT)}"
