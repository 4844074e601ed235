"""The first table of the results: ten layers that people have, and how much faster they run, here and elsewhere.

The columns beside the run's own are of other runs of the same rows, kept as JSON: without Numba, on one thread, with
fewer vector instructions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from manualconv.bench.record import Record
from manualconv.bench.summary import CLASSES, OVERALL, Mean, means

#: The ten rows and what a user calls them.
FRONT = {
    "N1": "a training step of LeNet-5, batch 128",
    "A2": "LeNet-5's second convolution, 5×5, 6 to 16 channels",
    "A5": "one small call: one image of 14×14, 3×3, 16 to 32 channels",
    "C1": "ResNet's first convolution, 7×7 with stride 2 on 224×224",
    "B3": "ResNet's 3×3 on 56×56, 64 channels",
    "C3": "a 1×1 convolution on 56×56, 256 to 64 channels",
    "D2": "MobileNet's depthwise 3×3 on 56×56, 128 channels",
    "H1": "DCGAN's transposed 4×4 with stride 2, 256 to 128 channels",
    "P1": "LeNet-5's 2×2 max pooling",
    "P2": "ResNet's 3×3 max pooling with stride 2",
}
#: What is timed of a front row.
PHASES = ("f+b", "step")

Speeds = dict[str, float]


def speeds(path: Path) -> Speeds:
    """The speed-ups of the front rows in float32, by id, in a file that `manualconv bench --json` wrote.

    Raises:
        ValueError: the file is none of these.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["records"]
        return {r["id"]: r["speed"]["exact"] for r in found if r["dtype"] == "float32" and r["phase"] in PHASES}
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} holds no results of manualconv bench --json: {reason}") from None


def front(records: Iterable[Record], beside: Mapping[str, Speeds]) -> list[tuple[str, ...]]:
    """The table: a heading, and a line for each front row that was measured in float32."""
    lines: list[tuple[str, ...]] = [("layer", "row", "torch ms", "ours ms", "times as fast", *beside)]
    found = {r.id: r for r in records if r.id in FRONT and r.dtype == "float32" and r.phase in PHASES}
    for id, words in FRONT.items():
        if id in found:
            r = found[id]
            ours = r.exact.seconds
            theirs = f"{1e3 * ours * r.exact.ratio.median:.2f}" if ours else ""
            others = (f"{column[id]:.2f}" if id in column else "" for column in beside.values())
            lines.append((words, id, theirs, f"{1e3 * ours:.2f}" if ours else "", f"**{r.speed():.2f}**", *others))
    return lines


def classes(records: list[Record]) -> list[tuple[str, ...]]:
    """The table of the letters: forward and backward, or the step, in each dtype and setting, and the slowest row."""
    columns = [(dtype, setting) for dtype in ("float32", "float64") for setting in ("exact", "fast")]
    table: dict[str, dict[tuple[str, str], Mean]] = {}
    for m in means(records):
        if m.phase in PHASES:
            table.setdefault(m.name, {})[m.dtype, m.setting] = m
    letters = {text: letter for letter, text in CLASSES.items()}
    lines: list[tuple[str, ...]] = [
        ("letter", "class", *(f"{d}{'' if s == 'exact' else ', fast'}" for d, s in columns), "slowest in float32")
    ]
    for name in (*OVERALL, *(text for text in CLASSES.values() if text not in OVERALL)):
        if name in table:
            cells = (f"{table[name][c].value:.2f}" if c in table[name] else "" for c in columns)
            slowest = table[name].get(("float32", "exact"))
            lines.append((letters.get(name, "A–H"), name, *cells, slowest.worst if slowest else ""))
    return lines
