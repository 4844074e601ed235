"""What a row of the tables is: a layer with arguments, alone or beside torch's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional, nn
from manualconv.testing.cases.tensors import spread_out as spread_out

Shape = tuple[int, ...]
Module = tuple[Callable[[], torch.nn.Module], Shape]


@dataclass(frozen=True)
class Example:
    """A layer as a function of its differentiable tensors, and their shapes; `random` if it draws while it runs."""

    apply: Callable[..., Tensor]
    shapes: tuple[Shape, ...]
    multilinear: bool = False
    random: bool = False

    def tensors(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
        """Leaves asking for gradients."""
        return tuple(spread_out(s, n).to(dtype).requires_grad_() for n, s in enumerate(self.shapes))


@dataclass(frozen=True)
class Pair:
    """One layer by hand and by torch, and the shapes of its tensors: x, and w and b if it has them.

    `exact`: on small whole numbers every step is, at least as far as the first derivative of its second power goes.
    `unbatched`: it takes one sample without a batch axis.
    """

    by_hand: Callable[..., Tensor]
    referee: Callable[..., Tensor]
    shapes: tuple[Shape, ...]
    exact: bool = True
    unbatched: bool = True

    def tensors(self, seed: int = 0) -> tuple[Tensor, ...]:
        """Distinct numbers, far from ties."""
        return tuple(spread_out(shape, seed + n) for n, shape in enumerate(self.shapes))

    def leaves(self, seed: int = 0) -> tuple[Tensor, ...]:
        """The same, asking for gradients."""
        return tuple(t.requires_grad_() for t in self.tensors(seed))

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


def pair(name: str, shapes: tuple[Shape, ...], *, exact: bool = True, unbatched: bool = True, **options: Any) -> Pair:
    """The function of that name, ours and torch's, with the same options."""
    ours, theirs = getattr(functional, name), getattr(F, name)
    return Pair(lambda *t: ours(*t, **options), lambda *t: theirs(*t, **options), shapes, exact, unbatched)


@dataclass(frozen=True)
class Twins:
    """A module by hand and torch's of the same name, with the same arguments.

    `unbatched`: it takes one sample without a batch axis.
    """

    name: str
    arguments: tuple[Any, ...]
    input: Shape
    unbatched: bool = True

    def make(self, dtype: torch.dtype = torch.float64) -> tuple[torch.nn.Module, torch.nn.Module]:
        """Ours and torch's, with the same parameters: a scale of ones and a shift of zeros would tell nothing apart."""
        ours, theirs = (getattr(library, self.name)(*self.arguments).to(dtype) for library in (nn, torch.nn))
        with torch.no_grad():
            for seed, p in enumerate(ours.parameters()):
                if (p == p.flatten()[0]).all():
                    p.copy_(1.5 + spread_out(tuple(p.shape), seed) / 2)
        theirs.load_state_dict(ours.state_dict())
        return ours, theirs

    def image(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """An input."""
        return spread_out(self.input).to(dtype)


def grown(lazy: torch.nn.Module, size: Shape) -> torch.nn.Module:
    """A lazy layer after its first input."""
    lazy(torch.zeros(size))
    return lazy


class Against(torch.nn.Module):
    """A loss with its target filled in."""

    def __init__(self, loss: torch.nn.Module, target: Tensor) -> None:
        super().__init__()
        self.loss, self.target = loss, target

    def forward(self, input: Tensor) -> Tensor:
        return self.loss(input, self.target)


def close(ours: object, theirs: object) -> None:
    """Equal up to the order of a few dozen float64 additions."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def weighed(apply: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A smooth scalar of the output that weighs every entry differently."""

    def scalar(*inputs: Tensor) -> Tensor:
        y = apply(*inputs)
        weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).reshape(y.shape) / y.numel()
        return (weights * y**3).sum()

    return scalar
