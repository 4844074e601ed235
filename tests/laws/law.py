"""What a law is: a function of an implementation and a drawn case that raises where the law is broken.

An implementation is a function with the signature of ``torch.nn.functional.conv2d``; it takes any number of spatial
axes and one ``(lo, hi)`` pair per axis for `padding`.  A law brings a drawn convolution to its precondition by changing
numbers (`changed`), so that no draw is thrown away.

Classes of exactness: Z, equal on integers whose sums are exact in every order; B, bit for bit on any finite floats; T,
within the bound of `manualconv.testing.judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv.geometry import Window
from manualconv.testing.cases import Convolution, convolutions
from tests.referee import leaves

Layer = Callable[..., Tensor]
ANY = st.sampled_from((2, 1, 3)).flatmap(convolutions)
PLANAR = convolutions(2)

#: How far two results may lie apart; None is not at all.  Only an implementation that declares itself inexact sets it.
TOLERANCE: ContextVar[float | None] = ContextVar("TOLERANCE", default=None)


@dataclass(frozen=True)
class Law:
    """One law: `needs` are promises without which it is not asked of an implementation."""

    name: str
    holds: Callable[[Layer, Any], None]
    cases: st.SearchStrategy[Any]
    needs: frozenset[str]


LAWS: dict[str, Law] = {}


def law(
    id: str, cases: st.SearchStrategy[Any] = ANY, needs: Sequence[str] = ()
) -> Callable[[Callable[[Layer, Any], None]], Callable[[Layer, Any], None]]:
    """Enter a law under its id in the catalogue and the words of its name."""

    def enter(holds: Callable[[Layer, Any], None]) -> Callable[[Layer, Any], None]:
        name = f"{id} {holds.__name__.replace('_', ' ')}"
        assert name not in LAWS
        LAWS[name] = Law(name, holds, cases, frozenset(needs))
        return holds

    return enter


# ------------------------------------------------------------------------------------------- calling a layer


def run(conv: Layer, x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """The layer with a window's numbers; the window's input size must be x's."""
    assert tuple(x.shape[x.dim() - window.ndim :]) == window.input_size
    return conv(x, w, b, window.stride, window.padding, window.dilation, window.groups)


def gradients(conv: Layer, inputs: Sequence[Tensor | None], cotangent: Tensor, window: Window) -> list[Tensor]:
    """∂⟨y, cotangent⟩ with respect to those of x, w, b that are there."""
    x, w, b = (None if t is None else leaves(t)[0] for t in inputs)
    assert x is not None and w is not None
    y = run(conv, x, w, b, window)
    return list(torch.autograd.grad(y, [t for t in (x, w, b) if t is not None], cotangent))


def bias(case: Convolution) -> Tensor:
    """A bias for the case, whether it was drawn with one or not."""
    return torch.arange(1, case.shapes[1][0] + 1, dtype=torch.float64) - 2


def changed(case: Convolution, **parameters: Any) -> Convolution:
    """The case with other numbers: an int stands for every axis, fields of the case and of its window alike.

    ``padding=0`` lets the input carry its padding; a smaller stride or dilation fits wherever the larger one did.
    """
    window = case.window
    if parameters.get("padding") == 0:
        window = window.unpadded()
        parameters.pop("padding")
    own = {name: parameters.pop(name) for name in tuple(parameters) if hasattr(case, name)}
    numbers = {
        name: (value,) * window.ndim if isinstance(value, int) and name != "groups" else value
        for name, value in parameters.items()
    }
    return replace(case, window=replace(window, **numbers), **own)


def with_a_sample(case: Convolution) -> Convolution:
    """The case with at least one sample, for laws that say nothing of none."""
    return replace(case, batch=case.batch or 1)


def without_leftover(case: Convolution) -> Convolution:
    """The case on an input, at most a stride larger, whose last position is read."""
    sizes = tuple(i + (s - r) % s for i, s, r in zip(case.window.input_size, case.window.stride, case.window.leftover))
    return changed(case, input_size=sizes)


# ------------------------------------------------------------------------------------------------ comparison


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
