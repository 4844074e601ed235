"""Max pooling and unpooling as questions.

A maximum is linear as long as the same entry wins: where the entries are distinct whole numbers 4 apart, a difference
quotient with step 1 has no error, as for the linear operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from manualconv import definitions, functional
from manualconv.testing.cases import Pooling
from manualconv.testing.cases.tensors import laid_out, unshared

#: A function of tensors, the tensors, a cotangent, and what the loops say.
Question = tuple[Callable[..., Tensor], tuple[Tensor, ...], Tensor, Callable[[], list[Any]]]
POOL = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
UNPOOL = {1: functional.max_unpool1d, 2: functional.max_unpool2d, 3: functional.max_unpool3d}


def smaller(case: Pooling, few: int) -> Pooling:
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
    for fewer in ({}, {"channels": 1}, {"batch": case.batch and 1}):
        case = replace(case, **fewer)  # type: ignore[arg-type]
        if case.input().numel() <= few:
            break
    return case


def pooled(case: Pooling) -> Question:
    """Values and gradient."""
    x = case.input()
    values, places = definitions.max_pool(x.numpy(), case.window, case.ceil_mode)
    cotangent = case.cotangent(values.shape[2:])
    options: dict[str, Any] = {**case.sizes, "dilation": case.window.dilation, "ceil_mode": case.ceil_mode}

    def apply(x: Tensor) -> Tensor:
        return POOL[case.window.ndim](x, **options)

    def loops() -> list[Any]:
        results = [values, definitions.max_pool_gradient(cotangent.numpy(), places, case.window)]
        return [t[0] for t in results] if case.batch is None else results

    return apply, (case.unbatch(x),), case.unbatch(cotangent), loops


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
    index = laid_out(index.reshape(y.shape), case.layouts[0]) if y.numel() else index.reshape(y.shape)
    if case.layouts[0] == "expanded":
        index = index.clone()

    def apply(y: Tensor) -> Tensor:
        return UNPOOL[case.window.ndim](y, case.unbatch(index), kernel, 1, 0, size)

    def loops() -> list[Any]:
        results = [
            definitions.max_unpool(y.numpy(), index.numpy(), size),
            definitions.max_unpool_gradient(x_bar.numpy(), index.numpy()),
        ]
        return [t[0] for t in results] if case.batch is None else results

    return apply, (case.unbatch(y),), case.unbatch(x_bar), loops
