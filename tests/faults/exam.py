"""The exam of a family: its laws, implementations that are right, and one implementation a fault.

A law is a function of an implementation and a drawn case that raises where it is broken, entered under its name; here
all are asked of an implementation in turn, on the same few cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Cases a law is asked about.
CASES = 30
DRAW = settings(
    max_examples=CASES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


@cache
def drawn(cases: st.SearchStrategy[Any]) -> tuple[Any, ...]:
    """The first cases of a strategy, always the same."""
    found: list[Any] = []

    @DRAW
    @given(cases)
    def draw(case: Any) -> None:
        found.append(case)

    draw()
    return tuple(found)


@dataclass(frozen=True)
class Planted:
    """A wrong implementation and the report it imitates: pytorch's numbers unless a project is named."""

    layer: Any
    origin: str


@dataclass(frozen=True)
class Exam:
    """A family's laws, the strategy of their cases, and who is asked."""

    family: str
    laws: Mapping[str, Callable[[Any, Any], None]]
    cases: st.SearchStrategy[Any]
    right: Mapping[str, Any]
    faults: dict[str, Planted] = field(default_factory=dict)

    def plant(self, name: str, layer: Any, origin: str = "") -> None:
        """Enter a fault."""
        assert name not in self.faults
        self.faults[name] = Planted(layer, origin)

    def complaints(self, layer: Any, cases: int = CASES) -> Iterator[str]:
        """Everything any law has to say: its name, and the first case in which it is broken."""
        for name, law in self.laws.items():
            for case in drawn(self.cases)[:cases]:
                try:
                    law(layer, case)
                except (Exception, pytest.fail.Exception) as error:
                    yield f"{name}: {type(error).__name__} for {case}"
                    break

    def report(self) -> bool:
        """Print who noticed what, every law asked of everyone; whether none survived and none was accused."""
        noticed: Counter[str] = Counter()
        survivors, singles, accused = [], [], []
        for name, fault in self.faults.items():
            by = [text.split()[0] for text in self.complaints(fault.layer)]
            noticed.update(by)
            print(f"{self.family:18} {name:58} {len(by):3}  {' '.join(by)}", flush=True)
            survivors += [name] * (not by)
            singles += [f"{name} ({by[0]})"] * (len(by) == 1)
        for name, layer in self.right.items():
            accused += [f"{name}: {text}" for text in self.complaints(layer)]
        idle = [name for name in self.laws if not noticed[name.split()[0]]]
        print(f"{self.family}: planted {len(self.faults)}, survivors: {survivors or 'none'}")
        print(f"false alarms on {len(self.right)} right implementations: {len(accused)}", *accused, sep="\n  ")
        print(f"noticed by a single law: {', '.join(singles) or 'none'}")
        print(f"laws that noticed nothing: {', '.join(idle) or 'none'}\n")
        return not survivors and not accused
