"""What a row of the table is: one function by hand, by torch and by the oracle, with the shapes it is tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional

Shape = tuple[int, ...]
Apply = Callable[..., Tensor]


@dataclass(frozen=True)
class Operation:
    """One row of the table.

    Attributes:
        by_hand, referee, oracle: the same function of the same tensors.
        shapes: of those tensors.
    """

    by_hand: Apply
    referee: Apply
    oracle: Apply
    shapes: tuple[Shape, ...]

    def tensors(self, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """Numbers between −1 and 1 on a grid that every dtype holds exactly, none of them 0; small integers."""
        return tuple(_grid(shape, dtype, seed) for seed, shape in enumerate(self.shapes))


def _grid(shape: Shape, dtype: torch.dtype, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    count = torch.Size(shape).numel()
    if dtype == torch.int64:
        return torch.randint(-3, 4, shape, generator=generator)

    def numbers() -> Tensor:
        # Odd numbers below 128 over 64: seven bits, which bfloat16 has; never 0, where relu has its kink.
        order = torch.randperm(max(count, 128), generator=generator)[:count]
        return ((2 * (order % 128) - 127).double() / 128).reshape(shape)

    if dtype.is_complex:
        return torch.complex(numbers(), numbers()).to(dtype)
    return numbers().to(dtype)


def both(name: str) -> tuple[Any, Any]:
    """The function by hand, if it is there, and torch's."""
    return getattr(functional, name, None), getattr(F, name, None) or getattr(torch, name)


class Layer(torch.nn.Module):
    """A function with its numbers filled in.

    A module, because a compiler takes a module's numbers for constants, and those that a function closes over for
    inputs that may change.
    """

    def __init__(self, function: Any, arguments: tuple[Any, ...]) -> None:
        super().__init__()
        self.function, self.arguments = function, arguments

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.function(*tensors, *self.arguments)


def same(name: str, oracle: Apply, shapes: tuple[Shape, ...], *arguments: Any) -> Operation:
    """An operation called alike by hand and by torch: tensors first, then the arguments."""
    by_hand, referee = both(name)
    return Operation(Layer(by_hand, arguments), Layer(referee, arguments), oracle, shapes)
