"""The bank: what the examiner is tried with, each under a name, as a thing that anybody could have written.

A fault is a right implementation with one small change; a cheat looks right to whoever compares a few outputs.  Each
names where it was seen: a public report (a number alone is one of pytorch's issues), a class of mistakes, or what
benchmarks of kernels report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from manualconv.testing.examiner.target import Target

FAULT, CHEAT, RIGHT = "fault", "cheat", "right"


@dataclass(frozen=True)
class Entry:
    """One implementation of the bank.

    Attributes:
        name, family, operation: in words, the kind of layer, and what it is examined as.
        thing: a function, a Function, a Module class or a Pair.
        kind: fault, cheat or right.
        origin: where it was seen.
        tier: what it is judged by.
        compiled: whether torch compiles it too.
        without: abilities that it need not have: what the right one that it was made of has not.
    """

    name: str
    family: str
    operation: str
    thing: Any
    kind: str
    origin: str = ""
    tier: str = "direct"
    compiled: bool = False
    without: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What it is called in a list."""
        return f"{self.operation}: {self.name}"


#: All of them by their keys, in the order in which they were entered.
BANK: dict[str, Entry] = {}


def enter(entry: Entry) -> None:
    """Enter one; names are given once."""
    assert entry.key not in BANK, entry.key
    BANK[entry.key] = entry


def plant(family: str, operation: str, *faults: tuple[str, Any, str], kind: str = FAULT) -> None:
    """Enter faults of an operation, each a name, a thing and an origin."""
    for name, thing, origin in faults:
        enter(Entry(name, family, operation, thing, kind, origin))


@dataclass(frozen=True)
class FromBank(Target):
    """A target that is found in the bank: its text is a key."""

    def thing(self) -> Any:
        """The thing itself."""
        return BANK[self.text].thing
