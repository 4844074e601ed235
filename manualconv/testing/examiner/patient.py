"""The process in which laws and target run: it can hang, crash or print what it likes.

It says by a connection what it is about to do and what came of it; the examination keeps the time.  Answers to results
come the same way, so that no expected number is ever in this process before the target has run.
"""

from __future__ import annotations

import os
import pickle
import random
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, Verbosity, assume, given, seed, settings
from hypothesis.errors import UnsatisfiedAssumption
from torch import Tensor

from manualconv.testing.adapters import Unusable
from manualconv.testing.examiner.abilities import Inquiry
from manualconv.testing.examiner.asking import Misjudged, NotExamined, Task, is_there, quoted, says_no
from manualconv.testing.examiner.explaining import BY_DEFINITION
from manualconv.testing.examiner.families import FAMILIES, NEEDS, cases_of, layer_of
from manualconv.testing.examiner.fitting import FITTED
from manualconv.testing.examiner.judgement import as_drawn
from manualconv.testing.examiner.opcheck import OPCHECK, SHARE, is_plain, opcheck
from manualconv.testing.examiner.outcome import Accuracy, Outcome
from manualconv.testing.laws.operation import LAWS, Broken, Kind, Law

#: Draws for each case that is meant: of a partial kernel's most need what it has not.
DRAWS = 6


class Enough(BaseException):
    """As many cases as were meant have reached a law's end: ends the drawing."""


class Patient(Inquiry):
    """A target that laws are asked of."""

    @as_drawn()
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
            if (not wrong or law.name in BY_DEFINITION) and self.is_wanted(law.name) and law.needs <= self.taken:
                outcome = self.outcome(law)
                self.say("outcome", outcome)
                wrong |= bool(outcome.words) and law.name in BY_DEFINITION
        if self.task.target.is_an_operator() and self.is_wanted(OPCHECK):
            self.say("outcome", self.of_operator())
        for name, each in FAMILIES.get(self.operation, {}).items():
            if not wrong and self.is_wanted(name) and self.is_fit(each.needs):
                outcome = self.of_family(each)
                # Where nothing was tried, or all needs other dimensions, no case is of this operation.
                if (outcome.meant or outcome.lacking) and outcome.lacking != {"other dimensions"}:
                    self.say("outcome", outcome)

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
        result, self.accuracy = Outcome(law.name, small=law.small), Accuracy()
        self.over_proofs(result, law.share, partial(self.holds, law))
        if result.words and result.difference is not None:
            self.explain(law, result)
        elif result.words:
            self.show(result)
        elif self.accuracy.target:
            result.accuracy = self.accuracy
        return result

    def of_operator(self) -> Outcome:
        """torch's own check."""
        result = Outcome(OPCHECK)
        self.over_proofs(result, SHARE, self.opchecks)
        if result.words:
            self.show(result)
        return result

    def opchecks(self, label: str, case: Any) -> None:
        """torch's own check of one case."""
        question = self.fit(label, case, False)
        assume(is_plain(question))
        opcheck(self.task.target.thing(), self.operation, question, self.base, "gradients" in self.taken)

    def of_family(self, law: Any) -> Outcome:
        """A law of the operation's family."""
        layer = layer_of(self.operation, getattr(self.guarded(), self.operation), law.name, self.known - self.taken)
        result, cases = Outcome(law.name), cases_of(law, self.operation)
        self.run(result, "", self.within(cases), max(self.task.cases // 8, 5), lambda case: law.holds(layer, case))
        return result

    def over_proofs(self, result: Outcome, share: float, holds: Callable[[str, Any], None]) -> None:
        """A share of the profile's cases, of one proof after the other until one fails."""
        count = max(int(self.task.cases * share) // len(self.proofs), 2)
        for label, proof in self.proofs.items():
            self.run(result, label, self.within(proof.cases), count, partial(holds, label))
            if result.words:
                return

    def run(self, result: Outcome, label: str, cases: Any, count: int, holds: Callable[[Any], None]) -> None:
        """Draw cases, shrink the first that fails, and note all in the outcome."""
        failed: list[tuple[Any, Exception]] = []
        before, tried, outside = result.reached, 0, 0

        def reaches(case: Any) -> bool | None:
            """Whether a case gets to the law's end; None if it needs what the target has not."""
            self.say("case", result.law, pickle.dumps((label, case, result.small)))
            try:
                holds(case)
            except NotExamined as lacking:
                result.lacking |= lacking.args[0]
                return None
            except UnsatisfiedAssumption:
                raise
            except Exception as error:
                if not isinstance(error, Broken) and says_no(error):
                    result.lacking |= {quoted(error)}
                    return False
                failed[:] = [(case, error)]
                raise
            return True

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
            nonlocal tried, outside
            if not failed and result.reached >= before + count:
                raise Enough
            reached, plain = reaches(case), self.brought(case, FITTED)
            if reached is None and plain != case:  # a law may do with a case what needs more than the case
                case, reached = plain, reaches(plain)
            tried += reached is not None
            outside += reached is None
            if reached:
                result.reached += 1
                result.facts.update(case.facts() if hasattr(case, "facts") else ())

        try:
            property()
        except Enough:
            pass
        except Exception as error:
            if not failed and type(error).__name__ != "Unsatisfiable":
                result.words = quoted(error)
            tried += bool(failed)
        # Where no case is of the target's part, none was meant.
        result.meant += min(count, tried + outside * (result.reached > before))
        if failed:
            result.label, (result.case, wrong) = label, failed[0]
            result.words = wrong.words if isinstance(wrong, Broken) else quoted(wrong)
            result.difference = wrong.difference if isinstance(wrong, Broken) else None

    @as_drawn()
    def single(self, law: str, label: str, case: Any, small: bool) -> None:
        """One case of a law, and nothing else."""
        if law == OPCHECK:
            self.opchecks(label, case)
        else:
            LAWS[law].holds(self.asked(label, case, small))


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
        say("judge", label, case, small, kind, arrays)
        answer = pickle.loads(connection.recv_bytes())
        if isinstance(answer, Exception):
            raise Misjudged(str(answer))
        return answer

    try:
        patient = Patient(task, say, ask)
        say("manner", patient.manner)
        if task.single is None:
            patient.examine()
        else:
            patient.single(*task.single)
        say("end")
    except Unusable as error:
        say("unusable", str(error))
    except (Exception, Misjudged) as error:
        say("broken", quoted(error))


def silence() -> None:
    """Whatever is printed here goes nowhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
