"""What is said below a table of receptive fields: sizes that do not divide, where units see all, what was not known."""

from __future__ import annotations

from fractions import Fraction

from manualconv.explain.field.path import Path
from manualconv.explain.text import shown, some


def notes(path: Path) -> list[str]:
    """Lines, most of them of no network."""
    return [
        note
        for make in (_rounded, _unread, _whole, _guessed, _unknown, _uneven, _phases, _numbers, _lost)
        for note in make(path)
    ]


def _windows(path: Path) -> list[tuple[str, int, int, int, int, int]]:
    """Of each axis with a remainder: the row's name, I, all padding, the extent, the stride, unread positions."""
    return [
        (row.name, i, a + b, e, s, max(0, r - max(b, 0)))
        for row in path.rows
        if row.window
        for i, (a, b), e, s, r in dict.fromkeys(
            zip(row.window.input_size, row.window.padding, row.window.extent, row.window.stride, row.window.leftover)
        )
        if r
    ]


def _rounded(path: Path) -> list[str]:
    """Sizes that do not divide."""
    sizes = [
        f"{name} ({i} + {p} − {e})/{s} + 1 = {shown(Fraction(i + p - e, s) + 1)}"
        for name, i, p, e, s, _ in _windows(path)
    ]
    return [f"not whole, rounded down: {some(sizes)}"] if sizes else []


def _unread(path: Path) -> list[str]:
    names = [f"{name} does not read the last {unread} of {i}" for name, i, _, _, _, unread in _windows(path) if unread]
    return [f"left unread: {some(names)}"] if names else []


def _whole(path: Path) -> list[str]:
    """Where units begin to see all."""
    first = next((row for row in path.rows if any(row.field.spans)), None)
    if first is None or first.field.guessed:
        return []
    joins = first.kind.lower() in ("view", "reshape", "flatten")
    beside = any(any(row.field.spans) and any(row.field.axes) for row in path.rows)
    more = ["in brackets what they see without it"] if beside else []
    words = [
        f"global: {first.name} ({first.kind}) {'joins' if joins else 'mixes'} all positions",
        f"units behind it {'are taken to ' * joins}see all of the input",
        *more,
    ]
    return ["; ".join(words)]


def _guessed(path: Path) -> list[str]:
    first = next((row for row in path.rows if row.field.guessed), None)
    if first is None:
        return []
    return [
        f"≤ all: {first.name} ({first.kind}) moves positions in a way that is not followed; "
        "units behind it see all of the input at the most"
    ]


def _unknown(path: Path) -> list[str]:
    names = list(dict.fromkeys(f"{row.kind} in {row.module or 'the model'}" for row in path.rows if not row.known))
    return [f"no rule for {some(names)}: taken to mix all positions"] if names else []


def _uneven(path: Path) -> list[str]:
    first = next((row.name for row in path.rows if row.field.uneven), None)
    if first is None:
        return []
    return [
        f"branches whose strides differ meet at {first}: the widest interval of any unit is shown, the finest stride"
    ]


def _phases(path: Path) -> list[str]:
    """Layers whose units do not all see equally much."""
    for row in path.rows:
        for axis in map(row.field.of, range(len(row.field.spans))):
            if axis and len(set(axis.lengths)) > 1 and not row.field.uneven:
                few, many = min(axis.lengths), max(axis.lengths)
                return [
                    f"from {row.name} on the units differ by their place: there {few} to {many}; the widest is shown"
                ]
    return []


def _numbers(path: Path) -> list[str]:
    return ["followed with numbers: conditions in the model saw one image of noise"] if path.numbers else []


def _lost(path: Path) -> list[str]:
    """Where another library made the tensors, or they were written into new ones, part by part."""
    if not path.lost:
        return []
    last = f" behind {path.rows[-1].name}" if path.rows else ""
    return [
        f"not followed to the end: the model's result comes from new tensors{last}, which know nothing of the input"
    ]
