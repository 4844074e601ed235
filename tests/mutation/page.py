"""docs/MUTATION.md: how many mutants the tests noticed, and why the others are none that a test should notice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path

from tests.mutation.mutants import FLOORS, WHOLE, Change, Mutant
from tests.mutation.session import Result
from tests.suite import ROOT

PAGE = ROOT / "docs" / "MUTATION.md"
EXPLAINED = Path(__file__).with_name("explained.json")
KINDS = ("killed", "timeout", "survived", "invalid")
HEADING = """\
| floor | mutants | drawn | tried | killed | timeout | survived | invalid | noticed |
|---|---|---|---|---|---|---|---|---|
"""


def explanations() -> dict[Change, str]:
    """Why a change may survive; the file has a list of changes for each reason."""
    found = {}
    for file, entries in json.loads(EXPLAINED.read_text(encoding="utf-8")).items():
        for entry in entries:
            for after in entry["becomes"]:
                found[Change(file, entry["in"], entry["line"], after)] = entry["why"]
    return found


def unexplained(results: Sequence[Result], why: Mapping[Change, str]) -> list[Result]:
    """The survivors that nobody has explained."""
    return [result for result in results if result.outcome.kind == "survived" and result.change not in why]


def interval(noticed: int, tried: int) -> tuple[float, float]:
    """Wilson's interval of a share, with 95 % confidence."""
    z, share = 1.96, noticed / tried
    middle, width = share + z * z / (2 * tried), z * sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried))
    return (middle - width) / (1 + z * z / tried), (middle + width) / (1 + z * z / tried)


def noticed(counts: Mapping[str, int]) -> str:
    """The share of valid mutants that a test noticed."""
    valid = sum(counts[kind] for kind in KINDS[:3])
    return f"{(counts['killed'] + counts['timeout']) / valid:.1%}" if valid else "–"


def row(name: str, there: int, drawn: int, counts: Mapping[str, int]) -> str:
    """A row of the table."""
    each = " | ".join(f"{counts[kind]:,}" for kind in KINDS)
    return f"| {name} | {there:,} | {drawn:,} | {sum(counts.values()):,} | {each} | {noticed(counts)} |\n"


def table(there: Sequence[Mutant], drawn: Sequence[Mutant], results: Sequence[Result]) -> str:
    """A row a floor, and those of the sample together."""
    text = HEADING
    floors = {floor: (floor,) for floor in FLOORS} | {"the sample": tuple(f for f in FLOORS if f not in WHOLE)}
    for name, of in floors.items():
        counts = Counter(dict.fromkeys(KINDS, 0))
        counts.update(result.outcome.kind for result in results if result.mutant.floor in of)
        text += row(name, sum(m.floor in of for m in there), sum(m.floor in of for m in drawn), counts)
    valid = counts["killed"] + counts["timeout"] + counts["survived"]
    if valid and counts.total() == sum(mutant.floor not in WHOLE for mutant in drawn):
        low, high = interval(counts["killed"] + counts["timeout"], valid)
        text += f"\nOf all mutants of the sampled floors, {low:.1%} to {high:.1%} would be noticed (95 % confidence).\n"
    return text


def survivors(results: Sequence[Result], why: Mapping[Change, str]) -> str:
    """Each survivor with its explanation, by file."""
    text, file = "", ""
    for result in sorted(results, key=lambda r: (FLOORS.index(r.mutant.floor), r.mutant.file, r.mutant.line)):
        if result.outcome.kind != "survived":
            continue
        if result.mutant.file != file:
            file = result.mutant.file
            text += f"\n### {file}\n\n"
        change = result.change
        reason = why.get(change, "**not explained**")
        text += f"- `{change.where or 'module'}`: `{change.before}` → `{change.after or 'nothing'}`  \n  {reason}\n"
    return text


def written(there: Sequence[Mutant], drawn: Sequence[Mutant], results: Sequence[Result], seed: int) -> str:
    """The page."""
    why = explanations()
    head = INTRODUCTION.format(tried=len(results), drawn=len(drawn), seed=seed)
    return head + table(there, drawn, results) + SURVIVORS + survivors(results, why)


INTRODUCTION = """\
# With a small change in the package

`make mutation` makes one small change at a time, a mutant, in a copy of the tree, and runs tests until one fails. It
draws all mutants of `geometry`, and a sample of 600 of the other floors, in which each file has a share in proportion
to its mutants, and at least one. Outcomes are kept in `runs/mutation` while the mutated file is the same.

**{tried:,} of the {drawn:,} mutants drawn with seed {seed} have been tried.**

[cosmic-ray](https://cosmic-ray.readthedocs.io) makes the mutants: another operator, comparison or number, a condition
negated, a decorator taken away, a loop without a turn. It reaches static methods, constants of a module, and the source
of kernels that Numba compiles; mutmut 3.8 leaves out constants and decorated functions. Annotations are not mutated, as
no program runs them, nor is `==` exchanged with `is`, which are the same for small integers, names and None.

Left out as wholes: `torch_internals` and `missing`, which ask what torch and a machine have, `testing`, which
`make faults` tries, `bench` and `cli`, whose output tests read, and `train`.

The tests for a mutant are found by running them once and noting who runs which line: first those of the file that is
named like the mutated one, then others, each time those that run the mutated line before those that run another line of
its file, quick ones first, up to 8 and 20 seconds; last come those that look at all files. They run with profile
mc-smoke of tests/conftest.py. A survivor is a mutant that these do not notice. One that takes three times as long as
its tests and a minute more is a timeout, and counts as noticed; one that is no Python is invalid.

"""

SURVIVORS = """
## Survivors

A survivor gets a test. One that no test should notice gets an explanation in `tests/mutation/explained.json`, where it
is known by its file, its function, its line and what that becomes. `make mutation` fails until each has one or the
other.
"""
