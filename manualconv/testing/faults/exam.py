"""The exam of a family: its laws, implementations that are right, and one implementation a fault.

All laws are asked of an implementation in turn, on the same few cases.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manualconv.testing.laws.law import Implementation, Law, Laws, within

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


def complaint(law: Law, who: Implementation, cases: int = CASES) -> str | None:
    """What a law has to say: the first case in which it is broken."""
    with within(who.tolerance):
        for case in drawn(law.cases)[:cases]:
            try:
                law.holds(who.layer, case)
            except Exception as error:
                return f"{law.name}: {type(error).__name__} for {case}"
    return None


@dataclass(frozen=True)
class Fault:
    """A wrong implementation, what it imitates, and the law that is asked first."""

    implementation: Implementation
    group: str
    origin: str
    noticed_by: str


@dataclass(frozen=True)
class Exam:
    """A family's laws, who obeys them, and who must not.

    A fault has the exam's `promises`, and `first` is the law asked first of it, if nothing else is said.
    """

    family: str
    laws: Laws
    right: Mapping[str, Implementation]
    promises: frozenset[str] = frozenset()
    first: str = ""
    faults: dict[str, Fault] = field(default_factory=dict)

    def plant(
        self,
        name: str,
        group: str,
        layer: Any,
        origin: str = "",
        promises: frozenset[str] | None = None,
        by: str = "",
    ) -> None:
        """Enter a fault."""
        assert name not in self.faults
        made = Implementation(layer, self.promises if promises is None else promises)
        self.faults[name] = Fault(made, group or self.family, origin, by or self.first)

    def complaints(self, who: Implementation, cases: int = CASES, first: str = "") -> Iterator[str]:
        """Everything any law has to say, among those that need nothing that is not promised."""
        for law in sorted(self.laws.values(), key=lambda law: not law.name.startswith(f"{first} ")):
            if law.needs <= who.promises and (said := complaint(law, who, cases)) is not None:
                yield said

    def notices(self, name: str) -> bool:
        """Whether any law has something to say of a fault; the likeliest is asked first."""
        fault = self.faults[name]
        return next(self.complaints(fault.implementation, first=fault.noticed_by), None) is not None

    def report(self) -> bool:
        """Print who noticed what, every law asked of everyone; whether none survived and none was accused."""
        noticed: Counter[str] = Counter()
        survivors, singles, accused = [], [], []
        for name, fault in self.faults.items():
            by = [text.split()[0] for text in self.complaints(fault.implementation, first=fault.noticed_by)]
            noticed.update(by)
            print(f"{fault.group:18} {name:58} {len(by):3}  {' '.join(by)}", flush=True)
            survivors += [name] * (not by)
            singles += [f"{name} ({by[0]})"] * (len(by) == 1)
        for name, implementation in self.right.items():
            said = list(self.complaints(implementation))
            accused += [f"{name}: {text}" for text in said]
            print(f"{'right':18} {name:58} {len(said):3}", flush=True)
        idle = [name for name in self.laws if not noticed[name.split()[0]]]
        print(f"{self.family}: planted {len(self.faults)}, survivors: {survivors or 'none'}")
        print(f"false alarms on {len(self.right)} right implementations: {len(accused)}", *accused, sep="\n  ")
        print(f"noticed by a single law: {', '.join(singles) or 'none'}")
        print(f"laws that noticed nothing: {', '.join(idle) or 'none'}\n")
        return not survivors and not accused
