"""The ledger: what was checked, counted where it was checked.

A test enters a check by ``with checked("conv2d", EXACT):`` around it.  It counts once it has passed; one that raises
counts as a mismatch.  Workers hand their pages to the controller, which prints one table at the end of the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

EXACT = "exact"
FIRST = "gradcheck"
SECOND = "gradgradcheck"
THIRD = "third order"
ERRORS = "bad input"
MISMATCHES = "mismatches"
KINDS = (EXACT, FIRST, SECOND, THIRD, ERRORS, MISMATCHES)

#: (operation, kind) → how many, in this process and in the workers that have reported.
LEDGER: Counter[tuple[str, str]] = Counter()


@contextmanager
def checked(operation: str, kind: str) -> Iterator[None]:
    """Count the check inside, under its kind if it passes, as a mismatch if it raises."""
    try:
        yield
    except BaseException:
        LEDGER[operation, MISMATCHES] += 1
        raise
    LEDGER[operation, kind] += 1


def page() -> list[tuple[str, str, int]]:
    """What this process has counted, in a form that a worker can send."""
    return [(operation, kind, count) for (operation, kind), count in LEDGER.items()]


def add(entries: list[tuple[str, str, int]]) -> None:
    """Add another process's page."""
    for operation, kind, count in entries:
        LEDGER[operation, kind] += count


def table() -> list[str]:
    """One line per operation, in the order of their names."""
    operations = sorted({operation for operation, _ in LEDGER})
    if not operations:
        return []
    width = max(map(len, operations))
    lines = [" " * width + "".join(f"{kind:>15}" for kind in KINDS)]
    lines += [
        f"{operation:{width}}" + "".join(f"{LEDGER[operation, kind]:>15,}" for kind in KINDS)
        for operation in operations
    ]
    return lines
