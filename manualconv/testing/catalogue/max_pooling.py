"""Max pooling and unpooling.

A maximum is linear as long as the same entry wins: where the entries are distinct whole numbers 4 apart, a difference
quotient with step 1 has no error, as for the linear operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv import definitions
from manualconv.testing.cases import Pooling, poolings
from manualconv.testing.cases.tensors import laid_out, unshared
from manualconv.testing.catalogue.operation import Example, Layer, Operation
from manualconv.testing.catalogue.places import selected, window_of
from manualconv.testing.catalogue.question import FEW, Apply, Proof, Question, Shape, call, of_samples

# ---------------------------------------------------------------------------------------------- in plain arithmetic


def _max_pool(kernel: Shape, stride: Shape, pad: Shape, dilation: Shape, ceil_mode: bool = False) -> Apply:
    """The entry at each window's first maximum."""

    def apply(x: Tensor) -> Tensor:
        window = window_of(tuple(x.shape[2:]), kernel, stride, pad, dilation)
        return selected(x, definitions.max_pool(x.detach().numpy(), window, ceil_mode)[1])

    return apply


def backwards(y: Tensor, ndim: int) -> Tensor:
    """A flat position for every entry of y ``(N, C, *P)`` or ``(C, *P)``: the last entry's is the first."""
    size = y.shape[-ndim:]
    return torch.arange(size.numel(), device=y.device).flip(0).reshape(size).expand(y.shape)


def _max_unpool(y: Tensor) -> Tensor:
    """The entries of y backwards at the beginning of an output twice as long per axis."""
    size = tuple(2 * length for length in y.shape[2:])
    turned = y.reshape(*y.shape[:2], -1).flip(2)
    zeros = turned.new_zeros(*y.shape[:2], prod(size) - turned.shape[2])
    return torch.cat([turned, zeros], 2).reshape(*y.shape[:2], *size)


def _scattered(size: Shape) -> Apply:
    """Unpooling by torch's scatter: it has no batching rule for its own."""

    def apply(y: Tensor) -> Tensor:
        lead, ndim = y.shape[: -len(size)], len(size)
        places = backwards(y, ndim).flatten(-ndim)
        return y.new_zeros((*lead, prod(size))).scatter(-1, places, y.flatten(-ndim)).reshape(*lead, *size)

    return apply


# --------------------------------------------------------------------------------------------------- on drawn cases


def smaller(case: Pooling, few: int = FEW) -> Pooling:
    """The same pooling with few placements, one channel and no ties."""
    window = case.window
    least = tuple(min(p, 2) for p in window.output_size)
    sizes = tuple(i - s * (p - q) for i, s, p, q in zip(window.input_size, window.stride, window.output_size, least))
    # A padding wider than what is left of the input needs its placements, and no window may see padding alone.
    sizes = tuple(i if j < d else j for i, j, d in zip(window.input_size, sizes, window.dilation))
    case = replace(
        case,
        window=replace(window, input_size=sizes),
        fill="distinct",
        batch=1 if case.batch == 0 else case.batch,
        layouts=unshared(case.layouts),
    )
    for fewer in (case, replace(case, channels=1), replace(case, channels=1, batch=case.batch and 1)):
        case = fewer
        if case.input().numel() <= few:
            break
    return case


def pooled(case: Pooling) -> Question:
    """Values and gradient."""
    x = case.input()
    highest, places = definitions.max_pool(x.numpy(), case.window, case.ceil_mode)
    cotangent = case.cotangent(highest.shape[2:])
    options: dict[str, Any] = {**case.sizes, "dilation": case.window.dilation, "ceil_mode": case.ceil_mode}

    def loops() -> list[Any]:
        return [highest, definitions.max_pool_gradient(cotangent.numpy(), places, case.window)]

    return of_samples(case, call(f"max_pool{case.window.ndim}d", **options), (x,), cotangent, loops)


def unpooled(case: Pooling) -> Question:
    """Values and gradient, every position another one: the size is pooled to what the case's window gives."""
    output = definitions.output_size(case.window)
    size = tuple(map(max, case.window.input_size, output))
    kernel = tuple(i - p + 1 for i, p in zip(size, output))
    y, x_bar = case.cotangent(output, seed=2), case.cotangent(size, seed=3)
    generator = torch.Generator().manual_seed(case.seed)
    order = [torch.randperm(x_bar[0, 0].numel(), generator=generator) for _ in range(y.shape[0] * y.shape[1])]
    count = torch.Size(output).numel()
    index = torch.stack([o[:count] for o in order]) if order else torch.empty(0, dtype=torch.int64)
    index = laid_out(index.reshape(y.shape), unshared(case.layouts)[0]) if y.numel() else index.reshape(y.shape)

    def loops() -> list[Any]:
        return [
            definitions.max_unpool(y.numpy(), index.numpy(), size),
            definitions.max_unpool_gradient(x_bar.numpy(), index.numpy()),
        ]

    of = call(f"max_unpool{case.window.ndim}d", case.unbatch(index), kernel, 1, 0, size)
    return of_samples(case, of, (y,), x_bar, loops)


# -------------------------------------------------------------------------------------------------- the operations


def values(pool: Any) -> Apply:
    """Asked for its places too: torch runs it by another operator."""
    return lambda x, *arguments: pool(x, *arguments, return_indices=True)[0]


def _pooling(n: int, x: Shape, arguments: tuple[Any, ...], *ceiled: tuple[str, Shape, tuple[Any, ...]]) -> Operation:
    name = f"max_pool{n}d"
    example = Example(name, (x,), (*arguments, True))
    return Operation(
        name,
        {name: example},
        (Layer(f"MaxPool{n}d", arguments, x, {"ceil_mode": n < 3}),),
        {name: Proof(poolings(n, dilated=True), smaller, pooled)},
        {name: Example(name, ((2, *x[1:]),), arguments, plain=_max_pool(*arguments))}
        | {label: Example(name, (shape,), given, plain=_max_pool(*given)) for label, shape, given in ceiled},
        autocast={f"{name} with indices": replace(example, form=values)},
    )


class Unpooled(torch.nn.Module):
    """An unpooling with its positions filled in."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, input: Tensor) -> Any:
        """Its entries, backwards."""
        return self.layer(input, backwards(input, input.dim() - 2))


def _unpooling(
    n: int, y: Shape, size: Shape, layer: tuple[Any, ...], kernel: tuple[Any, ...], **options: Any
) -> Operation:
    name = f"max_unpool{n}d"

    def form(unpool: Any) -> Callable[..., Any]:
        return lambda y, *arguments, **options: unpool(y, backwards(y, n), *arguments, **options)

    example = Example(name, (y,), kernel, options, form, other=_scattered(size), multilinear=True)
    row = Example(name, ((2, 2, 3, 2, 2)[: n + 2],), (2,), {}, form, plain=_max_unpool)
    return Operation(
        name,
        {name: example},
        (Layer(f"MaxUnpool{n}d", layer, y, prepared=Unpooled),),
        {name: Proof(poolings(n, dilated=True), smaller, unpooled)},
        {name: row},
    )


OPERATIONS = (
    _pooling(1, (2, 2, 8), ((3,), (2,), (1,), (2,))),
    _pooling(
        *(2, (2, 2, 6, 5), ((3, 2), (2, 1), (1, 1), (1, 2))),
        ("max_pool2d, ceil_mode", (2, 2, 6, 4), ((3, 2), (2, 3), (1, 0), (1, 1), True)),
    ),
    _pooling(3, (1, 2, 3, 4, 4), ((2, 1, 3), (1, 2, 1), (1, 0, 1), (1, 1, 2))),
    _unpooling(1, (2, 2, 4), (7,), (3, 2, 1), (3, 2, 1)),
    _unpooling(2, (2, 2, 2, 3), (5, 6), (2,), (2,), output_size=(5, 6)),
    _unpooling(3, (1, 2, 1, 2, 3), (2, 4, 6), ((2, 1, 2),), (2,)),
)
