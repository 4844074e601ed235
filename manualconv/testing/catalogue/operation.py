"""What the catalogue says of an operation: calls of it, its modules, and what is proved of it on drawn cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional, nn
from manualconv.testing.cases.tensors import spread_out
from manualconv.testing.catalogue.question import Apply, Proof, Shape, function


def unformed(function: Apply) -> Apply:
    """The function itself."""
    return function


@dataclass(frozen=True, eq=False)
class Example:
    """A call of a function, alike by hand and by torch, and the shapes of its tensors: x, and w and b if it has them.

    Attributes:
        name, shapes, arguments, options: tensors first, then the arguments.
        form: makes of a library's function one of the tensors and arguments.
        plain: the same function of the tensors in torch's plain arithmetic; nothing in it is a layer.
        other: stands for torch's function, where it has no rule for some mode.
        exact: on small whole numbers every step is, at least as far as the first derivative of its second power goes.
        unbatched: it takes one sample without a batch axis.
        multilinear: it is linear in each tensor, and on whole numbers a difference quotient with step 1 is exact.
        random: it draws while it runs.
        compared: with torch in every mode; else it is differentiated numerically alone.
    """

    name: str
    shapes: tuple[Shape, ...]
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    form: Callable[[Any], Apply] = unformed
    plain: Apply | None = None
    other: Apply | None = None
    exact: bool = True
    unbatched: bool = True
    multilinear: bool = False
    random: bool = False
    compared: bool = True

    def of(self, library: Any) -> Apply:
        """The call of a library's function, of the tensors alone."""
        apply, arguments, options = self.form(function(library, self.name)), self.arguments, self.options
        return lambda *tensors: apply(*tensors, *arguments, **options)

    @cached_property
    def by_hand(self) -> Apply:
        """Ours."""
        return self.of(functional)

    @cached_property
    def referee(self) -> Apply:
        """torch's, or what stands for it."""
        return self.other or self.of(F)

    def tensors(self, seed: int = 0) -> tuple[Tensor, ...]:
        """Distinct numbers, far from ties."""
        return tuple(spread_out(shape, seed + n) for n, shape in enumerate(self.shapes))

    def leaves(self, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
        """The same, asking for gradients."""
        return tuple(t.to(dtype).requires_grad_() for t in self.tensors(seed))

    def integers(self, seed: int = 0) -> tuple[Tensor, ...]:
        """Small whole numbers, on which a sum of products is exact."""
        return tuple(t.mul(3).round() for t in self.tensors(seed))

    def agree(self, ours: Iterable[Tensor], theirs: Iterable[Tensor]) -> None:
        """Of whole numbers: equal if every step is exact; if it divides or takes a root, equal up to rounding."""
        for got, expected in zip(ours, theirs, strict=True):
            if self.exact:
                assert torch.equal(got, expected)
            else:
                largest = float(expected.detach().abs().max())
                torch.testing.assert_close(got, expected, rtol=0, atol=1e-12 * max(1.0, largest))


@dataclass(frozen=True, eq=False)
class Layer:
    """A module with arguments, ours and torch's of the same name.

    Attributes:
        name, arguments, options, input: the class, and the shape of an input.
        prepared: makes of a module one of the input alone, in which no number is one that it starts with.
        twin: a state and gradients of its own are compared with those of torch's.
        unbatched: it takes one sample without a batch axis.
    """

    name: str
    arguments: tuple[Any, ...]
    input: Shape
    options: Mapping[str, Any] = field(default_factory=dict)
    prepared: Callable[[Any], Any] = unformed
    twin: bool = False
    unbatched: bool = True

    def of(self, library: Any) -> torch.nn.Module:
        """The module of a library."""
        module: torch.nn.Module = self.prepared(getattr(library, self.name)(*self.arguments, **self.options))
        return module

    def make(self, dtype: torch.dtype = torch.float64) -> tuple[torch.nn.Module, torch.nn.Module]:
        """Ours and torch's, with the same parameters: a scale of ones and a shift of zeros would tell nothing apart."""
        ours, theirs = (self.of(library).to(dtype) for library in (nn, torch.nn))
        with torch.no_grad():
            for seed, p in enumerate(ours.parameters()):
                if (p == p.flatten()[0]).all():
                    p.copy_(1.5 + spread_out(tuple(p.shape), seed) / 2)
        theirs.load_state_dict(ours.state_dict())
        return ours, theirs

    def image(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """An input."""
        return spread_out(self.input).to(dtype)


def grown(size: Shape) -> Callable[[Any], Any]:
    """A lazy layer after its first input."""

    def prepared(lazy: Any) -> Any:
        lazy(torch.zeros(size))
        return lazy

    return prepared


class Against(torch.nn.Module):
    """A loss with its target filled in."""

    def __init__(self, loss: torch.nn.Module, target: Tensor) -> None:
        super().__init__()
        self.loss, self.target = loss, target

    def forward(self, input: Tensor) -> Any:
        """The loss of an input."""
        return self.loss(input, self.target)


@dataclass(frozen=True, eq=False)
class Operation:
    """A public function of `manualconv.functional`.

    Attributes:
        name: the function's.
        examples: by their labels; the first is the one that is differentiated numerically.
        layers: the modules that call it.
        proofs: by their labels.
        rows: examples with a plain form, in every mode of docs/CAPABILITIES.md; else those of `examples` that have one.
        autocast: further calls under autocast, whose policy is torch's.
        drawn: numbers that cases of it are drawn with, where they are few.
    """

    name: str
    examples: Mapping[str, Example]
    layers: tuple[Layer, ...] = ()
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    rows: Mapping[str, Example] | None = None
    autocast: Mapping[str, Example] = field(default_factory=dict)
    drawn: tuple[tuple[Any, ...], ...] = ((),)

    def in_every_mode(self) -> Mapping[str, Example]:
        """The rows of docs/CAPABILITIES.md."""
        with_a_plain_form = {label: example for label, example in self.examples.items() if example.plain is not None}
        return with_a_plain_form if self.rows is None else self.rows
