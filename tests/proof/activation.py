"""Activations as questions, away from their kinks: those of straight pieces exactly, the smooth ones up to rounding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions, functional
from manualconv.testing.cases import SEEDS, numbers_per_axis
from manualconv.testing.cases.tensors import LAYOUTS, laid_out, unshared
from tests.proof.question import FEW, Operation, Question

#: Straight pieces: the arguments, each with the kinks that it makes.
PIECES: dict[str, dict[tuple[Any, ...], tuple[float, ...]]] = {
    "relu": {(): (0,)},
    "relu6": {(): (0, 6)},
    "hardtanh": {(-3.0, 3.0): (-3, 3), (0.0, 6.0): (0, 6), (-8.0, 1.0): (-8, 1)},
    "threshold": {(0.0, 0.0): (0,), (2.0, 20.0): (2,), (-4.0, -1.0): (-4,)},
    "leaky_relu": {(0.25,): (0,), (0.0,): (0,), (-0.5,): (0,), (2.0,): (0,)},
}
SMOOTH: dict[str, list[tuple[Any, ...]]] = {
    "hardsigmoid": [()],
    "hardswish": [()],
    "elu": [(1.0,), (2.5,), (0.3,), (-1.5,)],
    "celu": [(1.0,), (2.0,), (0.5,), (-1.5,)],
    "selu": [()],
    "sigmoid": [()],
    "tanh": [()],
    "scaled_tanh": [()],
    "logsigmoid": [()],
    "softplus": [(1.0, 20.0), (2.0, 2.0), (0.5, 1.0)],
    "silu": [()],
    "mish": [()],
    "gelu": [("none",), ("tanh",)],
}


@dataclass(frozen=True)
class Activation:
    """One drawn activation of a tensor; `dim` is the axis of those that join entries."""

    name: str
    arguments: tuple[Any, ...]
    shape: tuple[int, ...]
    dim: int
    layout: str
    seed: int

    def _drawn(self, numbers: Tensor, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + seed)
        return laid_out(numbers[torch.randint(len(numbers), self.shape, generator=generator)].double(), self.layout)

    def input(self) -> Tensor:
        """Straight pieces: integers from which no two steps of 1 lead beyond a kink; else odd sixteenths."""
        if self.name not in PIECES:
            return self._drawn(torch.arange(-63, 64, 2) / 16, 0)
        kinks = PIECES[self.name][self.arguments]
        return self._drawn(torch.tensor([n for n in range(-12, 13) if all(abs(n - k) >= 2 for k in kinks)]), 0)

    def cotangent(self) -> Tensor:
        """Small integers but 0."""
        return self._drawn(torch.tensor([-3, -2, -1, 1, 2, 3]), 1)


@st.composite
def activations(draw: st.DrawFn, name: str, arguments: tuple[tuple[Any, ...], ...] = ((),)) -> Activation:
    """Any activation of that name over up to four axes."""
    shape = draw(
        st.sampled_from((2, 3, 1, 4)).flatmap(
            lambda ndim: numbers_per_axis(ndim, 0 if ndim > 2 else 2, 4 if ndim < 3 else 3, False)
        )
    )
    return Activation(
        name=name,
        arguments=draw(st.sampled_from(arguments)),
        shape=shape,
        dim=draw(st.integers(-len(shape), len(shape) - 1)),
        layout=draw(st.sampled_from([layout for layout in LAYOUTS if len(shape) > 1 or layout != "channels_last"])),
        seed=draw(SEEDS),
    )


def smaller(case: Activation) -> Activation:
    """Few numbers, at least one, each with a place of its own in memory."""
    shape = tuple(max(s, 1) for s in case.shape)
    while torch.Size(shape).numel() > FEW // 3:
        shape = tuple(min(s, max(shape) - 1) for s in shape)
    return replace(case, shape=shape, layout=unshared((case.layout,))[0])


def activated(case: Activation) -> Question:
    """Values and gradient, entry by entry."""
    z, cotangent = case.input(), case.cotangent()

    def loops() -> list[Any]:
        values, slopes = definitions.activate(case.name, z.numpy(), *case.arguments)
        return [values, cotangent.numpy() * slopes]

    layer = getattr(functional, case.name)
    return Question(lambda z: layer(z, *case.arguments), (z,), cotangent, loops, exact=case.name in PIECES)


def _rows(t: Any, dim: int) -> Any:
    """Of an array, the axis `dim` last and the others as one."""
    moved = np.moveaxis(np.asarray(t), dim, -1)
    return moved.reshape(-1, moved.shape[-1]) if moved.size else moved.reshape(0, 1)


def joined(case: Activation) -> Question:
    """Values and gradient of softmax and its kin, row by row."""
    z, cotangent = case.input(), case.cotangent()

    def unrolled(rows: Any) -> Any:
        return np.moveaxis(rows.reshape(np.moveaxis(z.numpy(), case.dim, -1).shape), -1, case.dim)

    def loops() -> list[Any]:
        sign = -1 if case.name == "softmin" else 1
        rows, g = sign * _rows(z, case.dim), _rows(cotangent, case.dim)
        log = case.name == "log_softmax"
        value = definitions.log_softmax(rows) if log else definitions.softmax(rows)
        back = (definitions.log_softmax_gradient if log else definitions.softmax_gradient)(rows, g)
        return [unrolled(value), unrolled(sign * back)]

    layer = getattr(functional, case.name)
    return Question(lambda z: layer(z, case.dim), (z,), cotangent, loops, exact=False)


DRAWN = {**{name: tuple(kinks) for name, kinks in PIECES.items()}, **{name: tuple(a) for name, a in SMOOTH.items()}}
JOINED = ("softmax", "log_softmax", "softmin")
OPERATIONS = {
    **{name: Operation(activations(name, drawn), smaller, activated, seldom=True) for name, drawn in DRAWN.items()},
    **{name: Operation(activations(name), smaller, joined, seldom=True) for name in JOINED},
}
