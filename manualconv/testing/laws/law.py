"""What a law is: a function of an implementation and a drawn case that raises where the law is broken.

What an implementation looks like, and what a case is, the family's file says.  A law's name is its statement.  A law
that asks for more than right numbers names the promises it `needs`: bits, modes, manners.

Classes of exactness: Z, equal on integers whose sums are exact in every order; B, bit for bit on any finite floats; T,
within the bound of `manualconv.testing.judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from hypothesis import strategies as st
from torch import Tensor

Holds = TypeVar("Holds", bound=Callable[..., None])

#: How far two results may lie apart; None is not at all.  Only an implementation that declares itself inexact sets it.
TOLERANCE: ContextVar[float | None] = ContextVar("TOLERANCE", default=None)


@dataclass(frozen=True)
class Law:
    """One law: `needs` are promises without which it is not asked of an implementation."""

    name: str
    holds: Callable[[Any, Any], None]
    cases: st.SearchStrategy[Any]
    needs: frozenset[str]


class Laws(dict[str, Law]):
    """The laws of a family by their names, and the cases of those that bring none of their own."""

    def __init__(self, cases: st.SearchStrategy[Any]) -> None:
        super().__init__()
        self.cases = cases

    def law(
        self, id: str, cases: st.SearchStrategy[Any] | None = None, needs: Sequence[str] = ()
    ) -> Callable[[Holds], Holds]:
        """Enter a law under its id and the words of its name."""

        def enter(holds: Holds) -> Holds:
            statement = holds.__name__.replace("_", " ")
            name = f"{id} {statement}"
            assert name not in self
            holds.__doc__ = holds.__doc__ or f"{statement}."
            self[name] = Law(name, holds, self.cases if cases is None else cases, frozenset(needs))
            return holds

        return enter


@dataclass(frozen=True)
class Implementation:
    """Who is asked: the promises it makes beyond being right, and how far its results may be off."""

    layer: Any
    promises: frozenset[str] = frozenset()
    tolerance: float | None = None


@contextmanager
def within(tolerance: float | None) -> Iterator[None]:
    """Compare results by an absolute tolerance instead of exactly."""
    token = TOLERANCE.set(tolerance)
    try:
        yield
    finally:
        TOLERANCE.reset(token)


def same(got: Tensor | Sequence[Tensor], expected: Tensor | Sequence[Tensor]) -> None:
    """Equal in dtype, shape and value: exactly, unless the implementation declared a tolerance."""
    if not isinstance(got, Tensor):
        assert len(got) == len(expected)
        for one, other in zip(got, expected):
            same(one, other)
        return
    assert isinstance(expected, Tensor)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    tolerance = TOLERANCE.get()
    if tolerance is None:
        assert torch.equal(got, expected)
    else:
        torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)


def inner(a: Tensor, b: Tensor) -> Tensor:
    """⟨a, b⟩; shapes must agree, or a sum of the wrong broadcast would look like one."""
    assert a.shape == b.shape
    return (a * b).sum()
