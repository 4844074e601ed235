"""A case that ends the process or hangs, made smaller by a few tries: each costs a process, and a hang its patience."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from torch import Tensor

from manualconv.testing.adapters import as_torch_says, bound
from manualconv.testing.examiner import judgement, script
from manualconv.testing.examiner.asking import ASKED, GRADIENTS, VALUE
from manualconv.testing.examiner.features import features, recorded
from manualconv.testing.examiner.fitting import FITTED, fitted
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.target import Target

TRIES = 5


def autopsy(noted: bytes, end: str, law: str, dies: Callable[[str, Any, bool], bool] | None) -> tuple[Outcome, str]:
    """What a case died of, made smaller, and the one feature that it takes; "" if any call does."""
    label, case, small = pickle.loads(noted)
    outcome = Outcome(law, 0, 1, words=end, label=label, case=case, small=small)
    if not label or dies is None:
        return outcome, ""
    left = TRIES

    def still(smaller: Any) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and dies(label, smaller, small)

    suspects = _features(label, case, small) & FITTED
    plain = fitted(case, suspects)
    if not suspects or still(plain):
        outcome.case, suspects = plain, frozenset()
    alone = sorted(suspects)
    while len(alone) > 1 and left > 0:
        half = alone[: len(alone) // 2]
        with_half = fitted(case, suspects - set(half))
        if still(with_half):
            outcome.case, alone = with_half, half
        else:
            alone = alone[len(half) :]
    by_one = fitted(case, suspects - set(alone))
    if len(alone) == 1 and (by_one == outcome.case or still(by_one)):
        outcome.case = by_one
    elif alone:
        alone = []
    smaller = judgement.proofs()[label].smaller(outcome.case)
    if not small and still(smaller):
        outcome.case = smaller
    return outcome, alone[0] if alone else ""


def _features(label: str, case: Any, small: bool) -> frozenset[str]:
    question = judgement.question_of(label, case, small)
    call = recorded(question.of, question.inputs)
    return features(*call) if call else frozenset()


def explain(outcome: Outcome, target: Target, manner: script.Manner | None) -> None:
    """The call in a line, and as a program that hangs or crashes again."""
    if not outcome.label:
        return
    question = judgement.question_of(outcome.label, outcome.case, outcome.small)
    call = recorded(question.alone or question.of, question.inputs)
    if call is None:
        return
    values = bound(*call)
    outcome.config = {name: as_torch_says(value) for name, value in values.items() if not isinstance(value, Tensor)}
    outcome.config["shapes"] = {name: list(t.shape) for name, t in values.items() if isinstance(t, Tensor)}
    given = [f"{name}{tuple(shape)}" for name, shape in outcome.config["shapes"].items()]
    features_of = features(*call)
    given += [f"{name}={value}" for name, value in outcome.config.items() if name in features_of]
    outcome.sentence = f"{outcome.words}: {call[0]}({', '.join(given)})"
    first = outcome.law.removesuffix(ASKED)
    if manner is not None and (first in (VALUE, GRADIENTS) or first != outcome.law):
        claim = script.Claim("y" if first in (VALUE, "forward", "float64") else "the gradients", question.cotangent)
        outcome.script = script.script(target.found_at, manner, call, claim)
