"""What is asked of an operation on drawn cases: of ours, of torch's, or of one that somebody else wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor

from manualconv import functional

Shape = tuple[int, ...]
Apply = Callable[..., Any]
#: 1e-10 in float64: sums of a few dozen terms, third powers of 1/√ε among their factors.
SMOOTH = 1e-10 * 2**53
#: Numbers that the tensors of a differentiated case may hold together: each costs a column of the Jacobian.
FEW = 48


def function(library: Any, name: str) -> Any:
    """A library's function; torch keeps some beside ``torch.nn.functional``."""
    return getattr(library if library is not F or hasattr(F, name) else torch, name)


def call(name: str, *arguments: Any, **options: Any) -> Callable[[Any], Apply]:
    """Makes of a library its function of that name, of the tensors alone."""
    return lambda library: lambda *tensors, **more: function(library, name)(*tensors, *arguments, **options, **more)


@dataclass(frozen=True)
class Question:
    """A function of tensors that any library may have, the tensors, a cotangent, and the loops' value and gradients.

    Attributes:
        of: makes of a library (ours, `REFEREE`, somebody else's) its function of the tensors.
        inputs, cotangent, loops: what is asked, and the loops' answers.
        roundings: how far answers may be from each other, of 1 and of the answer; 0 on small integers, where an
            operation that is linear in each tensor is exact.
        random: it draws numbers while it runs, which gradcheck's old vmap cannot.
        alone: the operation itself, where `of` multiplies by what makes whole numbers of its answers.
        constants: so many last tensors torch does not differentiate by; the loops alone judge those gradients.
    """

    of: Callable[[Any], Apply]
    inputs: tuple[Tensor, ...]
    cotangent: Tensor
    loops: Callable[[], list[Any]]
    roundings: float = 0
    random: bool = False
    constants: int = 0
    alone: Callable[[Any], Apply] | None = None

    @property
    def exact(self) -> bool:
        """Whether answers are the same numbers."""
        return self.roundings == 0

    @cached_property
    def by_hand(self) -> Apply:
        """Ours."""
        return self.of(functional)


def of_samples(
    case: Any,
    of: Callable[[Any], Apply],
    inputs: tuple[Tensor, ...],
    cotangent: Tensor,
    loops: Callable[[], Iterable[Any]],
    **more: Any,
) -> Question:
    """Of a first tensor (N, C, …) and others; without a batch axis where the case has none."""
    if case.batch is not None:
        return Question(of, inputs, cotangent, lambda: [*loops()], **more)
    x, *others = inputs

    def unbatched() -> list[Any]:
        value, x_bar, *bars = loops()
        return [value[0], x_bar[0], *bars]

    return Question(of, (x[0], *others), cotangent[0], unbatched, **more)


@dataclass(frozen=True)
class Proof:
    """Where the cases of a proof come from, a smaller one of the same kind, and the question a case asks.

    An ordinary run asks `seldom` ones a fifth as often: their cases are of few kinds, and other properties try them.
    """

    cases: st.SearchStrategy[Any]
    smaller: Callable[[Any], Any]
    question: Callable[[Any], Question]
    seldom: bool = False
