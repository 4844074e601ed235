"""The rows of the table: the catalogue's, by hand, by torch and in plain arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.testing.catalogue import OPERATIONS as CATALOGUE
from manualconv.testing.catalogue import Example
from manualconv.testing.catalogue.question import function

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


class Layer(torch.nn.Module):
    """A function with its numbers filled in.

    A module, because a compiler takes a module's numbers for constants, and those that a function closes over for
    inputs that may change.
    """

    def __init__(self, example: Example, library: Any) -> None:
        super().__init__()
        self.function = example.form(function(library, example.name))
        self.arguments, self.options = example.arguments, dict(example.options)

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.function(*tensors, *self.arguments, **self.options)


def _row(example: Example) -> Operation:
    assert example.plain is not None
    return Operation(Layer(example, functional), example.other or Layer(example, F), example.plain, example.shapes)


OPERATIONS: dict[str, Operation] = {
    label: _row(example) for each in CATALOGUE.values() for label, example in each.in_every_mode().items()
}


def function_of(row: str) -> str:
    """``unfold, 2-D`` and ``pad reflect`` are rows of `unfold` and `pad`."""
    return row.replace(",", "").split()[0]
