"""docs/MACHINES.md: a row a run, written from what the runs said."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from manualconv.bench.machine import cpu_name, instructions, versions
from tests.machines.machine import MACHINES, Machine
from tests.suite import ROOT, Row

PATH = ROOT / "docs" / "MACHINES.md"

INTRODUCTION = """\
# On other machines

`make machines` runs the suite four times and writes this page. Together the runs meet every level of vector
instructions that the kernels of torch, MKL, oneDNN and Numba choose between on this kind of processor, one, two and
four threads, and Numba compiling, absent and told to compile nothing, which counts as absent after one warning.
`baseline` has an environment of its own, of links to the first one without Numba's, so that torch is installed once.
A level that the processor lacks is a row "not here". Finished rows are kept while the commit is the same; with
`ARGS=--keep-passed` also those that passed at an earlier one, which the last column names.

What a root, an exponential, a logarithm or a division made depends on the level in its last bits: no test compares it
bit for bit with another way to the same number. Sums and products of small integers are compared exactly everywhere.
"""

HEADING = """\
| run | instructions | settings | threads | Numba | passed | failed | skipped | minutes | commit |
|---|---|---|---|---|---|---|---|---|---|
"""


def line(name: str, machine: Machine, row: Row) -> str:
    """A row of the table."""
    settings = ", ".join(machine.levels) or "none"
    counts = f"{row.passed:,} | {row.failed} | {row.skipped} | {row.minutes:.0f}"
    found = counts if row.absent is None else f"not here: {row.absent} | | | "
    return f"| {name} | {machine.words} | {settings} | {machine.threads} | {machine.numba} | {found} | {row.commit} |"


def where(profile: str, parts: str) -> str:
    """The machine, the versions and what was run."""
    packages = versions(("torch", "numpy", "scipy", "numba", "hypothesis"))
    return (
        f"Run on {cpu_name()} ({instructions()}), {platform.system()}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version}" for name, version in packages.items())
        + f"; {parts} with profile {profile} of tests/conftest.py."
    )


def text(rows: Mapping[str, Row], profile: str, parts: str) -> str:
    """The page."""
    lines = [line(name, machine, rows[name]) for name, machine in MACHINES.items()]
    return "\n".join([INTRODUCTION, where(profile, parts), "", HEADING + "\n".join(lines), ""])
