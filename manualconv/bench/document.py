"""The results: a table on the terminal, ``BENCHMARKS.md`` and JSON.

Speed-ups are ratios of times in one run, so that they mean the same on another machine of the kind; the machine and the
versions stand above them all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import torch

from manualconv.bench.front import Speeds, classes, front
from manualconv.bench.goals import missed, relative_to_torch, scale, verdict
from manualconv.bench.machine import cpu_name, instructions, roof, versions
from manualconv.bench.peers import PACKAGES
from manualconv.bench.record import Record
from manualconv.bench.summary import against_peers, control, means, missed_together
from manualconv.kernels.compiling import is_installed

HEADER = (
    *("row", "layer", "dtype", "phase", "× torch", "95 %", "fast", "× default", "ms", "first ms", "roof %", "memory"),
    *("error", "error, fast", "goal", "by", "best peer"),
)
MEANS = ("class", "dtype", "phase", "setting", "× torch", "rows", "worst", "goal")
OPENING = """\
Forward and all gradients, in float32, in the default setting.  *Times as fast* is torch's time over ours, the median of
rounds in which both ran in turn, over the better of torch's two layouts: 1 is equal, 2 is half the time.  A wrong
result, an exception or a call of torch's own layer counts as 0."""
LETTERS = """\
A row's letter is its class.  Numbers are geometric means over the rows of a class, of forward and gradients together.
The default setting is direct: every output is a sum over its own window.  “fast” is
`manualconv.accuracy("fast")`, which admits algorithms with fewer multiplications that are not local."""
EXPLANATION = """\
“× torch” is over the better of torch's two layouts in the default setting.  It stands with a 95 % bootstrap interval;
“fast” is the same where `manualconv.accuracy("fast")` chooses another algorithm; “× default” is over torch as it is
called by default.  Phases: f forward; f+b forward and all gradients; d2 double backward; churn another length at every
call; step a training step.

Roof: per cent of max(flops / product, bytes / copy) as measured here, all multiplications of the direct sum counted, so
that an algorithm with fewer may pass 100.  Memory: extra peak beyond the results, over input + output.  Error: relative
L2 of the worst result, and how many times torch's own (float64 against sums without rounding); admitted are 2 times by
default, in “fast” 20 times in float32 and 1e-12 in float64.  Goal: gate / moonshot, ★ moonshot reached, ✓ gate, ✗
missed; those marked “fast” are judged in that setting.  By: the algorithms of the three maps by default."""


def _cells(r: Record) -> tuple[str, ...]:
    s = r.exact
    rival = min(r.peers.items(), key=lambda item: item[1], default=None)
    return (
        r.id,
        r.name,
        r.dtype,
        r.phase,
        f"{r.speed():.2f}",
        f"{s.ratio.low:.2f}–{s.ratio.high:.2f}",
        "" if r.fast is None else f"{r.speed('fast'):.2f}",
        f"{s.default_ratio.median:.2f}",
        f"{1e3 * s.seconds:.2f}",
        f"{1e3 * s.first:.1f}",
        f"{s.roof:.0f}" if s.roof else "",
        "" if r.phase == "step" else f"{s.memory:.1f}" + ("" if r.fast is None else f", {r.fast.memory:.1f}"),
        relative_to_torch(r, "exact"),
        "" if r.fast is None else relative_to_torch(r, "fast"),
        "" if r.goal is None else f"{verdict(r)} {r.goal[0]:g} / {r.goal[1]:g}{'' if r.of == 'exact' else ' fast'}",
        "; ".join(dict.fromkeys(s.maps)),
        f"{rival[0]} {rival[1]:.1f}" if rival else "",
    )


def _table(header: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in (header, ("---",) * len(header), *lines)]


def _parted(table: list[tuple[str, ...]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    return table[0], table[1:]


def progress(r: Record) -> str:
    """A line to print when a record is there."""
    fast = "" if r.fast is None else f", fast {r.speed('fast'):.2f}"
    words = f"{r.id:3} {r.name:18} {r.dtype} {r.phase:5} {r.speed():6.2f} × torch{fast} {verdict(r)}"
    return f"{words}  {r.exact.failure}".rstrip()


def remarks(records: list[Record]) -> list[str]:
    """Exceptions, wrong results, and what was not done by the method."""
    lines = []
    for r in records:
        lines += [f"* {r.id} {r.dtype} {r.phase}: {r.note}."] if r.note else []
        failed = {**r.failures, **{s: r.standing(s).failure for s in ("exact", "fast") if r.standing(s).failure}}
        lines += [f"* {r.id} {r.dtype} {r.phase}, {name}: {words}" for name, words in failed.items()]
    return lines


def rendered(records: list[Record], note: str = "", beside: Mapping[str, Speeds] | None = None) -> str:
    """The whole of ``BENCHMARKS.md``; `note` stands at its head, speed-ups of other runs `beside` the first rows."""
    roofs = ", ".join(
        f"{d} {roof(d).flops / 1e9:.0f} GFLOP/s and {roof(d).bandwidth / 1e9:.1f} GB/s"
        for d in sorted({r.dtype for r in records})
    )
    packages = versions(("torch", "numpy", "numba", *PACKAGES.values()))
    sections = {
        "## Is my layer faster?": [OPENING, "", *_table(*_parted(front(records, beside or {})))],
        "## Classes of layers": [LETTERS, "", *_table(*_parted(classes(records)))],
        "## Goals missed by the whole": missed_together(records) or ["None."],
        "## Appendix": [EXPLANATION],
        "### Rows": _table(HEADER, map(_cells, records)),
        "### Geometric means": _table(MEANS, (m.cells() for m in means(records))),
        "### Goals missed": missed(records) or ["None."],
        "### Scale": scale(records) or ["F4 and F5 were not both run."],
        "### Peers": against_peers(records) or ["None was timed."],
        "### Control": [f"Torch over itself: {control(records)}."],
        "### Remarks": remarks(records) or ["None."],
    }
    lines = [
        "# Benchmarks",
        "",
        f"Written by `manualconv bench` on {date.today().isoformat()}.",
        *(["", note] if note else []),
        "",
        f"* CPU: {cpu_name()}, {instructions()}, {torch.get_num_threads()} threads; {roofs} measured.",
        f"* Versions: {', '.join(f'{name} {number}' for name, number in packages.items())}.",
    ]
    for title, body in sections.items():
        lines += ["", title, "", *body]
    return "\n".join(lines) + "\n"


def page_of(tables: Iterable[tuple[str, str]]) -> str:
    """A page of tables that are plain text, each under what its module says of it."""
    named = ", ".join(f"{name} {number}" for name, number in versions(("torch", "numpy", "numba")).items())
    lines = ["# Small calls and training steps", "", f"Written by `manualconv bench` on {date.today().isoformat()}, on"]
    lines += [f"{cpu_name()}, {instructions()}, {torch.get_num_threads()} threads, {named}."]
    for words, table in tables:
        title, _, rest = words.strip().partition("\n\n")
        title = " ".join(title.split()).removesuffix(".")
        lines += ["", f"## {title}", "", rest, "", "```text", table, "```"]
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    """A page or numbers, in a folder that is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def on_terminal(records: list[Record]) -> None:
    """The table and what the records say together, by `rich` if it is there."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print("\n".join("  ".join(cells) for cells in (HEADER, *map(_cells, records))))
    else:
        table = Table(*HEADER)
        for r in records:
            table.add_row(*_cells(r), style="red" if verdict(r) == "✗" else None)
        Console(width=240).print(table)
    for m in means(records):
        goal = f"   goal {m.verdict}" if m.verdict else ""
        print(
            f"{m.name:24} {m.dtype} {m.phase:5} {m.setting:5} geometric mean {m.value:6.2f}   worst {m.worst:10}{goal}"
        )
    print("\n".join([*scale(records), *against_peers(records)]))
    print(f"control, torch over itself: {control(records)}")


def as_json(records: list[Record], note: str = "") -> str:
    """Every number."""
    machine: dict[str, Any] = {
        "cpu": cpu_name(),
        "instructions": instructions(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "numba": is_installed(),
    }
    every = {"machine": machine, "note": note, "records": [r.as_json() for r in records]}
    return json.dumps(every, indent=1) + "\n"
