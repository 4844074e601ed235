"""The operations of the table: by hand, by torch, and by the oracle, with the shapes they are tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from tests.capabilities import oracles

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


def _classes(z: Tensor) -> Tensor:
    """Targets for z ``(N, C)``: n mod C."""
    return torch.arange(z.shape[0], device=z.device) % z.shape[1]


def _of(name: str) -> tuple[Any, Any]:
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


def _same(name: str, oracle: Apply, shapes: tuple[Shape, ...], *arguments: Any) -> Operation:
    """An operation called alike by hand and by torch: tensors first, then the arguments."""
    by_hand, referee = _of(name)
    return Operation(Layer(by_hand, arguments), Layer(referee, arguments), oracle, shapes)


def _against_classes(name: str, oracle: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    """A loss over three classes."""
    by_hand, referee = _of(name)
    return Operation(
        lambda z: by_hand(z, _classes(z)),
        lambda z: referee(z, _classes(z)),
        lambda z: oracle(z, _classes(z)),
        ((2, 3),),
    )


def _convolutions() -> dict[str, Operation]:
    settings = {
        1: ((2,), (1,), (2,), ((2, 4, 7), (4, 2, 3), (4,))),
        2: ((2, 1), (1, 2), (1, 2), ((2, 4, 4, 3), (2, 2, 3, 2), (2,))),
        3: ((1, 2, 1), (0, 1, 1), (2, 1, 1), ((2, 2, 3, 3, 2), (2, 1, 2, 1, 2), (2,))),
    }
    found = {
        f"conv{n}d": _same(f"conv{n}d", oracles.convolution(s, p, d, 2), shapes, s, p, d, 2)
        for n, (s, p, d, shapes) in settings.items()
    }
    turned = {
        1: ((3,), (1,), (2,), (2,), ((2, 4, 3), (4, 2, 3), (4,))),
        2: ((2, 3), (1, 0), (1, 2), (2, 1), ((2, 2, 2, 3), (2, 2, 2, 3), (4,))),
        3: ((1, 2, 2), (0, 1, 0), (0, 1, 0), (1, 1, 2), ((2, 2, 2, 2, 2), (2, 1, 1, 2, 2), (2,))),
    }
    for n, (s, p, o, d, shapes) in turned.items():
        name = f"conv_transpose{n}d"
        found[name] = _same(name, oracles.transposed(s, p, o, 2, d), shapes, s, p, o, 2, d)
    return found


def _paddings() -> dict[str, Operation]:
    pads = (1, 2, 2, 0)
    shape = ((2, 2, 3, 4),)
    found = {
        f"pad {mode}": _same("pad", oracles.padding(pads, mode), shape, pads, mode)
        for mode in ("reflect", "replicate", "circular")
    }
    return {"pad constant": _same("pad", oracles.padding(pads, "constant", 2.0), shape, pads, "constant", 2.0), **found}


def _foldings() -> dict[str, Operation]:
    settings = {
        1: ((7,), (3,), (2,), (1,), (2,)),
        2: ((4, 5), (3, 2), (1, 2), (1, 0), (2, 1)),
        3: ((2, 3, 3), (2, 1, 2), (1, 2, 1), (0, 1, 1), (1, 2, 1)),
    }
    found = {}
    for n, (size, *rest) in settings.items():
        kernel, d, p, s = rest
        unfold = oracles.unfold(kernel, d, p, s)
        found[f"unfold, {n}-D"] = _same("unfold", unfold, ((2, 2, *size),), *rest)
        columns = tuple(unfold(torch.zeros(2, 2, *size)).shape)
        found[f"fold, {n}-D"] = _same("fold", oracles.fold(size, kernel, d, p, s), (columns,), size, *rest)
    return {name: found[name] for name in sorted(found, key=lambda name: name.startswith("fold"))}


def _others() -> dict[str, Operation]:
    image = ((2, 2, 5, 4),)
    return {
        "max_pool2d": _same(
            "max_pool2d", oracles.max_pool((3, 2), (2, 1), (1, 1), (1, 2)), image, (3, 2), (2, 1), (1, 1), (1, 2)
        ),
        "avg_pool2d": _same("avg_pool2d", oracles.avg_pool((2, 3), (2, 1), (1, 0)), image, (2, 3), (2, 1), (1, 0)),
        "relu": _same("relu", oracles.relu, ((2, 3, 2),)),
        "sigmoid": _same("sigmoid", oracles.sigmoid, ((2, 3, 2),)),
        "tanh": _same("tanh", oracles.tanh, ((2, 3, 2),)),
        "softmax": _same("softmax", oracles.softmax, ((2, 3, 2),), 1),
        "log_softmax": _same("log_softmax", oracles.log_softmax, ((2, 3, 2),), 1),
        "nll_loss": _against_classes("nll_loss", oracles.nll_loss),
        "cross_entropy": _against_classes("cross_entropy", oracles.cross_entropy),
        "mse_loss": _same("mse_loss", oracles.mse_loss, ((2, 3), (2, 3))),
        "flatten": _same("flatten", lambda x: x.reshape(x.shape[0], -1), ((2, 3, 2),), 1),
    }


def function_of(row: str) -> str:
    """``unfold, 2-D`` and ``pad reflect`` are rows of `unfold` and `pad`."""
    return row.replace(",", "").split()[0]


#: Every row whose function is there.
OPERATIONS = {
    row: operation
    for row, operation in {
        **_convolutions(),
        "linear": _same("linear", oracles.linear, ((2, 4), (3, 4), (3,))),
        **_paddings(),
        **_foldings(),
        **_others(),
    }.items()
    if function_of(row) in functional.__all__
}
