"""A target as it is asked: guarded from what it has not, on its device, in its dtype; what it has is found so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from torch import Tensor

from manualconv.testing.adapters import Library, bound
from manualconv.testing.catalogue import Question
from manualconv.testing.examiner.features import EXTENSIONS, features, recorded
from manualconv.testing.examiner.fitting import fitted
from manualconv.testing.examiner.judgement import ADMITTED, TIERS, proofs_of
from manualconv.testing.examiner.outcome import Accuracy
from manualconv.testing.examiner.parts import restricted
from manualconv.testing.examiner.script import manner_of
from manualconv.testing.examiner.target import Target
from manualconv.testing.judge import ROUNDING
from manualconv.testing.laws.operation import Asked, Kind, Law
from manualconv.testing.laws.operation.settings import switches
from manualconv.testing.moving import moved

VALUE, GRADIENTS = "the value is the definition's", "the gradients are the definition's"
#: What is asked while abilities are looked for is no law; its name ends so.
ASKED = ", asked for"
#: torch's own words for a mode that an implementation does not have.
NOT_THERE = (
    "setup_context",
    "does not have vmap support",
    "once_differentiable",
    "not implemented for",
    "Batching rule not implemented",
    "does not support forward AD",
    "does not support it",
    "Batch norm got a batched tensor",
    "no autograd formula was registered",
    "vmap: inplace arithmetic",
    "does not support 3rd+ order derivatives",
    "derivative for aten::",
    "Cannot access data pointer of Tensor that doesn't have storage",
)


class NotExamined(Exception):
    """A call that needs what the target has not: the features."""


@dataclass(frozen=True)
class Task:
    """What is asked of a target, and how far an interrupted examination has come.

    Attributes:
        target, cases, seed, tier, only, without, device: as the command line says them; `cases` of a law in full.
        base: the dtype that it takes, or "" to find out.
        abilities, all_asked: what is known of them, and whether that is all.
        part: to what every case is brought, of `manualconv.testing.examiner.parts`; None to find out.
        done: laws that need not be asked again.
        single: one law of one case (law, proof, case, whether a small one), and nothing else.
    """

    target: Target
    cases: int
    seed: int
    tier: str
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    device: str = "cpu"
    base: str = ""
    abilities: Mapping[str, str] = field(default_factory=dict)
    all_asked: bool = False
    part: tuple[str, ...] | None = None
    done: frozenset[str] = frozenset()
    single: tuple[str, str, Any, bool] | None = None


class Misjudged(BaseException):
    """The judge failed: a fault of ours, which no law may take for the target's."""


class Subject:
    """A target under examination: `say` tells the parent, `ask` the judge."""

    def __init__(self, task: Task, say: Callable[..., None], ask: Callable[..., Any]) -> None:
        self.task, self.say, self.ask = task, say, ask
        self.operation = task.target.operation
        thing = task.target.thing()
        self.library = task.target.adapted(thing)
        self.manner = manner_of(thing, task.target.operation, task.target.is_an_operator())
        self.before = switches()
        self.proofs = proofs_of(self.operation)
        self.base: torch.dtype = getattr(torch, task.base or "float64")
        #: Features and modes that were asked for, and those of them that are there.
        self.known: frozenset[str] = frozenset()
        self.taken: frozenset[str] = frozenset()
        self.part: tuple[str, ...] = task.part or ()
        #: How exact the results were of which a law has asked last.
        self.accuracy = Accuracy()

    # ------------------------------------------------------------------------------------------- questions

    def question(self, label: str, case: Any, small: bool) -> Question:
        """What a case of a proof asks."""
        found: Question = self.proofs[label].question(self.put(label, case, small))
        # Of an algorithm that is no direct sum whole numbers are not exact either.
        admitted = (
            0.0 if self.task.tier == "direct" else ADMITTED * ROUNDING[TIERS[self.task.tier]] / ROUNDING[self.base]
        )
        return replace(found, loops=elsewhere, roundings=max(found.roundings, admitted))

    def put(self, label: str, case: Any, small: bool) -> Any:
        """The case as it is asked: a small one within the target's part."""
        return restricted(self.proofs[label].smaller(case), self.part) if small else case

    def asked(self, label: str, case: Any, small: bool, question: Question | None = None) -> Asked:
        """The question, put to the target."""
        question, library = question or self.question(label, case, small), self.guarded()
        dtype, put = str(self.base).removeprefix("torch."), self.put(label, case, small)

        def judge(kind: Kind, results: list[Tensor]) -> Any:
            judgement = self.ask(label, put, False, replace(kind, base=dtype), results)
            self.accuracy.add(judgement.accuracy or Accuracy())
            return judgement.difference

        alone = question.alone and question.alone(library)
        names = self.names(question)
        return Asked(question, question.of(library), judge, names, self.operation, self.before, alone, self.base)

    def names(self, question: Question) -> tuple[str, ...]:
        """Of the question's tensors, in the letters of the article: X, W, b, else the argument's."""
        letters = {"input": "X", "weight": "W", "bias": "b", "target": "T"}
        call = recorded(question.of, question.inputs)
        values = bound(*call).items() if call else ()
        found = [next((name for name, value in values if value is t), f"x{n}") for n, t in enumerate(question.inputs)]
        return tuple(letters.get(name, name) for name in found)

    def needed(self, question: Question) -> frozenset[str]:
        """The features of a question's call."""
        call = recorded(question.of, question.inputs)
        return features(*call) if call else frozenset()

    def guarded(self) -> Library:
        """The target, which is not called with what it has not."""
        apply = moved(getattr(self.library, self.operation), torch.device(self.task.device), self.base)

        def call(*args: Any, **options: Any) -> Any:
            needed = features(self.operation, args, options)
            if needed & self.known - self.taken:
                raise NotExamined(needed & self.known - self.taken)
            try:
                return apply(*args, **options)
            except Exception as error:
                # What nobody asked for before is asked for by the law itself.
                if needed - self.known and (says_no(error) or needed & EXTENSIONS - self.taken):
                    raise NotExamined(needed - self.known) from error
                raise

        return Library(**{self.operation: call})

    def within(self, cases: Any) -> Any:
        """Cases of the part that the target has."""
        lacking = self.known - self.taken
        return cases.map(lambda case: self.brought(case, lacking)) if lacking or self.part else cases

    def brought(self, case: Any, lacking: Set[str] = frozenset()) -> Any:
        """A case without what is lacking, in the target's part."""
        return restricted(fitted(case, lacking), self.part)

    def fit(self, label: str, case: Any, small: bool) -> Question:
        """A case's question.  Raises `NotExamined` if its call needs what the target has not."""
        question = self.question(label, case, small)
        lacking = self.needed(question) & self.known - self.taken
        if lacking:
            raise NotExamined(lacking)
        return question

    def holds(self, law: Law, label: str, case: Any) -> None:
        """One case of a law."""
        law.holds(self.asked(label, case, law.small, self.fit(label, case, law.small)))


def elsewhere() -> list[Any]:
    """Of a question in the target's process: nobody who looks around there finds the answers."""
    raise RuntimeError("the definitions are asked in the judge's process")


def is_there(why: str) -> bool:
    """Whether an ability is there: wrong is not missing, since the laws find out where, and shrink it."""
    return not why or why.startswith("failed: wrong")


def says_no(error: Exception) -> bool:
    """Whether an error says that the implementation does not do this: its author's way, or torch's for its modes."""
    text = str(error)
    unknown = isinstance(error, TypeError) and "unexpected keyword argument" in text
    return isinstance(error, NotImplementedError) or unknown or any(words in text for words in NOT_THERE)


def quoted(error: BaseException) -> str:
    """An exception in a line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def drawn(cases: st.SearchStrategy[Any], count: int, number: int) -> list[Any]:
    """The first cases of a strategy."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def draw(case: Any) -> None:
        found.append(case)

    draw()
    return found
