"""Activations: entry by entry, and those that join the entries of an axis.

Straight pieces are asked exactly, on integers away from their kinks; the smooth ones up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions
from manualconv.definitions.activation import ACTIVATIONS
from manualconv.testing.cases import SEEDS, numbers_per_axis
from manualconv.testing.cases.tensors import LAYOUTS, laid_out, unshared
from manualconv.testing.catalogue.operation import Example, Layer, Operation
from manualconv.testing.catalogue.question import FEW, Apply, Proof, Question, call
from manualconv.testing.referee import REFEREE

#: Between two evaluations of one formula, and of what they are sums of.
ROUNDINGS = 64
ROWS, FEWER = (2, 3, 4), (2, 3, 2)
Arguments = tuple[Any, ...]

#: Straight pieces: the kinks that the arguments make.
KINKS: dict[str, Callable[..., tuple[float, ...]]] = {
    "relu": lambda: (0,),
    "relu6": lambda: (0, 6),
    "hardtanh": lambda low, high: (low, high),
    "threshold": lambda threshold, value: (threshold,),
    "hardshrink": lambda least: (-least, least),
    "softshrink": lambda least: (-least, least),
    "leaky_relu": lambda slope: (0,),
}

# ---------------------------------------------------------------------------------------------- in plain arithmetic


def _above(x: Tensor, place: float) -> Tensor:
    if x.is_complex():
        raise NotImplementedError("complex numbers have no order")
    return x > place


def _between(x: Tensor, low: float, high: float) -> Tensor:
    return x * _above(x, low) * ~_above(x, high) + low * ~_above(x, low) + high * _above(x, high)


def _outside(x: Tensor, least: float) -> Tensor:
    """1 where |x| is larger, else 0."""
    return _above(x, least) | _above(-x, least)


def _bent(x: Tensor, below: Tensor) -> Tensor:
    """x where it is positive, else what is given."""
    return x * _above(x, 0) + below * ~_above(x, 0)


def _hardsigmoid(x: Tensor) -> Tensor:
    return (x / 6 + 0.5) * _above(x, -3) * ~_above(x, 3) + 1.0 * _above(x, 3)


def sigmoid(x: Tensor) -> Tensor:
    """``1/(1 + e^−x)``."""
    return 1 / (1 + torch.exp(-x))


def _tanh(x: Tensor) -> Tensor:
    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))


def _softplus(x: Tensor) -> Tensor:
    return torch.log(1 + torch.exp(x))


def _softmax(z: Tensor, dim: int) -> Tensor:
    e = torch.exp(z)
    return e / e.sum(dim, keepdim=True)


def log_softmax(z: Tensor, dim: int = 1) -> Tensor:
    """``z − log Σ e^z``."""
    return z - torch.log(torch.exp(z).sum(dim, keepdim=True))


# --------------------------------------------------------------------------------------------------- on drawn cases


@dataclass(frozen=True)
class Activation:
    """One drawn activation of a tensor; `dim` is the axis of those that join entries."""

    name: str
    arguments: tuple[Any, ...]
    shape: tuple[int, ...]
    dim: int
    layout: str
    seed: int
    smooth: bool = False  # farther than two steps of 1 from every kink

    def _drawn(self, numbers: Tensor, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + seed)
        return laid_out(numbers[torch.randint(len(numbers), self.shape, generator=generator)].double(), self.layout)

    def input(self) -> Tensor:
        """Of straight pieces integers, kinks among them unless it is to be smooth; else odd sixteenths."""
        if self.name not in KINKS:
            return self._drawn(torch.arange(-63 if self.smooth else -127, 64 if self.smooth else 128, 2) / 16, 0)
        kinks, least = KINKS[self.name](*self.arguments), 2 if self.smooth else 0
        return self._drawn(torch.tensor([n for n in range(-12, 13) if all(abs(n - k) >= least for k in kinks)]), 0)

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
    return replace(case, shape=shape, layout=unshared((case.layout,))[0], smooth=True)


def activated(case: Activation) -> Question:
    """Values and gradient, entry by entry."""
    z, cotangent = case.input(), case.cotangent()

    def loops() -> list[Any]:
        value, _ = definitions.activate(case.name, z.numpy(), *case.arguments)
        return [value, definitions.activation_gradient(case.name, z.numpy(), cotangent.numpy(), *case.arguments)]

    # A slope of gelu has factors up to (1 + |z|)².
    roundings = 0 if case.name in KINKS else ROUNDINGS * (32 if case.name == "gelu" else 1)
    return Question(call(case.name, *case.arguments), (z,), cotangent, loops, roundings)


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

    return Question(call(case.name, case.dim), (z,), cotangent, loops, ROUNDINGS)


# ------------------------------------------------------------------------------------------------- the operations


def _pointwise(
    name: str,
    module: str,
    plain: Apply,
    arguments: Arguments = (),
    *drawn: Arguments,
    defaults: Arguments = (),
    other: Apply | None = None,
) -> Operation:
    """`arguments` are those of an example, away from numbers that it has; `drawn` those that are proved.

    In docs/CAPABILITIES.md torch's own function is asked wherever torch has it, right or not.
    """
    own = None if hasattr(torch.nn.functional, name) else other
    return Operation(
        name,
        {name: Example(name, (ROWS,), arguments, other=other, exact=name in KINKS)},
        (Layer(module, arguments, ROWS[:2]),),
        {name: Proof(activations(name, drawn or (arguments,)), smaller, activated, seldom=True)},
        {name: Example(name, (FEWER,), defaults, plain=lambda x: plain(x, *defaults), other=own)},
        drawn=drawn or (arguments,),
    )


def _and(operation: Operation, label: str, *arguments: Any, **options: Any) -> Operation:
    """With one more example, which is the one that is differentiated numerically."""
    (example,) = operation.examples.values()
    more = replace(example, arguments=arguments, options=options)
    return replace(operation, examples={label: more, **operation.examples})


def _joining(name: str, module: str, plain: Apply, dim: int) -> Operation:
    example = Example(name, (ROWS,), (dim,), exact=False, unbatched=False)
    return Operation(
        name,
        {name: example},
        (Layer(module, (1,), ROWS[:2]), *((Layer("Softmax2d", (), (2, 3, 2, 2)),) if name == "softmax" else ())),
        {name: Proof(activations(name), smaller, joined, seldom=True)},
        {name: Example(name, (FEWER,), (1,), plain=lambda z: plain(z, 1))},
        {
            f"{name} to {str(dtype)[6:]}": replace(example, options={"dtype": dtype})
            for dtype in {"softmax": (torch.bfloat16, torch.float32), "log_softmax": (torch.float32,)}.get(name, ())
        },
    )


def _hard(z: Tensor) -> Tensor:
    """By torch's arithmetic: its own has no forward mode over reverse mode."""
    return torch.where(z <= -3, 0, torch.where(z >= 3, 1, z / 6 + 0.5))


def _selu(x: Tensor) -> Tensor:
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * _bent(x, alpha * (torch.exp(x) - 1))


OPERATIONS = (
    _pointwise("relu", "ReLU", lambda x: x * _above(x, 0)),
    _pointwise("sigmoid", "Sigmoid", sigmoid),
    _pointwise("tanh", "Tanh", _tanh),
    _pointwise("scaled_tanh", "ScaledTanh", lambda x: 1.7159 * _tanh(x * (2 / 3)), other=REFEREE.scaled_tanh),
    _pointwise("relu6", "ReLU6", lambda x: _between(x, 0, 6)),
    _pointwise(
        "hardtanh", "Hardtanh", lambda x: _between(x, -1, 1), (-0.875, 1.125), (-3.0, 3.0), (0.0, 6.0), (-8.0, 1.0)
    ),
    _pointwise("hardsigmoid", "Hardsigmoid", _hardsigmoid, other=_hard),
    _pointwise("hardswish", "Hardswish", lambda x: x * _hardsigmoid(x)),
    _pointwise(
        "hardshrink",
        "Hardshrink",
        lambda x, least: x * _outside(x, least),
        (0.875,),
        (1.0,),
        (0.0,),
        (3.0,),
        defaults=(0.5,),
    ),
    _pointwise(
        "softshrink",
        "Softshrink",
        lambda x, least: (x - least) * _above(x, least) + (x + least) * _above(-x, least),
        (0.875,),
        *((1.0,), (0.0,), (3.0,)),
        defaults=(0.5,),
    ),
    _and(
        _pointwise("leaky_relu", "LeakyReLU", lambda x: _bent(x, 0.01 * x), (0.25,), (0.25,), (0.0,), (-0.5,), (2.0,)),
        *("leaky_relu, falling", -0.5),
    ),
    _pointwise("elu", "ELU", lambda x: _bent(x, torch.exp(x) - 1), (1.5,), (1.0,), (2.5,), (0.3,), (-1.5,)),
    _pointwise("celu", "CELU", lambda x: _bent(x, torch.exp(x) - 1), (0.75,), (1.0,), (2.0,), (0.5,), (-0.5,)),
    _pointwise("selu", "SELU", _selu),
    _pointwise("logsigmoid", "LogSigmoid", lambda x: -torch.log(1 + torch.exp(-x))),
    _pointwise("softplus", "Softplus", _softplus, (1.5, 2.1), (1.0, 20.0), (2.0, 2.0), (0.5, 1.0)),
    _pointwise("silu", "SiLU", lambda x: x * sigmoid(x)),
    _pointwise("mish", "Mish", lambda x: x * _tanh(_softplus(x))),
    _and(
        _pointwise("gelu", "GELU", lambda x: x * (1 + torch.erf(x * 0.5**0.5)) / 2, (), ("none",), ("tanh",)),
        "gelu by tanh",
        approximate="tanh",
    ),
    _joining("softmin", "Softmin", lambda z, dim: _softmax(-z, dim), 1),
    _pointwise(
        "threshold",
        "Threshold",
        lambda x, place, value: x * _above(x, place) + value * ~_above(x, place),
        (0.3, -1.5),
        *((0.0, 0.0), (2.0, 20.0), (-4.0, -1.0)),
        defaults=(0.25, -1.5),
    ),
    _joining("softmax", "Softmax", _softmax, 1),
    _joining("log_softmax", "LogSoftmax", log_softmax, -1),
)

#: Those that act entry by entry.
ENTRYWISE = {each.name: each for each in OPERATIONS if each.name in ACTIVATIONS}
