"""The process in which laws and target run: it can hang, crash or print what it likes.

It says by a connection what it is about to do and what came of it; the examination keeps the time.  Answers to results
come the same way, so that no expected number is ever in this process before the target has run.
"""

from __future__ import annotations

import os
import pickle
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import UnsatisfiedAssumption
from torch import Tensor

from manualconv.testing.adapters import Unusable, bound
from manualconv.testing.examiner import failures
from manualconv.testing.examiner.asking import (
    GRADIENTS,
    VALUE,
    NotExamined,
    Subject,
    Task,
    drawn,
    is_there,
    quoted,
    says_no,
)
from manualconv.testing.examiner.features import recorded
from manualconv.testing.examiner.fitting import fitted
from manualconv.testing.examiner.target import LIBRARIES, thing
from manualconv.testing.laws import batch_normalization, convolution, max_pooling
from manualconv.testing.laws.law import Laws
from manualconv.testing.laws.operation import LAWS, Asked, Broken, Kind, Law

#: Draws for each case that is meant: of a partial kernel's most need what it has not.
DRAWS = 6
#: Cases that are tried to find out where a failure happens, and the seconds for them.
SAMPLES, EXPLAINING = 80, 8.0
#: Laws that compare with the definitions alone: while one of them fails, no other is asked.
BY_DEFINITION = (VALUE, GRADIENTS)
#: Laws of a family beyond those of any operation.
FAMILIES: dict[str, Laws] = {
    **{f"conv{n}d": convolution.LAWS for n in (1, 2, 3)},
    **{f"max_pool{n}d": max_pooling.LAWS for n in (1, 2, 3)},
    "batch_norm": batch_normalization.LAWS,
}
#: What a family's law needs, in the words of abilities; "" is part of the tier.
NEEDS = {
    "second order": "order 2",
    "forward mode": "forward mode",
    "vmap": "vmap",
    "bitwise": "determinism",
    "direct": "forward",
    "nan local": "forward",
}


@dataclass
class Outcome:
    """What came of a law.

    Attributes:
        law: its name.
        reached, meant: cases that reached its end, and how many were to.
        lacking: what other cases needed and the target has not.
        words, sentence, guess: what is wrong; in a line; what it may come from.
        label, case, small: the smallest case that fails, of a proof.
        difference: where, and both numbers.
        config, script: the call's arguments, and a program that fails again.
    """

    law: str
    reached: int = 0
    meant: int = 0
    lacking: frozenset[str] = frozenset()
    words: str = ""
    sentence: str = ""
    guess: str = ""
    label: str = ""
    case: Any = None
    small: bool = False
    difference: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    script: str = ""


class Patient(Subject):
    """A target that laws are asked of."""

    def examine(self) -> None:
        """Abilities first, then every law as far as they go."""
        abilities = dict(self.task.abilities)
        if abilities.get("float64"):
            self.base = torch.float32
        if not self.task.all_asked:
            self.find_abilities(abilities)
            self.say("abilities")
        if not is_there(abilities["forward"]):
            return
        self.known = frozenset(abilities)
        self.taken = frozenset(name for name, why in abilities.items() if is_there(why))
        wrong = False
        for law in LAWS.values():
            if wrong and law.name not in BY_DEFINITION:
                return  # every further law would fail for the same reason
            if self.is_wanted(law.name) and law.needs <= self.taken:
                outcome = self.outcome(law)
                self.say("outcome", outcome)
                wrong |= bool(outcome.words) and law.name in BY_DEFINITION
        for name, each in FAMILIES.get(self.operation, {}).items():
            if self.is_wanted(name) and self.is_fit(each.needs):
                self.say("outcome", self.of_family(each))

    def is_wanted(self, law: str) -> bool:
        """Whether it is among those that are wanted and not done yet."""
        wanted = not self.task.only or any(word.lower() in law.lower() for word in self.task.only)
        return wanted and law not in self.task.done

    def is_fit(self, needs: frozenset[str]) -> bool:
        """Whether a family's law can be asked: what only our own layers promise is asked of ours alone."""
        own = self.task.target.text == "manualconv"
        known = all(NEEDS.get(need, "") in self.taken or (own and need not in NEEDS) for need in needs)
        return known and "gradients" in self.taken and self.task.tier == "direct"

    def outcome(self, law: Law) -> Outcome:
        """A law of any operation, on drawn cases of each of its proofs."""
        result = Outcome(law.name, small=law.small)
        count = max(int(self.task.cases * law.share) // len(self.proofs), 2)
        for label, proof in self.proofs.items():
            self.run(result, label, self.within(proof.cases), count, partial(self.holds, law, label))
            if result.words:
                if result.difference is not None:
                    self.explain(law, result)
                break
        return result

    def within(self, cases: Any) -> Any:
        """Cases of the part that the target has."""
        lacking = self.known - self.taken
        return cases.map(lambda case: fitted(case, lacking)) if lacking else cases

    def holds(self, law: Law, label: str, case: Any) -> None:
        """One case of a law."""
        lacking = self.needed(self.question(label, case, law.small)) & self.known - self.taken
        if lacking:
            raise NotExamined(lacking)
        law.holds(self.asked(label, case, law.small))

    def of_family(self, law: Any) -> Outcome:
        """A law of the operation's family."""
        layer = getattr(self.guarded(), self.operation)
        axes = int(self.operation[-2]) if self.operation[-1] == "d" else None
        cases = law.cases if axes is None else law.cases.filter(lambda case: _axes(case) in (axes, None))
        if self.operation.startswith("max_pool"):
            layer = partial(_with_indices, layer)
        result = Outcome(law.name)
        self.run(result, "", self.within(cases), max(self.task.cases // 8, 5), lambda case: law.holds(layer, case))
        return result

    def run(self, result: Outcome, label: str, cases: Any, count: int, holds: Callable[[Any], None]) -> None:
        """Draw cases, shrink the first that fails, and note all in the outcome."""
        failed: list[tuple[Any, Exception]] = []
        result.meant += count

        @seed(self.task.seed)
        @settings(
            max_examples=DRAWS * count,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(cases)
        def property(case: Any) -> None:
            if not failed and result.reached >= result.meant:
                return
            self.say("case", result.law, pickle.dumps((label, case, result.small)))
            try:
                holds(case)
            except NotExamined as lacking:
                result.lacking |= lacking.args[0]
                return
            except UnsatisfiedAssumption:
                raise
            except Exception as error:
                if not isinstance(error, Broken) and says_no(error):
                    result.lacking |= {quoted(error)}
                    return
                failed[:] = [(case, error)]
                raise
            result.reached += 1

        try:
            property()
        except Exception as error:
            if not failed and type(error).__name__ != "Unsatisfiable":
                result.words = quoted(error)
        if failed:
            result.label, (result.case, wrong) = label, failed[0]
            result.words = wrong.words if isinstance(wrong, Broken) else quoted(wrong)
            result.difference = wrong.difference if isinstance(wrong, Broken) else None

    # -------------------------------------------------------------------------------------------- failures

    def explain(self, law: Law, result: Outcome) -> None:
        """Say where a law fails, on the smallest values, with a script."""
        asked = self.asked(result.label, result.case, law.small)
        slot = asked.slots[result.difference.slot]
        own = failures.facts_of(result.case, self.needed(asked.question), asked.question.inputs)
        fact = failures.decisive(own, list(self.samples(law, result)))
        tensors = [*asked.question.inputs, asked.question.cotangent]
        if self.task.target.text != "manualconv" and law.name in BY_DEFINITION:
            tensors, difference = failures.smallest(tensors, partial(self.fails, asked, result))
            result.difference = difference or result.difference
        result.sentence = failures.sentence(slot, result.difference, result.words, fact)
        result.guess = failures.likely(slot, fact)
        call = recorded(asked.question.of, tuple(tensors[:-1]))
        if call is None or result.difference.note:
            return
        arguments = bound(*call)
        result.config = {name: value for name, value in arguments.items() if not isinstance(value, Tensor)}
        result.config["shapes"] = {name: list(t.shape) for name, t in arguments.items() if isinstance(t, Tensor)}
        if self.task.target.text not in LIBRARIES:
            claim = failures.Claim(slot, result.difference, tensors[-1], asked.question.roundings * 2.0**-53)
            result.script = failures.script(self.task.target.text, thing(self.task.target), call, claim)

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
        try:
            results = again.both() if first else [again.value()]
        except Exception:
            return None
        kind = Kind("numbers", first=first, arrays=tuple(t.detach().numpy() for t in tensors))
        difference = self.ask(result.label, result.case, result.small, kind, results)
        return difference if difference is not None and difference.slot == result.difference.slot else None


def _with_indices(layer: Callable[..., Any], x: Tensor, *numbers: Any) -> Any:
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    return layer(x, **dict(zip(names, numbers)), return_indices=True)


def _axes(case: Any) -> int | None:
    window = getattr(case, "window", None) or getattr(getattr(case, "of", None), "window", None)
    return None if window is None else len(window.kernel_size)


def serve(connection: Connection, task: Task) -> None:
    """What the process does: examine, and say what comes of it."""
    silence()
    random.seed(task.seed)
    torch.manual_seed(task.seed)
    torch.set_num_threads(1)

    def say(*message: Any) -> None:
        connection.send_bytes(pickle.dumps(message))

    def ask(label: str, case: Any, small: bool, kind: Kind, results: list[Tensor]) -> Any:
        arrays = [t.detach().double().contiguous().numpy() for t in results]
        say("judge", label, case, small, replace(kind, base=str(patient.base).removeprefix("torch.")), arrays)
        answer = pickle.loads(connection.recv_bytes())
        if isinstance(answer, Exception):
            raise answer
        return answer

    try:
        patient = Patient(task, say, ask)
        if task.single is None:
            patient.examine()
        else:
            law, *case = task.single
            LAWS[law].holds(patient.asked(*case))
        say("end")
    except Unusable as error:
        say("unusable", str(error))
    except Exception as error:
        say("broken", quoted(error))


def silence() -> None:
    """Whatever is printed here goes nowhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
