"""The results: a table on the terminal, ``BENCHMARKS.md``, JSON, and a plot.

Speed-ups are ratios of times in one run, so that they mean the same on another machine of the kind; the machine and the
versions stand above them all the same.  Goals that were missed are listed row by row, with the per cent of the roofline
that was reached.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from math import exp, log
from pathlib import Path
from typing import Any

import torch

from manualconv.bench.contenders import PACKAGES
from manualconv.bench.machine import cpu_name, instructions, roof, versions
from manualconv.bench.measure import Record

CLASSES = {
    "A": "small images",
    "B": "dense 3×3",
    "C": "strides, 1×1, 5×5",
    "D": "groups and depthwise",
    "E": "dilation",
    "F": "one axis",
    "G": "three axes",
    "H": "transposed",
    "P": "pooling",
    "N": "training steps",
}
HEADER = (
    "row",
    "layer",
    "dtype",
    "phase",
    "× torch",
    "95 %",
    "× default",
    "ms",
    "roof %",
    "memory",
    "error",
    "goal",
    "best peer",
)


def geometric_mean(ratios: Iterable[float]) -> float:
    """The geometric mean; 0 if any ratio is 0."""
    found = list(ratios)
    return 0.0 if not found or min(found) <= 0 else exp(sum(map(log, found)) / len(found))


def _cells(r: Record) -> tuple[str, ...]:
    goal = "" if r.goal is None else f"{_verdict(r)} {r.goal[0]:g} / {r.goal[1]:g}"
    rival = min(r.peers.items(), key=lambda item: item[1], default=None)
    error = f"{r.error:.0e} ({r.error / r.torch_error:.1f}×)" if r.torch_error else f"{r.error:.0e}"
    return (
        r.id,
        r.name,
        r.dtype,
        r.phase,
        f"{r.speed:.2f}",
        f"{r.ratio.low:.2f}–{r.ratio.high:.2f}",
        f"{r.default_ratio.median:.2f}",
        f"{1e3 * r.seconds['manualconv']:.2f}",
        f"{r.roof:.0f}" if r.roof else "",
        f"{r.memory:.1f}" if r.memory else "",
        error,
        goal,
        f"{rival[0]} {rival[1]:.1f}" if rival else "",
    )


def _verdict(r: Record) -> str:
    if r.goal is None:
        return ""
    return "★" if r.speed >= r.goal[1] else "✓" if r.speed >= r.goal[0] else "✗"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(records: list[Record]) -> list[str]:
    return [_line(HEADER), "|" + "---|" * len(HEADER), *(_line(_cells(r)) for r in records)]


def means(records: list[Record]) -> list[tuple[str, str, str, float, str]]:
    """Class, dtype, phase, geometric mean and worst row; ``convolution`` is all rows A to H but none of pooling."""
    found = []
    for dtype in ("float32", "float64"):
        for phase in ("f", "f+b", "d2", "step"):
            rows = [r for r in records if r.dtype == dtype and r.phase == phase]
            groups = {"convolution": [r for r in rows if r.id[0] not in "PN"]}
            groups |= {text: [r for r in rows if r.id[0] == letter] for letter, text in CLASSES.items()}
            for name, group in groups.items():
                if group:
                    worst = min(group, key=lambda r: r.speed)
                    found.append(
                        (name, dtype, phase, geometric_mean(r.speed for r in group), f"{worst.id} {worst.speed:.2f}")
                    )
    return found


def against_peers(records: list[Record]) -> list[str]:
    """How many times as fast as each peer, over the rows it supports, and as the best of them."""
    lines = []
    rows = [r for r in records if r.peers and r.phase == "f+b"] or [r for r in records if r.peers]
    for name in sorted({peer for r in rows for peer in r.peers}):
        ratios = {r: r.peers[name] for r in rows if name in r.peers}
        slowest = min(ratios, key=lambda r: ratios[r])
        lines.append(
            f"* {name}: {geometric_mean(ratios.values()):.1f} × (geometric mean of {len(ratios)} rows); "
            f"least {ratios[slowest]:.2f} on {slowest.id} {slowest.dtype}"
        )
    if rows:
        best = geometric_mean(min(r.peers.values()) for r in rows)
        lines.append(f"* the best of them on each row: {best:.1f} × (geometric mean of {len(rows)} rows)")
    return lines


def missed(records: list[Record]) -> list[str]:
    """Every gate and moonshot that was not reached, with the share of the roofline that was."""
    lines = []
    for r in records:
        if r.goal is not None and r.speed < r.goal[1]:
            short = "gate" if r.speed < r.goal[0] else "moonshot"
            wanted = r.goal[0] if short == "gate" else r.goal[1]
            reached = f", {r.roof:.0f} % of the roofline" if r.roof else ""
            wrong = f"; wrong by {r.error:.0e}" if r.speed == 0 else ""
            lines.append(
                f"* {r.id} {r.name}, {r.dtype}, {r.phase}: {short} {wanted:g}, reached {r.speed:.2f}{reached}{wrong}"
            )
    return lines


def control(records: list[Record]) -> str:
    """What torch came out against itself."""
    ratios = [r.control.median for r in records]
    outside = [r for r in records if abs(r.control.median - 1) > 0.03]
    names = "; outside ±3 %: " + ", ".join(f"{r.id} {r.dtype} {r.phase} {r.control.median:.3f}" for r in outside)
    return f"geometric mean {geometric_mean(ratios):.3f} over {len(ratios)} measurements{names if outside else ''}"


def rendered(records: list[Record], command: str) -> str:
    """The whole of ``BENCHMARKS.md``."""
    roofs = ", ".join(
        f"{d} {roof(d).flops / 1e9:.0f} GFLOP/s and {roof(d).bandwidth / 1e9:.1f} GB/s"
        for d in sorted({r.dtype for r in records})
    )
    packages = versions(("torch", "numpy", *PACKAGES.values()))
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{command}` on {date.today().isoformat()}.",
        "",
        f"* CPU: {cpu_name()}, {instructions()}, {torch.get_num_threads()} threads; {roofs} measured.",
        f"* Versions: {', '.join(f'{name} {number}' for name, number in packages.items())}.",
        f"* Control, torch over itself: {control(records)}.",
        "",
        "Each ratio is torch's time over ours, the median of rounds in which both ran in turn; “× torch” is over the",
        "better of torch's two layouts, with a 95 % bootstrap interval, “× default” over torch as called by default.",
        "Roof: per cent of max(flops / product, bytes / copy) as measured. Memory: extra peak over input + output.",
        "Error: relative L2 against float64, and how many times torch's own. Goal: gate / moonshot, ★ ✓ or ✗.",
        "",
        "## Geometric means",
        "",
        "| class | dtype | phase | × torch | worst |",
        "|---|---|---|---|---|",
        *(_line((name, dtype, phase, f"{mean:.2f}", worst)) for name, dtype, phase, mean, worst in means(records)),
        "",
        "## Peers",
        "",
        *(against_peers(records) or ["None is installed."]),
        "",
        "## Rows",
        "",
        *_table(records),
        "",
        "## Goals missed",
        "",
        *(missed(records) or ["None."]),
    ]
    return "\n".join(lines) + "\n"


def on_terminal(records: list[Record]) -> None:
    """The table and the means, by `rich` if it is there."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print("\n".join("  ".join(cells) for cells in (HEADER, *map(_cells, records))))
    else:
        table = Table(*HEADER)
        for r in records:
            table.add_row(*_cells(r), style="red" if _verdict(r) == "✗" else None)
        Console(width=180).print(table)
    for name, dtype, phase, mean, worst in means(records):
        print(f"{name:24} {dtype} {phase:5} geometric mean {mean:6.2f}   worst {worst}")
    print("\n".join(against_peers(records)))
    print(f"control, torch over itself: {control(records)}")


def as_json(records: list[Record]) -> str:
    """Every number."""
    machine: dict[str, Any] = {"cpu": cpu_name(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    return json.dumps({"machine": machine, "records": [r.as_json() for r in records]}, indent=1)


def plotted(records: list[Record], path: Path) -> bool:
    """Bars of every row's speed-up on a logarithmic axis; False where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    rows = [r for r in records if r.phase in ("f+b", "step")]
    dtypes = sorted({r.dtype for r in rows})
    names = list(dict.fromkeys(f"{r.id} {r.name}" for r in rows))
    figure = Figure(figsize=(max(6, 0.32 * len(names)), 4.5), layout="constrained")
    axes = figure.subplots()
    for n, dtype in enumerate(dtypes):
        heights = {f"{r.id} {r.name}": max(r.speed, 1e-2) for r in rows if r.dtype == dtype}
        at = [names.index(name) + (n - (len(dtypes) - 1) / 2) * 0.4 for name in heights]
        axes.bar(at, [h - 1 for h in heights.values()], 0.4, bottom=1, label=dtype)
    axes.set_yscale("log")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_ylabel("times as fast as torch, forward + backward")
    axes.legend()
    figure.savefig(path)
    return True
