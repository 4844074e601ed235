"""Whether two runs left the same bits. Only what a clock says may differ."""

from pathlib import Path
from typing import Any

import torch

from train import checkpoint

CLOCK = ("seconds", "images_per_second")


def difference(one: Any, other: Any, where: str = "") -> str | None:
    """The first place where two checkpoints differ, or None."""
    if type(one) is not type(other):
        return f"{where}: {type(one).__name__} and {type(other).__name__}"
    if isinstance(one, torch.Tensor):
        same = one.dtype == other.dtype and one.shape == other.shape and _bits(one) == _bits(other)
        return None if same else where
    if isinstance(one, dict):
        if list(one) != list(other):
            return f"{where}: {list(one)} and {list(other)}"
        pairs = [(one[name], other[name], f"{where}.{name}") for name in one if name not in CLOCK]
    elif isinstance(one, list):
        if len(one) != len(other):
            return f"{where}: {len(one)} and {len(other)} entries"
        pairs = [(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(one, other, strict=True))]
    else:
        return None if repr(one) == repr(other) else f"{where}: {one} and {other}"
    return next((found for pair in pairs if (found := difference(*pair)) is not None), None)


def differing(one: Path, other: Path) -> str | None:
    """The first thing in which the folders of two finished runs differ, or None."""
    for name in ("last.pt", "best.pt"):
        ours, theirs = (checkpoint.load(folder / name) for folder in (one, other))
        for contents in (ours, theirs):
            if "history" in contents:
                contents["history"] = [row[:5] for row in contents["history"]]
        found = difference(ours, theirs, name)
        if found is not None:
            return found
    rows = [[line.split(",")[:5] for line in (f / "metrics.csv").read_text("utf-8").splitlines()] for f in (one, other)]
    if rows[0] != rows[1]:
        return f"metrics.csv: {rows[0]} and {rows[1]}"
    options = [(folder / "options.json").read_bytes() for folder in (one, other)]
    return None if options[0] == options[1] else "options.json"


def _bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().numpy().tobytes()
