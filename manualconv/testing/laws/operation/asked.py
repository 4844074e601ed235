"""What a law of any operation gets: a question put to a target, and who judges the answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.testing.catalogue import Question
from manualconv.testing.judge import ROUNDING

#: In float32 three digits of a smooth operation are seen by the definitions; how many more, the roundings' laws say.
COARSEST = 2.0**-10


@dataclass(frozen=True)
class Kind:
    """What results are judged by.

    Attributes:
        name: ``definition``; ``real DTYPE`` for the question's numbers with all digits of a dtype; ``numbers`` for
            `arrays`, other tensors and another cotangent, whose answers are ours, which the definitions prove.
        base: the dtype that a narrow target is given for float64.
        first: the first slot that is asked about.
        more: so many roundings beyond the question's are allowed.
    """

    name: str
    base: str = "float64"
    first: int = 0
    arrays: tuple[Any, ...] = ()
    more: float = 0.0


class Broken(AssertionError):
    """A law that does not hold: what is wrong, in words, and the difference if there is one."""

    def __init__(self, words: str, difference: Any = None) -> None:
        super().__init__(words)
        self.words, self.difference = words, difference


class Unfit(Broken):
    """A result of which nothing can be asked; `says_no` if that is an ability the target has not."""

    def __init__(self, words: str, says_no: bool = False) -> None:
        super().__init__(words)
        self.says_no = says_no


@dataclass(frozen=True)
class Asked:
    """A question put to a target.

    Attributes:
        question, names, operation: what is asked, what its tensors are called, and of which operation.
        apply: the target as a function of the tensors.
        judge: says how far an answer is off.
        before: what was set for everybody before the target's first call.
        alone: the function without what makes whole numbers of its answers, where the question has such.
        base: the dtype that a narrow target is given for float64.
    """

    question: Question
    apply: Callable[..., Any]
    judge: Callable[..., Any]
    names: tuple[str, ...]
    operation: str
    before: Mapping[str, Any]
    alone: Callable[..., Any] | None = None
    base: torch.dtype = torch.float64

    @property
    def room(self) -> float:
        """How far an answer may be from the right one, of 1 and of the answer, as the judge has it; 0 is not at all."""
        return room(self.question.roundings, self.base)

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """What the results are called: the value, and a gradient for each tensor that has one."""
        return ("y", *(f"d{name}" for name in self.names[: self.count]))

    @property
    def count(self) -> int:
        """Tensors that are differentiated."""
        return len(self.question.inputs) - self.question.constants

    def leaves(self, dtype: torch.dtype | None = None) -> list[Tensor]:
        """The tensors as they lie, asking for gradients where there are any."""
        inputs = [t if dtype is None or not t.is_floating_point() else t.to(dtype) for t in self.question.inputs]
        return self.differentiated(inputs)

    def differentiated(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Leaves of the same numbers in the same memory, asking for gradients where there are any."""
        return [t.detach().requires_grad_() if n < self.count else t for n, t in enumerate(tensors)]

    def value(self, inputs: Sequence[Tensor] | None = None) -> Tensor:
        """The forward pass."""
        y: Tensor = self.apply(*(self.leaves() if inputs is None else inputs))
        if not isinstance(y, Tensor):
            raise Unfit(f"the result is {type(y).__name__}, not a tensor")
        return y

    def both(self, dtype: torch.dtype | None = None, inputs: Sequence[Tensor] | None = None) -> list[Tensor]:
        """The value and its gradients under the question's cotangent."""
        leaves = self.leaves(dtype) if inputs is None else list(inputs)
        y = self.value(leaves)
        if not y.requires_grad:
            raise Unfit("the result has no graph: nothing can be differentiated through it", says_no=True)
        if y.shape != self.question.cotangent.shape:
            shapes = [tuple(t.shape) for t in (y, self.question.cotangent)]
            raise Broken(f"y has the shape {shapes[0]}, should have {shapes[1]}")
        found = grad(y, leaves[: self.count], self.question.cotangent.to(y.dtype), allow_unused=True)
        for name, g in zip(self.slots[1:], found):
            if g is None:
                raise Broken(f"{name} is missing: no gradient reaches it")
        return [y.detach(), *found]

    def alike(self, one: Tensor, other: Tensor, words: str) -> None:
        """Raise if two results of the target differ by more than each may be off."""
        room = 2 * self.room
        if one.shape != other.shape or not torch.allclose(one, other, rtol=room, atol=room, equal_nan=True):
            raise Broken(words)

    def as_ours(
        self, inputs: Sequence[Tensor], cotangent: Tensor | None, words: str, passes: int = 2, more: float = 0.0
    ) -> None:
        """Raise if our own layers, in the judge's process, answer otherwise to these tensors."""
        leaves = self.differentiated(inputs)
        results = [self.value(leaves)]
        cotangent = counted(results[0]) if cotangent is None else cotangent
        if passes == 2 and results[0].requires_grad:
            results += grad(results[0], leaves[: self.count], cotangent, materialize_grads=True)
        self.are_ours(results, leaves, cotangent, words, more)

    def are_ours(
        self, results: Sequence[Tensor], inputs: Sequence[Tensor], cotangent: Tensor, words: str, more: float = 0.0
    ) -> None:
        """Raise if our own layers have other results than these, of these tensors."""
        kind = Kind("numbers", arrays=tuple(t.detach().numpy() for t in (*inputs, cotangent)), more=more)
        self._judged(results, kind, words)

    def judged(self, results: Sequence[Tensor], kind: str, words: str, first: int = 0) -> None:
        """Raise if the definitions differ, from the first slot that is asked about on."""
        self._judged(results, Kind(kind, first=first), words)

    def _judged(self, results: Sequence[Tensor], kind: Kind, words: str) -> None:
        difference = self.judge(kind, [t.detach() for t in results])
        if difference is not None:
            raise Broken(f"{self.slots[difference.slot]} {words}", difference)


def room(roundings: float, dtype: torch.dtype) -> float:
    """So many roundings of a dtype; of a narrow one at most as many as still show what is wrong."""
    return min(roundings * ROUNDING[dtype], COARSEST)


def are_probabilities(x: Tensor) -> bool:
    """Of which an operation may refuse all others."""
    return bool(((x >= 0) & (x <= 1)).all())


def counted(y: Tensor) -> Tensor:
    """A cotangent of small whole numbers in turn, in the shape of a result."""
    return (torch.arange(y.numel()) % 7 - 3).reshape(y.shape).double()


@dataclass(frozen=True)
class Law:
    """A law: what must be there that it can be asked, and whether it is asked of few numbers (`small`)."""

    name: str
    holds: Callable[[Asked], None]
    needs: frozenset[str] = frozenset()
    small: bool = False
    share: float = 1.0


LAWS: dict[str, Law] = {}


def law(*needs: str, small: bool = False, share: float = 1.0) -> Callable[[Callable[[Asked], None]], Any]:
    """Enter a law under the words of its name; `share` of the profile's cases are asked."""

    def enter(holds: Callable[[Asked], None]) -> Callable[[Asked], None]:
        name = re.sub(r" s\b", "'s", holds.__name__.replace("_", " "))
        LAWS[name] = Law(name, holds, frozenset(needs), small, share)
        return holds

    return enter
