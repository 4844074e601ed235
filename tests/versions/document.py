"""docs/VERSIONS.md: a row an environment, and why tests were skipped there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.suite import ROOT, Row
from tests.versions.environment import VERSIONS, Version

PATH = ROOT / "docs" / "VERSIONS.md"

INTRODUCTION = """\
# On every version

`make versions` makes an environment for the oldest torch on the oldest Python that pyproject.toml claims, and for the
newest torch on each later Python, one after another; it runs the suite there and removes the environment. What cannot
be had is a row "not here". Finished rows are kept while the commit is the same.
"""

HEADING = """\
| Python | torch | passed | failed | skipped | minutes | date |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Tried(Row):
    """What a run said, and where; `reasons` has how many tests were skipped for each reason."""

    python: str = ""
    torch: str = ""
    date: str = ""
    reasons: Mapping[str, int] | None = None


def reasons(output: str) -> dict[str, int]:
    """How many tests were skipped for what, in pytest's summary."""
    found: dict[str, int] = {}
    for count, reason in re.findall(r"^SKIPPED \[(\d+)\] \S+: (.*)$", output, flags=re.MULTILINE):
        found[reason] = found.get(reason, 0) + int(count)
    return found


def line(version: Version, row: Tried | None) -> str:
    """A row of the table."""
    if row is None:
        return f"| {version.python} | {version.torch} | not tried at this commit | | | | |"
    if row.absent is not None:
        return f"| {version.python} | {version.torch} | not here: {row.absent} | | | | |"
    counts = f"{row.passed:,} | {row.failed} | {row.skipped} | {row.minutes:.0f}"
    return f"| {row.python} | {row.torch} | {counts} | {row.date} |"


def text(rows: Mapping[str, Tried], commit: str, parts: str) -> str:
    """The page."""
    table = "".join(line(version, rows.get(name)) + "\n" for name, version in VERSIONS.items())
    skipped = "".join(
        f"- Python {row.python}, torch {row.torch}: {count} × {reason}\n"
        for row in rows.values()
        for reason, count in sorted((row.reasons or {}).items())
    )
    return "\n".join([INTRODUCTION, f"Commit {commit[:12]}; {parts}.\n", HEADING + table, "Skipped:\n", skipped])
