"""docs/SELF_TEST.md, written from a run: the counts, and a row for each implementation."""

from __future__ import annotations

from collections import Counter

from manualconv.testing.faults.bank import CHEAT, FAULT, RIGHT
from manualconv.testing.faults.everything import BANK
from manualconv.testing.faults.right import absent
from manualconv.testing.faults.self_test import Found, summary
from manualconv.testing.faults.usual_rule import TOLERANCES
from manualconv.testing.faults.wards import Sitting

HEAD = """# The examiner's own exam

`manualconv check --self-test` puts this bank before the examiner: wrong implementations, cheats and right ones, each in
a process of its own, under the laws and the judge that any target gets.  `--only WORD…` takes a part, `--json FILE`
keeps everything, `--output FILE` writes this page.  Exit code 1 is a survivor or an accusation.

Each fault is a right implementation with one change.  A number alone is one of pytorch's issues or pull requests; a
name and a number are another project's; the rest is a class of mistakes.  The last column is the law that noticed
first; with `--profile deep` all laws are asked of everyone, and the laws that notice nothing alone are named.  Faults
are not compiled; four right implementations are.  A law gets 25 cases; a fault that nobody noticed on them is asked
again on up to 150.

The usual rule compares the output of five seeded normal inputs of one shape with torch's by `allclose`, in float32.
"""


def page(found: Found) -> str:
    """The whole page."""
    counts = ", ".join(f"{n} {family}" for family, n in sorted(families().items()))
    parts = [HEAD, "## What came of it\n", "```", *summary(found), "```", f"\nPlanted faults by family: {counts}.\n"]
    titles = {FAULT: "Planted faults", CHEAT: "Cheats", RIGHT: "Right implementations"}
    for kind, title in titles.items():
        parts += [f"\n## {title}\n", *table([each for each in found.sittings if BANK[each.key].kind == kind], kind)]
    if absent():
        parts.append(f"\nNot installed, and not counted: {', '.join(absent())}.")
    return "\n".join(parts) + "\n"


def families() -> Counter[str]:
    """How many faults of each family there are."""
    return Counter(entry.family for entry in BANK.values() if entry.kind == FAULT)


def table(sittings: list[Sitting], kind: str) -> list[str]:
    """Rows of one kind."""
    if kind == RIGHT:
        rows = [
            f"| {each.key} | {BANK[each.key].tier} | {each.cases} | {each.words or 'not accused'} |"
            for each in sittings
        ]
        return ["| implementation | tier | cases | |", "|---|---|---|---|", *rows]
    usual = " | ".join(f"{tolerance:g}" for tolerance in TOLERANCES)
    rows = []
    for each in sittings:
        passed = " | ".join("passes" if each.usual.get(tolerance) else "" for tolerance in TOLERANCES)
        noticed = "; ".join(each.noticed[:3]) + (f"; {len(each.noticed) - 3} more" if len(each.noticed) > 3 else "")
        after = f"{each.killed_after:.1f}" if each.noticed else ""
        rows.append(f"| {each.key} | {BANK[each.key].origin} | {after} | {passed} | {noticed or 'SURVIVES'} |")
    return [f"| implementation | origin | s | {usual} | noticed by |", "|---|---|---|---|---|---|", *rows]
