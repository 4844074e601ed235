"""The calls that are timed: a row's tensors, and what each phase of it computes.

f      y                         one map
f+b    y, x̄, w̄                   three maps
d2     the gradients of (x̄, w̄) by x, w and ȳ, along given directions: four maps
churn  f+b of a transposed layer, of another length at every call, as sounds have
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import count

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.bench.contenders import Layer, builtin
from manualconv.bench.machine import DTYPES
from manualconv.bench.reference import Exact, exact_sums, fixed
from manualconv.bench.suite import Row
from manualconv.bench.timing import Call

#: Forward maps that a phase is worth, and how often it moves x, w and y, read or written, at the least.
WORK = {"f": (1, 1), "f+b": (3, 2), "d2": (4, 2), "churn": (3, 2)}
#: Rows for which torch takes many seconds in float64: one call of it is timed, and is the reference.
ENDLESS = ("F5",)
#: Different lengths of churn, shortest first.
LENGTHS = range(64, 320)


def is_pooling(row: Row) -> bool:
    """Whether a row has no weight."""
    return row.kind in ("max", "avg")


def tensors(row: Row, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """x, w and a cotangent of y, then a direction of x and of w; weights over the root of their fan-in."""
    generator = torch.Generator().manual_seed(0)
    root = max(1, torch.Size(row.weight[1:]).numel()) ** 0.5
    sizes = (row.input, row.weight, row.output, row.input, row.weight)
    drawn = [torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes]
    return tuple(fixed(t / root if n in (1, 4) else t).to(dtype) for n, t in enumerate(drawn))


def phase_of(layer: Layer, row: Row, given: tuple[Tensor, ...], phase: str) -> Call:
    """A call that computes one phase of a row and returns its tensors."""
    x, w, gy = (t.detach().clone(memory_format=torch.preserve_format).requires_grad_() for t in given[:3])
    inputs, cotangent = (x,) if is_pooling(row) else (x, w), gy.detach()
    if phase == "f":
        plain = (x.detach(), w.detach())
        return lambda: (layer(*plain),)
    if phase == "churn":
        return _churn(layer, x.detach(), w, cotangent)
    if phase == "f+b":

        def both() -> tuple[Tensor, ...]:
            y = layer(x, w)
            return (y, *grad(y, inputs, cotangent))

        return both
    first = grad(layer(x, w), inputs, gy, create_graph=True)
    return lambda: grad(first, (*inputs, gy), given[3:], retain_graph=True)


def _churn(layer: Layer, x: Tensor, w: Tensor, gy: Tensor) -> Call:
    """Forward and backward of a new length at every call; the calls of two contenders go through the same lengths."""
    lengths = (LENGTHS[(n * 101) % len(LENGTHS)] for n in count())
    long = torch.cat([x, x], -1)
    cotangents = torch.cat([gy, gy], -1)

    def call() -> tuple[Tensor, ...]:
        piece = long[..., : next(lengths)].contiguous().requires_grad_()
        y = layer(piece, w)
        return (y, *grad(y, (piece, w), cotangents[..., : y.shape[-1]].contiguous()))

    return call


@lru_cache(maxsize=1)
def reference(row: Row, dtype: str, phase: str) -> tuple[list[Exact], bool]:
    """The results of a phase, and whether torch's own errors can be measured against them.

    They cannot where they are torch's results of the same dtype: in float64 those of pooling, of double backward, and
    of layers that take it too long.
    """
    given = tuple(t.double() for t in tensors(row, DTYPES[dtype]))

    def run(operands: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(t.detach() for t in phase_of(builtin(row), row, tuple(operands), phase)())

    direct = phase != "f+b" or is_pooling(row) or row.id in ENDLESS
    if dtype == "float32" or direct:
        return [(t, torch.zeros_like(t)) for t in run(given)], dtype == "float32"
    return exact_sums(run, given[:3]), True
