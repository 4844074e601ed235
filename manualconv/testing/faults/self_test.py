"""``manualconv check --self-test``: the whole bank before the examiner, and before the usual rule."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from manualconv.testing.examiner.endings import ended_by_signals
from manualconv.testing.examiner.program import watched
from manualconv.testing.faults.bank import RIGHT
from manualconv.testing.faults.everything import BANK
from manualconv.testing.faults.right import absent
from manualconv.testing.faults.sitting import task_of
from manualconv.testing.faults.usual_rule import TOLERANCES
from manualconv.testing.faults.wards import Sitting, Ward
from manualconv.testing.laws.operation import LAWS

#: Faults are not compiled.
NOT_ASKED = ("compiled it is as eager",)
#: Cases a law, and those for a fault that nobody noticed on them.
CASES, THOROUGH = 25, 150


@dataclass
class Found:
    """What came of the bank: the examiner's sittings, and whom the usual rule lets pass at each tolerance."""

    sittings: list[Sitting] = field(default_factory=list)
    seconds: float = 0.0
    until_killed: bool = False

    def of(self, right: bool) -> list[Sitting]:
        """Those of right implementations, or of the others."""
        return [each for each in self.sittings if (BANK[each.key].kind == RIGHT) is right]

    @property
    def survivors(self) -> list[Sitting]:
        """Faults and cheats that no law noticed."""
        return [each for each in self.of(False) if not each.noticed]

    @property
    def accused(self) -> list[Sitting]:
        """Right implementations that a law complains about."""
        return [each for each in self.of(True) if each.noticed]

    def passed_by_the_usual_rule(self, tolerance: float) -> list[Sitting]:
        """Faults and cheats that it lets pass."""
        return [each for each in self.of(False) if each.usual.get(tolerance)]

    def alone(self) -> dict[str, int]:
        """How many faults each law noticed, and no other."""
        return dict(Counter(each.noticed[0] for each in self.of(False) if len(each.noticed) == 1))

    def first(self) -> dict[str, int]:
        """How many faults each law noticed before any other."""
        return dict(Counter(each.noticed[0] for each in self.of(False) if each.noticed))


def chosen(only: Sequence[str]) -> list[str]:
    """Keys with one of these words in key, family or kind, an operation's together.  Raises ValueError for none."""
    keys = [
        key
        for key, entry in BANK.items()
        if not only or any(word.lower() in f"{key} {entry.family} {entry.kind}".lower() for word in only)
    ]
    if not keys:
        families = sorted({entry.family for entry in BANK.values()})
        raise ValueError(f"nothing in the bank has {' or '.join(only)} in its name; families: {', '.join(families)}")
    return sorted(keys, key=lambda key: BANK[key].operation)


def run(
    only: Sequence[str] = (),
    seed: int = 0,
    until_killed: bool = False,
    said: Callable[[Sitting], None] = lambda _: None,
    jobs: int = 0,
) -> Found:
    """The bank, or the part of it that is asked for, in as many wards as there are cores."""
    local, wards, begin = threading.local(), [], time.perf_counter()

    def sat(key: str) -> Sitting:
        if not hasattr(local, "ward"):
            local.ward = Ward()
            wards.append(local.ward)
        sitting = examined(local.ward, key, seed, until_killed)
        said(sitting)
        return sitting

    try:
        with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
            sittings = list(pool.map(sat, chosen(only)))
    finally:
        for ward in wards:
            ward.close()
    return Found(sittings, time.perf_counter() - begin, until_killed)


def examined(ward: Ward, key: str, seed: int, until_killed: bool = False) -> Sitting:
    """One of the bank; a fault that survives few cases is asked more."""
    until_killed &= BANK[key].kind != RIGHT
    found = ward.sat(task_of(key, CASES, seed), until_killed)
    if found.noticed or BANK[key].kind == RIGHT:
        return found
    again = ward.sat(task_of(key, THOROUGH, seed), until_killed=True)
    again.killed_after += found.seconds
    again.seconds += found.seconds
    return again


def program(only: Sequence[str], seed: int, until_killed: bool, json_file: Path | None, output: Path | None) -> int:
    """What the command does; the exit code: 1 for a survivor or an accusation, 2 where nothing is to be done."""
    try:
        count = len(chosen(only))
    except ValueError as error:
        print(f"manualconv check --self-test: {error}", file=sys.stderr)
        return 2
    with ended_by_signals(), watched(count) as step:
        found = run(only, seed, until_killed, said=lambda sitting: step(line(sitting)))
    print(*summary(found), sep="\n", flush=True)
    if json_file is not None:
        json_file.write_text(json.dumps(as_data(found), indent=1) + "\n", encoding="utf-8")
    if output is not None:
        from manualconv.testing.faults.page import page

        output.write_text(page(found), encoding="utf-8")
    return 1 if found.survivors or found.accused else 0


def line(sitting: Sitting) -> str:
    """One implementation in a line."""
    right = BANK[sitting.key].kind == RIGHT
    verdict = ("ACCUSED" if right else "killed") if sitting.noticed else ("right" if right else "SURVIVES")
    after = f"{sitting.killed_after:5.1f} s  {sitting.noticed[0]}" if sitting.noticed else f"{sitting.seconds:5.1f} s"
    return f"{verdict:8} {sitting.key}  {after}"


def summary(found: Found) -> list[str]:
    """What came of it all, in lines."""
    faults, right = found.of(False), found.of(True)
    times = sorted(each.killed_after for each in faults if each.noticed)
    slowest = max(faults, key=lambda each: each.killed_after if each.noticed else 0.0, default=None)
    said = [f"killed {len(times)} of {len(faults)}, survivors {len(found.survivors)}"]
    said += [f"  survives: {each.key}" for each in found.survivors]
    said.append(f"right {len(right)}, accusations {len(found.accused)}")
    said += [f"  accused: {each.key}: {each.noticed[0]}: {each.words}" for each in found.accused]
    if absent():
        said.append(f"not installed, and not counted: {', '.join(absent())}")
    if times and slowest is not None:
        said.append(f"seconds to kill: median {median(times):.1f}, worst {times[-1]:.1f} ({slowest.key})")
    for tolerance in TOLERANCES:
        passed = len(found.passed_by_the_usual_rule(tolerance))
        said.append(f"the usual rule at {tolerance:g} lets {passed} of {len(faults)} pass")
    said.append(f"{found.seconds / 60:.1f} minutes on {os.cpu_count()} cores")
    return [*said, *of_laws(found)]


def of_laws(found: Found) -> list[str]:
    """Which laws noticed something first; which of them, nothing alone, if all were asked; which, nothing at all."""
    first, noticed = found.first(), {law for each in found.of(False) for law in each.noticed}
    said = ["noticed first by:"]
    said += [f"  {count:3} {law}" for law, count in sorted(first.items(), key=lambda each: -each[1])]
    if not found.until_killed:
        said.append(f"laws that notice nothing alone: {'; '.join(sorted(noticed - set(found.alone()))) or 'none'}")
    idle = [law for law in LAWS if law not in noticed and law not in NOT_ASKED]
    said.append(
        f"laws of any operation that noticed nothing{' first' * found.until_killed}: {'; '.join(idle) or 'none'}"
    )
    return said


def as_data(found: Found) -> dict[str, Any]:
    """Everything for a program."""
    return {
        "schema": 1,
        "survivors": [each.key for each in found.survivors],
        "accused": [each.key for each in found.accused],
        "seconds": round(found.seconds, 1),
        "bank": [
            {
                **{name: getattr(BANK[each.key], name) for name in ("family", "operation", "kind", "origin")},
                **{name: value for name, value in asdict(each).items() if name != "usual"},
                "killed_after": round(each.killed_after, 2) if each.noticed else None,
                "passed by the usual rule": {f"{at:g}": is_so for at, is_so in each.usual.items()},
            }
            for each in found.sittings
        ],
    }
