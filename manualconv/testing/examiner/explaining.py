"""A law that fails, explained: where, on the smallest values, with a program that fails again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from manualconv.testing.adapters import bound
from manualconv.testing.catalogue import Question
from manualconv.testing.examiner import failures, script
from manualconv.testing.examiner.asking import ASKED, GRADIENTS, VALUE, Subject, drawn
from manualconv.testing.examiner.features import recorded
from manualconv.testing.examiner.opcheck import OPCHECK
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.judge import ROUNDING
from manualconv.testing.laws.operation import Asked, Broken, Kind, Law, held, real

#: Cases that are tried to find out where a failure happens, and the seconds for them.
SAMPLES, EXPLAINING = 80, 8.0
#: Words of laws, and what a program checks of them.
ORDERS = {"second derivative": "order 2", "third derivative": "order 3"}
#: Laws that compare with the definitions alone: while one of them fails, no other is asked.
BY_DEFINITION = (VALUE, GRADIENTS)


class Explained(Subject):
    """A target whose failures are put into words."""

    def explain(self, law: Law, result: Outcome) -> None:
        """Say where a law gives wrong numbers, on the smallest values, with a program."""
        asked = _alone(self.asked(result.label, result.case, law.small))
        slot = asked.slots[result.difference.slot]
        own = failures.facts_of(result.case, self.needed(asked.question), asked.question.inputs)
        fact = failures.decisive(own, list(self.samples(law, result)))
        tensors, room = [*asked.question.inputs, asked.question.cotangent], result.difference.room
        digits = [name for name in ROUNDING if law.name.startswith(f"{str(name).removeprefix('torch.')} is ")]
        if law.name in BY_DEFINITION and not result.difference.note:
            room = asked.question.roundings * ROUNDING[self.base] * (1 + abs(result.difference.expected))
            if self.task.target.text != "manualconv":
                fails = partial(self.fails, asked, result)
                result.difference = fails(tensors) or result.difference
                tensors, difference = failures.smallest(tensors, fails)
                result.difference = difference or result.difference
        elif digits:
            question = held(asked.question, digits[0])
            tensors = [*real(question, digits[0]), question.cotangent.to(digits[0])]
        result.sentence = failures.sentence(slot, result.difference, result.words, fact)
        result.guess = failures.likely(slot, fact)
        shown = law.name in BY_DEFINITION or digits
        claim = None
        if result.difference.shape is not None:
            claim = script.Claim(slot, tensors[-1], result.difference.shape, check="shape")
        elif shown:
            claim = script.Claim(slot, tensors[-1], result.difference.index, result.difference.expected, room)
        self.write(result, replace(asked.question, inputs=tuple(tensors[:-1])), claim)

    def show(self, result: Outcome) -> None:
        """The call that a law cannot make, as a program that fails in the same way, if a plain call does."""
        question = self.question(result.label, result.case, result.small)
        slot = "y" if result.law in (VALUE, f"forward{ASKED}") else "the gradients"
        check = "opcheck" if result.law == OPCHECK else "tensor" if result.words.startswith("the result is ") else ""
        if self.manner.kind in ("function", "autograd", "operator"):
            check = next((order for word, order in ORDERS.items() if word in result.law), check)
        plain = bool(check) or result.law.endswith(ASKED) or result.law in BY_DEFINITION
        self.write(result, question, script.Claim(slot, question.cotangent, check=check) if plain else None)

    def write(self, result: Outcome, question: Question, claim: script.Claim | None) -> None:
        """The configuration, and the program of a claim."""
        call = recorded(question.alone or question.of, question.inputs)
        if call is None:
            return
        arguments = bound(*call)
        result.config = {name: value for name, value in arguments.items() if not isinstance(value, Tensor)}
        result.config["shapes"] = {name: list(t.shape) for name, t in arguments.items() if isinstance(t, Tensor)}
        if claim is not None:
            if self.base != torch.float64:
                call, claim = _narrowed(call, self.base), replace(claim, cotangent=claim.cotangent.to(self.base))
            result.script = script.script(self.task.target.found_at, self.manner, call, claim)

    def samples(self, law: Law, result: Outcome) -> Iterator[failures.Sample]:
        """Whether the law fails on drawn cases, and what holds of them; for a few seconds."""
        end = time.monotonic() + EXPLAINING
        for case in drawn(self.within(self.proofs[result.label].cases), SAMPLES, self.task.seed + 1):
            question = self.question(result.label, case, law.small)
            fails = False
            try:
                self.holds(law, result.label, case)
            except Broken as broken:
                if broken.difference is None or broken.difference.slot != result.difference.slot:
                    continue
                fails = True
            except Exception:
                continue
            if question.cotangent.numel():
                yield failures.Sample(failures.facts_of(case, self.needed(question), question.inputs), fails)
            if time.monotonic() > end:
                return

    def fails(self, asked: Asked, result: Outcome, tensors: list[Tensor]) -> Any:
        """How the same slot is wrong with other numbers, if it is; our own layers, which are proved, know the right."""
        question = replace(asked.question, inputs=tuple(tensors[:-1]), cotangent=tensors[-1])
        again, first = replace(asked, question=question), min(result.difference.slot, 1)
        before = [t.clone() for t in tensors]
        try:
            results = again.both() if first else [again.value()]
        except Exception:
            return None
        finally:
            for t, was in zip(tensors, before):
                if not torch.equal(t, was):  # the target edits its operands
                    t.copy_(was)
        kind = Kind("numbers", first=first, arrays=tuple(t.detach().numpy() for t in tensors))
        case = self.put(result.label, result.case, result.small)
        difference = self.ask(result.label, case, False, kind, results).difference
        return difference if difference is not None and difference.slot == result.difference.slot else None


def _alone(asked: Asked) -> Asked:
    """Without what makes whole numbers of the answers: a program shows the operation itself."""
    if asked.alone is None or asked.question.alone is None:
        return asked
    return replace(asked, apply=asked.alone, question=replace(asked.question, of=asked.question.alone))


def _narrowed(call: Any, dtype: torch.dtype) -> Any:
    """A call in the dtype that a target takes."""

    def narrow(value: Any) -> Any:
        return value.to(dtype) if isinstance(value, Tensor) and value.dtype == torch.float64 else value

    name, args, options = call
    return name, tuple(map(narrow, args)), {key: narrow(value) for key, value in options.items()}
