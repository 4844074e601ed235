"""What came of a law, and how exact the results were that it saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Accuracy:
    """Errors of results in roundings of their dtype, the target's and torch's of the same entries, and the bound.

    Attributes:
        target, torch: one number an entry; of torch there are none where it has no such function.
        bound: the largest that was allowed, and of the target's the largest part of its own bound.
    """

    target: list[float] = field(default_factory=list)
    torch: list[float] = field(default_factory=list)
    bound: float = 0.0
    used: float = 0.0

    def add(self, other: Accuracy) -> None:
        """Those of another case."""
        self.target += other.target
        self.torch += other.torch
        self.bound, self.used = max(self.bound, other.bound), max(self.used, other.used)

    def summary(self) -> dict[str, Any]:
        """The middle, the 99th of a hundred, and the largest."""
        return {
            "entries": len(self.target),
            "target": _spread(self.target),
            "torch": _spread(self.torch),
            "bound": self.bound,
            "used": self.used,
        }

    def line(self) -> str:
        """As in: roundings, half/99%/most: 0.3/1.1/2.0 of 29 allowed; torch 0.3/1.2/2.2."""
        said = "/".join(f"{e:.2g}" for e in _spread(self.target).values())
        theirs = "/".join(f"{e:.2g}" for e in _spread(self.torch).values())
        beside = f"; torch {theirs}" if self.torch else ""
        return f"roundings of {len(self.target)} entries, half/99%/all below {said}, allowed {self.bound:.3g}{beside}"


def _spread(errors: list[float]) -> dict[str, float]:
    """Quantiles of a row of numbers."""
    if not errors:
        return {"half": 0.0, "99%": 0.0, "all": 0.0}
    row, last = sorted(errors), len(errors) - 1
    return {"half": row[last // 2], "99%": row[round(0.99 * last)], "all": row[last]}


@dataclass
class Outcome:
    """What came of a law.

    Attributes:
        law: its name.
        reached, meant: cases that reached its end, and how many were to.
        lacking: what other cases needed and the target has not.
        words, sentence, guess: what is wrong; in a line; what it may come from.
        label, case, small: the smallest case that fails, of a proof.
        difference: where, and both numbers.
        config, script: the call's arguments, and a program that fails again.
        accuracy: of a law that asks for numbers with all their digits.
        facts: of the cases that reached its end, how many exercise what.
    """

    law: str
    reached: int = 0
    meant: int = 0
    lacking: frozenset[str] = frozenset()
    words: str = ""
    sentence: str = ""
    guess: str = ""
    label: str = ""
    case: Any = None
    small: bool = False
    difference: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    script: str = ""
    accuracy: Accuracy | None = None
    facts: Counter[str] = field(default_factory=Counter)
