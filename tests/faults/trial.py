"""The trial of an implementation: laws asked in turn on the same few drawn cases.

As a program, ``python -m tests.faults.trial``, it tries every fault and every right implementation by every law, and
prints who noticed what.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest
import torch

import tests.faults.channels
import tests.faults.memory
import tests.faults.numbers
import tests.faults.placement
import tests.laws.test_laws  # noqa: F401  (it enters the laws, as those above enter their faults)
from tests.faults.bank import FAULTS, FUNCTION, RIGHT
from tests.faults.exam import CASES, drawn
from tests.faults.test_layers import EXAMS
from tests.laws.implementations import GOOD, Implementation
from tests.laws.law import LAWS, Law, within

#: What no law may complain about; the last shows that a fault is noticed for what was replaced in it.
RIGHT_ONES = {**GOOD, "a fault with nothing replaced": Implementation(RIGHT, FUNCTION)}


def complaint(law: Law, implementation: Implementation, cases: int = CASES) -> str | None:
    """What the law has to say: the first case in which it is broken."""
    with within(implementation.tolerance):
        for case in drawn(law.cases)[:cases]:
            try:
                law.holds(implementation.conv, case)
            except (Exception, pytest.fail.Exception) as error:
                return f"{law.name}: {type(error).__name__} for {case}"
    return None


def complaints(implementation: Implementation, first: str = "D1", cases: int = CASES) -> Iterator[str]:
    """Everything any law has to say, among those that need nothing the implementation does not promise."""
    for law in sorted(LAWS.values(), key=lambda law: not law.name.startswith(f"{first} ")):
        if law.needs <= implementation.promises:
            said = complaint(law, implementation, cases)
            if said is not None:
                yield said


def matrix() -> bool:
    """Try every fault and every right implementation by every law; whether none survived and none was accused."""
    noticed: Counter[str] = Counter()
    survivors, singles, accused = [], [], []
    for name, fault in FAULTS.items():
        said = complaints(Implementation(fault.conv, fault.promises), fault.noticed_by)
        by = [text.split(":")[0].split()[0] for text in said]
        noticed.update(by)
        print(f"{fault.group:18} {name:58} {len(by):3}  {' '.join(by)}", flush=True)
        survivors += [name] * (not by)
        singles += [f"{name} ({by[0]})"] * (len(by) == 1)
    for name, implementation in RIGHT_ONES.items():
        said = list(complaints(implementation))
        accused += [f"{name}: {text}" for text in said]
        print(f"{'right':18} {name:58} {len(said):3}", flush=True)
    idle = [name for name in LAWS if not noticed[name.split()[0]]]
    print(f"\nplanted {len(FAULTS)}, noticed {len(FAULTS) - len(survivors)}, survivors: {survivors or 'none'}")
    print(f"false alarms on {len(RIGHT_ONES)} right implementations: {len(accused)}", *accused, sep="\n  ")
    print(f"noticed by a single law: {', '.join(singles) or 'none'}")
    print(f"laws that noticed nothing: {', '.join(idle) or 'none'}")
    return not survivors and not accused


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(not all([*(exam.report() for exam in EXAMS), matrix()]))
