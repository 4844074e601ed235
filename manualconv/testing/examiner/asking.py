"""A target as it is asked: guarded from what it has not, on its device, in its dtype; what it has is found so."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from torch import Tensor

from manualconv.testing.adapters import Library, bound
from manualconv.testing.catalogue import OPERATIONS, Question
from manualconv.testing.examiner.features import EXTENSIONS, features, recorded
from manualconv.testing.examiner.fitting import fitted
from manualconv.testing.examiner.target import Target
from manualconv.testing.laws.operation import LAWS, Asked, Broken, Unfit
from manualconv.testing.laws.operation.settings import switches

#: Drawn to find small cases that need one thing more than others.
POOL = 400
VALUE, GRADIENTS = "the value is the definition's", "the gradients are the definition's"
#: Dtypes, which an implementation may refuse by any error.
DTYPES = frozenset({"float16", "bfloat16", "float32", "float64"})
#: Abilities that are no features of a call: each is what some law needs.
MODES = sorted(set().union(*(each.needs for each in LAWS.values())) - {"gradients", "float64"})
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
    "vmap: inplace arithmetic",
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
    done: frozenset[str] = frozenset()
    single: tuple[str, str, Any, bool] | None = None


class Candidate(NamedTuple):
    """A drawn case: its proof, what its call needs, and how many numbers it holds."""

    label: str
    case: Any
    needs: frozenset[str]
    size: int


class Subject:
    """A target under examination: `say` tells the parent, `ask` the judge."""

    def __init__(self, task: Task, say: Callable[..., None], ask: Callable[..., Any]) -> None:
        self.task, self.say, self.ask = task, say, ask
        self.operation = task.target.operation
        self.library = task.target.load()
        self.before = switches()
        self.proofs = dict(OPERATIONS[self.operation].proofs)
        self.base: torch.dtype = getattr(torch, task.base or "float64")
        #: Features and modes that were asked for, and those of them that are there.
        self.known: frozenset[str] = frozenset()
        self.taken: frozenset[str] = frozenset()

    # ------------------------------------------------------------------------------------------- questions

    def question(self, label: str, case: Any, small: bool) -> Question:
        """What a case of a proof asks."""
        proof = self.proofs[label]
        found: Question = proof.question(proof.smaller(case) if small else case)
        return replace(found, loops=elsewhere)

    def asked(self, label: str, case: Any, small: bool) -> Asked:
        """The question, put to the target."""
        question, judge = self.question(label, case, small), partial(self.ask, label, case, small)
        return Asked(question, question.of(self.guarded()), judge, self.names(question), self.operation, self.before)

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
        apply = getattr(self.library, self.operation)

        def call(*args: Any, **options: Any) -> Any:
            needed = features(self.operation, args, options)
            if needed & self.known - self.taken:
                raise NotExamined(needed & self.known - self.taken)
            try:
                return self.called(apply, args, options)
            except Exception as error:
                # What nobody asked for before is asked for by the law itself.
                if needed - self.known and (says_no(error) or needed & EXTENSIONS - self.taken):
                    raise NotExamined(needed - self.known) from error
                raise

        return Library(**{self.operation: call})

    def called(self, apply: Callable[..., Any], args: Any, options: Any) -> Any:
        """On the device and in the dtype that the target takes; results come back as if it took float64 on the CPU."""
        device = torch.device(self.task.device)
        operands = [v for v in (*args, *options.values()) if isinstance(v, Tensor)]
        narrow = self.base != torch.float64 and any(t.dtype == torch.float64 for t in operands)
        if not narrow and device.type == "cpu":
            return apply(*args, **options)

        def there(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            return value.to(device, self.base if narrow and value.dtype == torch.float64 else value.dtype)

        def back(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            return value.to("cpu", torch.float64 if narrow and value.dtype == self.base else value.dtype)

        named = {name: there(value) for name, value in options.items()}
        y = apply(*map(there, args), **named)
        return tuple(map(back, y)) if isinstance(y, (tuple, list)) else back(y)

    # ------------------------------------------------------------------------------------------- abilities

    def find_abilities(self, found: dict[str, str]) -> None:
        """Ask for each ability that is not known yet, and say what came of it, one after the other."""
        pool = self.pool()
        plainest = min(pool, key=lambda each: (len(each.needs), each.size))
        if not self.task.base and "float64" not in found:
            self.find_dtype(plainest, found)
        self.find("forward", plainest, VALUE, found)
        if not is_there(found["forward"]):
            return
        self.find("gradients", plainest, GRADIENTS, found)
        self.find_features(plainest, pool, GRADIENTS if is_there(found["gradients"]) else VALUE, found)
        for name in MODES:
            modal = next(each for each in LAWS.values() if name in each.needs)
            missing = [need for need in sorted(modal.needs - {name}) if not is_there(found.get(need, ""))]
            if missing:
                found.setdefault(name, f"unsupported: without {missing[0]}")
                self.say("ability", name, found[name])
            else:
                self.find(name, plainest, modal.name, found)

    def find(self, name: str, case: Candidate, law: str, found: dict[str, str]) -> None:
        """Ask for one by a law and a case that need it."""
        if name in found:
            return
        self.say("asking", name)
        found[name] = "unsupported: --without" if name in self.task.without else self.why_not(case, law)
        self.say("ability", name, found[name])

    def find_features(self, plainest: Candidate, pool: list[Candidate], law: str, found: dict[str, str]) -> None:
        """Each by the smallest case that needs little else; the rarest last, when more is known."""
        taken = set(plainest.needs)
        names = set().union(*(each.needs for each in pool)) - taken
        fewest = {name: min(len(each.needs) for each in pool if name in each.needs) for name in names}
        for name in sorted(names, key=lambda name: (fewest[name], name)):
            within = (self.candidate(each.label, fitted(each.case, names - taken - {name})) for each in pool)
            alone = min(
                (each for each in within if name in each.needs and (each.size or name == "empty batch")),
                key=lambda each: (len(each.needs - taken - {name}), each.size),
                default=next(each for each in pool if name in each.needs),
            )
            self.find(name, alone, law, found)
            if is_there(found[name]):
                taken.add(name)

    def find_dtype(self, plainest: Candidate, found: dict[str, str]) -> None:
        """float64, or float32 where the plainest case is refused in float64 alone."""
        self.say("asking", "float64")
        wide = self.why_not(plainest, VALUE)
        found["float64"] = ""
        if not is_there(wide):
            self.base = torch.float32
            if is_there(self.why_not(plainest, VALUE)):
                found["float64"] = f"unsupported: {wide.partition(': ')[2]}"
            else:
                self.base = torch.float64
        self.say("ability", "float64", found["float64"])

    def pool(self) -> list[Candidate]:
        """Drawn cases: of no entries there is nothing to see, but for an empty batch."""
        found = []
        for label, proof in self.proofs.items():
            for case in drawn(proof.cases, POOL // len(self.proofs), self.task.seed):
                each = self.candidate(label, case)
                if each.size or "empty batch" in each.needs:
                    found.append(each)
        return found

    def candidate(self, label: str, case: Any) -> Candidate:
        """A case with what it needs; the size is 0 if one of its tensors has no entries."""
        question = self.question(label, case, False)
        sizes = [t.numel() for t in (*question.inputs, question.cotangent)]
        return Candidate(label, case, self.needed(question), sum(sizes) if all(sizes) else 0)

    def why_not(self, each: Candidate, law: str) -> str:
        """Ask a law of one case; "" if it holds."""
        small = LAWS[law].small
        self.say("case", law, pickle.dumps((each.label, each.case, small)))
        try:
            LAWS[law].holds(self.asked(each.label, each.case, small))
        except Unfit as unfit:
            return f"{'unsupported' if unfit.says_no else 'failed'}: {unfit.words}"
        except Broken as broken:
            return f"failed: wrong: {broken.words}"
        except NotExamined as lacking:
            return f"unsupported: {quoted(lacking.__cause__ or lacking)}"
        except Exception as error:
            may_refuse = each.needs & EXTENSIONS or LAWS[law].needs & DTYPES
            return f"{'unsupported' if says_no(error) or may_refuse else 'failed'}: {quoted(error)}"
        return ""


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
