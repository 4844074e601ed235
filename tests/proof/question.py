"""What a proof asks of an operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from torch import Tensor

#: Numbers that the tensors of a differentiated case may hold together: each costs a column of the Jacobian.
FEW = 48


@dataclass(frozen=True)
class Question:
    """A layer as a function of its tensors, the tensors, a cotangent, and the loops' value and gradients.

    `exact` are those linear in each tensor, on small integers; the others are smooth.  `random` are those that draw
    numbers while they run, which gradcheck's old vmap cannot.
    """

    apply: Callable[..., Tensor]
    inputs: tuple[Tensor, ...]
    cotangent: Tensor
    loops: Callable[[], list[Any]]
    exact: bool = True
    random: bool = False


@dataclass(frozen=True)
class Operation:
    """Where an operation's cases come from, a smaller one of the same kind, and the question a case asks.

    An ordinary run asks `seldom` ones a fifth as often: their cases are of few kinds, and other properties try them.
    """

    cases: st.SearchStrategy[Any]
    smaller: Callable[[Any], Any]
    question: Callable[[Any], Question]
    seldom: bool = False
