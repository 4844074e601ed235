"""Numbers and tables as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

#: Runs of numbers that are listed.
RUNS = 16


def by_axis(values: Iterable[Any]) -> str:
    """One value if all axes have the same, else one per axis: ``3`` or ``3×5``."""
    words = [str(value) for value in values]
    return words[0] if len(set(words)) == 1 else "×".join(words)


def shown(number: Fraction) -> str:
    """``54.25``, ``5``."""
    return f"{float(number):g}"


def size(numbers: Iterable[int]) -> str:
    """``64×112×112``."""
    return "×".join(map(str, numbers))


def by(numbers: Iterable[int]) -> str:
    """``64x112x112``, as one types it."""
    return "x".join(map(str, numbers))


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of cells as columns, the first one the heading; so many columns start at the left, the others end alike."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = (
        "  ".join(cell.ljust(w) if n < left else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths)))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def some(items: Sequence[str], most: int = 4) -> str:
    """The first of a list, and how many more there are."""
    more = [f"and {len(items) - most} more"] if len(items) > most else []
    return ", ".join([*items[:most], *more])


def ranges(numbers: Iterable[int]) -> str:
    """``0, 2 to 4, 9``."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    words = [str(low) if low == high else f"{low} to {high}" for low, high in runs]
    more = [f"… ({len(runs) - RUNS} more)"] if len(runs) > RUNS else []
    return ", ".join([*words[:RUNS], *more])


def _names(count: int) -> list[str]:
    return ["rows", "columns"] if count == 2 else [f"axis {n}" for n in range(count)]


def alike(lines: Sequence[str]) -> list[str]:
    """One line if the axes have the same, else a line for each with its name."""
    if len(set(lines)) == 1:
        return [lines[0]]
    return [f"{name}: {line}" for name, line in zip(_names(len(lines)), lines)]
