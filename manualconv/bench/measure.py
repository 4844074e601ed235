"""Measuring one row: check it against float64 first, then time it beside the others, then weigh its memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv import nn
from manualconv.bench import contenders, nets
from manualconv.bench.contenders import FORWARD_ONLY, Layer, builtin, by_hand, peers, relaid
from manualconv.bench.machine import DTYPES, roof
from manualconv.bench.memory import watched
from manualconv.bench.suite import DOUBLE_BACKWARD, NETS, Goal, Row
from manualconv.bench.timing import Call, Ratio, interleaved

#: A result is wrong, and its row counts as ratio 0, beyond this relative L2 error; tiers are reported, not asserted.
WRONG = {"float32": 1e-3, "float64": 1e-10}
FORBIDDEN = ("convolution", "aten.conv", "mkldnn", "slow_conv", "thnn_conv", "_pool", "im2col", "col2im")
OURS, BUILTIN, RELAID, AGAIN = "manualconv", "torch", "torch channels_last", "torch again"


@dataclass(frozen=True)
class Record:
    """What was measured of one row, in one dtype and one phase.

    Attributes:
        id, name, dtype, phase: which; the phases are ``'f'``, ``'f+b'``, ``'d2'`` and ``'step'``.
        seconds: the median time of every contender.
        first: the first call of ours, chooser and all.
        ratio: over the better of torch's two layouts; default_ratio: over torch as a user calls it.
        control: torch over itself.
        peers: how many times as fast ours is as each peer.
        error: relative L2 error of the worst output tensor against float64, ours over torch's own.
        roof: per cent of the roofline reached.
        memory: extra peak over input + output.
        forbidden: operators of torch's that are convolutions or poolings and ran inside ours.
        goal: gate and moonshot.
    """

    id: str
    name: str
    dtype: str
    phase: str
    seconds: dict[str, float]
    first: float
    ratio: Ratio
    default_ratio: Ratio
    control: Ratio
    goal: Goal
    error: float = 0.0
    torch_error: float = 0.0
    roof: float = 0.0
    memory: float = 0.0
    forbidden: tuple[str, ...] = ()
    peers: dict[str, float] = field(default_factory=dict)

    @property
    def speed(self) -> float:
        """The ratio that counts: 0 for a wrong result."""
        return 0.0 if self.forbidden or not self.error <= WRONG[self.dtype] else self.ratio.median

    def as_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {**asdict(self), "speed": self.speed}


def _tensors(row: Row, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """x, w and a cotangent of y; weights over the root of their fan-in."""
    generator = torch.Generator().manual_seed(0)
    fan_in = max(1, torch.Size(row.weight[1:]).numel())
    x, w, y = (
        torch.randn(size, generator=generator, dtype=torch.float64) for size in (row.input, row.weight, row.output)
    )
    return x.to(dtype), (w / fan_in**0.5).to(dtype), y.to(dtype)


def _is_pooling(row: Row) -> bool:
    return row.kind in ("max", "avg")


def _phase(layer: Layer, row: Row, tensors: tuple[Tensor, ...], phase: str) -> Call:
    """A call that computes one phase of a row and returns its tensors."""
    x, w, gy = (t.detach().clone(memory_format=torch.preserve_format).requires_grad_() for t in tensors)
    inputs = (x,) if _is_pooling(row) else (x, w)
    if phase == "f":
        plain = (x.detach(), w.detach())
        return lambda: (layer(*plain),)
    if phase == "f+b":
        cotangent = gy.detach()

        def both() -> tuple[Tensor, ...]:
            y = layer(x, w)
            return (y, *grad(y, inputs, cotangent))

        return both
    first = grad(layer(x, w), inputs, gy, create_graph=True)
    directions = [torch.randn_like(g) for g in first]
    return lambda: grad(first, (*inputs, gy), directions, retain_graph=True)


def _errors(got: tuple[Tensor, ...], exact: tuple[Tensor, ...]) -> float:
    """The largest relative L2 error among the tensors."""
    return max(float((a.double() - e).norm() / e.norm().clamp(min=1e-300)) for a, e in zip(got, exact))


def measured(row: Row, dtype: str, phase: str, rounds: int, seconds: float, with_peers: bool = True) -> Record:
    """One row in one dtype and one phase: ``'f'``, ``'f+b'`` or ``'d2'``."""
    tensors = _tensors(row, DTYPES[dtype])
    layers = {OURS: by_hand(row), BUILTIN: builtin(row), AGAIN: builtin(row)}
    calls = {name: _phase(layer, row, tensors, phase) for name, layer in layers.items()}
    if row.ndim > 1:
        calls[RELAID] = _phase(builtin(row), row, tuple(map(relaid, tensors)), phase)
    exact = tuple(t.double() for t in _phase(builtin(row), row, tuple(t.double() for t in tensors), phase)())
    error, torch_error = (_errors(calls[name](), exact) for name in (OURS, BUILTIN))
    for name, layer in peers(row).items() if phase != "d2" and with_peers else ():
        if phase == "f" or name not in FORWARD_ONLY:
            call = _phase(layer, row, tensors, phase)
            if _errors(call(), exact) <= WRONG[dtype]:
                calls[name] = call
    rounds_ = interleaved(calls, rounds, seconds)
    better = min((name for name in (BUILTIN, RELAID) if name in calls), key=rounds_.median)
    watch = watched(calls[OURS])
    moved = sum(t.numel() * t.element_size() for t in tensors)
    times, passes = {"f": (1, 1), "f+b": (3, 3), "d2": (6, 6)}[phase]
    if _is_pooling(row):
        times = 0
    bound = roof(dtype).seconds(times * row.flops(), passes * moved)
    single, double = DOUBLE_BACKWARD[row.id] if phase == "d2" else (row.single, row.double)
    return Record(
        row.id,
        row.name,
        dtype,
        phase,
        {name: rounds_.median(name) for name in calls},
        rounds_.first[OURS],
        rounds_.ratio(OURS, better),
        rounds_.ratio(OURS, BUILTIN),
        rounds_.ratio(AGAIN, BUILTIN),
        (single if dtype == "float32" else double) if phase != "f" else None,
        error,
        torch_error,
        100 * bound / rounds_.median(OURS),
        watch.peak / (moved - tensors[1].numel() * tensors[1].element_size()),
        tuple(sorted(name for name in watch.names if any(part in name for part in FORBIDDEN))),
        {name: rounds_.ratio(OURS, name).median for name in calls if name in contenders.NAMES},
    )


def measured_net(id: str, dtype: str, rounds: int, seconds: float) -> Record:
    """One training step of a net, by `manualconv.nn` and by torch.nn."""
    calls: dict[str, Callable[[], object]] = {
        OURS: nets.step(id, nn, DTYPES[dtype]),
        BUILTIN: nets.step(id, torch.nn, DTYPES[dtype]),
        AGAIN: nets.step(id, torch.nn, DTYPES[dtype]),
    }
    difference = abs(float(calls[OURS]()) - float(calls[BUILTIN]()))  # type: ignore[arg-type]
    calls[AGAIN]()
    found = interleaved(calls, rounds, seconds)
    watch = watched(calls[OURS])
    return Record(
        id,
        {"N1": "LeNet-5 step", "N2": "CIFAR ResNet step", "N3": "WGAN-GP step"}[id],
        dtype,
        "step",
        {name: found.median(name) for name in calls},
        found.first[OURS],
        found.ratio(OURS, BUILTIN),
        found.ratio(OURS, BUILTIN),
        found.ratio(AGAIN, BUILTIN),
        NETS[id][0 if dtype == "float32" else 1],
        difference,
        0.0,
        forbidden=tuple(sorted(name for name in watch.names if any(part in name for part in FORBIDDEN))),
    )
