"""Verdicts as lines for a person and as JSON for a program."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, is_dataclass, replace
from typing import Any

import torch

import manualconv
from manualconv.testing.examiner import torch_bugs
from manualconv.testing.examiner.asking import ASKED, is_there
from manualconv.testing.examiner.examination import Examination
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.torch_bugs import TORCH

SCHEMA = 1
#: Scripts that are printed for one target; the JSON has them all.
SCRIPTS = 2
LATER = "further laws are asked once the definitions agree"
PASSED, FAILED, MISTRUSTED, UNSUPPORTED = "passed", "FAILED", "MISTRUSTED", "unsupported"


def verdict(outcome: Outcome) -> str:
    """Passed, failed, or mistrusted: under half of the cases that were meant reached the end."""
    if outcome.words:
        return FAILED
    if outcome.lacking and not outcome.reached:
        return UNSUPPORTED
    return PASSED if outcome.reached and 2 * outcome.reached >= outcome.meant else MISTRUSTED


def is_doubtful(outcome: Outcome) -> bool:
    """Whether a law is mistrusted although the target refused nothing: what it refused is no failure of it."""
    return verdict(outcome) == MISTRUSTED and not outcome.lacking


def failed(found: Examination, required: Sequence[str]) -> list[str]:
    """What is wrong with a target, each in a line."""
    laws = [outcome.sentence or outcome.words for outcome in found.outcomes if outcome.words]
    doubtful = [o for o in found.outcomes if is_doubtful(o)]
    return failed_abilities(found, required) + laws + [f"{o.law}: {failure(o)[0]}" for o in doubtful]


def failed_abilities(found: Examination, required: Sequence[str]) -> list[str]:
    """What is wrong with it before any law is asked."""
    lines = [found.unusable] * bool(found.unusable)
    shown = {outcome.law for outcome in found.outcomes}
    lines += [
        f"{name}: {why.partition(': ')[2]}"
        for name, why in found.abilities.items()
        if why.startswith("failed") and f"{name}{ASKED}" not in shown
    ]
    lines += [
        f"{name} is required: {why.partition(': ')[2]}"
        for name, why in found.abilities.items()
        if why.startswith("unsupported") and (name in required or name == "forward")
    ]
    return lines


def failure(outcome: Outcome) -> list[str]:
    """A law that does not hold: the line, what it may come from, and the program that fails again."""
    if not outcome.words:
        short = f"mistrusted: {outcome.reached} of {outcome.meant} cases reached its end"
        return [short + f"; others need {', '.join(sorted(outcome.lacking))}" * bool(outcome.lacking)]
    guess = [f"likely: {outcome.guess}"] * bool(outcome.guess)
    return [outcome.sentence or outcome.words, *guess, *(f"| {line}" for line in outcome.script.splitlines())]


def why_not(found: Examination, outcome: Outcome | None, needs: Collection[str]) -> str:
    """Why a law has no verdict."""
    if outcome is not None:
        return failure(outcome)[0] if outcome.reached else f"needs {', '.join(sorted(outcome.lacking))}"
    missing = {need: found.abilities[need] for need in sorted(needs) if found.abilities.get(need)}
    if missing:
        return "; ".join(f"needs {need}: {why.partition(': ')[2]}" for need, why in missing.items())
    return LATER if stopped(found) else f"not asked: {found.unusable or 'the target has no forward pass'}"


def abilities(found: Examination, required: Sequence[str]) -> list[str]:
    """What a target has, and what it has not."""
    target = found.task.target
    said = [f"{target.operation}: {target.text}"]
    if found.unusable:
        said.append(f"  {FAILED:11} {found.unusable}")
        if not found.abilities:
            return said
    there = [name for name, why in found.abilities.items() if not why]
    said.append(f"  abilities   {', '.join(there) or 'none'}")
    said += [f"  its part    {'; '.join(found.part)}, since it says: {found.refused}"] if found.part else []
    missing = {name: why for name, why in found.abilities.items() if why}
    if "gradients" in missing and missing["gradients"].startswith("unsupported"):
        said.append("  FORWARD ONLY: the result has no graph, so no gradient was examined")
    asked_for = {outcome.law.removesuffix(ASKED) for outcome in found.outcomes if outcome.law.endswith(ASKED)}
    for name, why in missing.items():
        if name in asked_for or (is_there(why) and stopped(found)):
            continue  # stands below, with its program
        kind, _, reason = why.partition(": ")
        kind = FAILED if kind == "failed" or name in required or name == "forward" else UNSUPPORTED
        said += [
            f"  {kind:11} {name}: {reason}",
            *(f"{'':14}{line}" for line in known_line(known_ability(found, name))),
        ]
    return said


def lines(found: Examination, required: Sequence[str]) -> list[str]:
    """The report of one target."""
    said = abilities(found, required)
    if not found.abilities:
        return said
    missing = [name for name, why in found.abilities.items() if not is_there(why)]
    missing += sorted({each for outcome in found.outcomes for each in outcome.lacking} - found.abilities.keys())
    missing += [f"other than {name}" for name in found.part or ()]
    scripts = 0
    for outcome in found.outcomes:
        law = outcome.law.removesuffix(ASKED)
        counted = (
            f"{outcome.reached} cases"
            if outcome.reached or not outcome.lacking
            else f"needs {', '.join(sorted(outcome.lacking))}"
        )
        said.append(f"  {verdict(outcome):11} {law}{f'  ({counted})' if law == outcome.law else ''}")
        if verdict(outcome) == MISTRUSTED:
            said.append(f"{'':14}{failure(outcome)[0]}")
        if outcome.words:
            whole = failure(outcome) if scripts < SCRIPTS else failure(replace(outcome, script=""))
            said += [f"{'':14}{line}" for line in whole + known_line(known_law(found, outcome))]
            scripts += bool(outcome.script)
        if outcome.accuracy is not None:
            said.append(f"              {outcome.accuracy.line()}")
    if stopped(found):
        said.append(f"  {LATER}")
    said.append(f"  not examined: {', '.join(missing) or 'nothing'}; {found.seconds:.0f} s")
    return said


def known_law(found: Examination, outcome: Outcome) -> str:
    """The bug of torch that a law's failure is, by its title in docs/TORCH_BUGS.md; "" if it is none."""
    return _known(found, outcome.law, outcome.sentence or outcome.words)


def known_ability(found: Examination, name: str) -> str:
    """The same of an ability's."""
    kind, _, reason = found.abilities[name].partition(": ")
    return _known(found, name, reason) if kind == "failed" else ""


def _known(found: Examination, what: str, words: str) -> str:
    target = found.task.target
    return torch_bugs.known(target.operation, what, words) if words and target.text == "torch" else ""


def known_line(title: str) -> list[str]:
    """As it stands beside a failure."""
    return [f"known of torch {TORCH}: {title}"] * bool(title)


def is_known(found: Examination, required: Sequence[str]) -> bool:
    """Whether something failed, and nothing but what is known of torch."""
    titles = [known_ability(found, name) for name, why in found.abilities.items() if why.startswith("failed")]
    titles += [known_law(found, outcome) for outcome in found.outcomes if outcome.words]
    asked_for = sum(outcome.law.endswith(ASKED) for outcome in found.outcomes if outcome.words)
    return all(titles) and 0 < len(failed(found, required)) == len(titles) - asked_for


def quotas(examinations: Sequence[Examination]) -> list[str]:
    """What the cases exercise, each of how many: of the operations that have it at all."""
    facts, among = Counter[str](), Counter[str]()
    for found in examinations:
        cases = sum(outcome.reached for outcome in found.outcomes)
        own: Counter[str] = sum((outcome.facts for outcome in found.outcomes), Counter())
        facts.update(own)
        among.update(dict.fromkeys(own, cases))
    return [f"  {fact:42} {count:8,} of {among[fact]:8,} cases" for fact, count in sorted(facts.items())]


def stopped(found: Examination) -> bool:
    """Whether a law failed without which no other is asked."""
    return any(outcome.words and "definition" in outcome.law for outcome in found.outcomes)


def as_json(examinations: Sequence[Examination], required: Sequence[str], seed: int) -> str:
    """Everything that is known, under a schema with a version."""
    results = [
        {
            "target": found.task.target.text,
            "operation": found.task.target.operation,
            "unusable": found.unusable or None,
            "part": list(found.part or ()),
            "abilities": {
                name: {
                    "verdict": why.partition(": ")[0] or "there",
                    "reason": why.partition(": ")[2] or None,
                    "known": known_ability(found, name) or None,
                }
                for name, why in found.abilities.items()
            },
            "laws": {
                outcome.law: {
                    **_law(outcome),
                    "known": known_law(found, outcome) or None,
                }
                for outcome in found.outcomes
            },
            "failed": failed(found, required),
            "seconds": round(found.seconds, 2),
        }
        for found in examinations
    ]
    head = {
        "schema": SCHEMA,
        "versions": {
            "manualconv": manualconv.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "seed": seed,
    }
    return json.dumps({**head, "results": results}, indent=1, default=_plain) + "\n"


def _law(outcome: Outcome) -> dict[str, Any]:
    difference = outcome.difference
    failure = None
    if outcome.words:
        failure = {
            "config": outcome.config,
            "words": outcome.sentence or outcome.words,
            "likely": outcome.guess or None,
            "index": None if difference is None else list(difference.index),
            "got": None if difference is None else difference.got,
            "expected": None if difference is None else difference.expected,
            "script": outcome.script or None,
        }
    accuracy = None if outcome.accuracy is None else outcome.accuracy.summary()
    counts = {"cases": outcome.reached, "meant": outcome.meant, "lacking": sorted(outcome.lacking)}
    return {"verdict": verdict(outcome).lower(), **counts, "accuracy": accuracy, "failure": failure}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
