"""Unfold and fold."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv import definitions
from manualconv.testing.cases import Convolution
from manualconv.testing.catalogue.convolution import ANY, smaller
from manualconv.testing.catalogue.operation import Example, Layer, Operation
from manualconv.testing.catalogue.places import readings, window_of
from manualconv.testing.catalogue.question import Apply, Proof, Question, Shape, call, of_samples


def _unfold(kernel: Shape, dilation: Shape, pad: Shape, stride: Shape) -> Apply:
    """x ``(N, C, *I)`` → ``(N, C·ΠK, ΠP)``."""

    def apply(x: Tensor) -> Tensor:
        position, inside = readings(window_of(tuple(x.shape[2:]), kernel, stride, pad, dilation))
        columns = x.reshape(*x.shape[:2], -1)[:, :, position] * inside
        return columns.reshape(x.shape[0], -1, position.shape[1])

    return apply


def _fold(size: Shape, kernel: Shape, dilation: Shape, pad: Shape, stride: Shape) -> Apply:
    """v ``(N, C·ΠK, ΠP)`` → ``(N, C, *I)``."""

    def apply(v: Tensor) -> Tensor:
        position, inside = readings(window_of(size, kernel, stride, pad, dilation))
        planes = v.reshape(v.shape[0], -1, position.numel()) * inside.reshape(-1)
        x = planes.new_zeros(*planes.shape[:2], prod(size)).index_add(2, position.reshape(-1), planes)
        return x.reshape(*planes.shape[:2], *size)

    return apply


def unfolded(case: Convolution) -> Question:
    """Values and gradient."""
    x, _, _ = case.batched()
    window = case.window
    generator = torch.Generator().manual_seed(case.seed)
    size = (x.shape[0], x.shape[1] * definitions.taps(window), torch.Size(window.output_size).numel())
    v = torch.randint(-3, 4, size, generator=generator).to(x.dtype)

    def loops() -> list[Any]:
        return [definitions.unfold(x.numpy(), window), definitions.fold(v.numpy(), window)]

    return of_samples(case, call("unfold", *_numbers(case)), (x,), v, loops)


def folded(case: Convolution) -> Question:
    """Values and gradient: the other way round."""
    of_unfold = unfolded(case)
    of = call("fold", case.window.input_size, *_numbers(case))
    return replace(
        of_unfold,
        of=of,
        inputs=(of_unfold.cotangent,),
        cotangent=of_unfold.inputs[0],
        loops=lambda: of_unfold.loops()[::-1],
    )


def _numbers(case: Convolution) -> tuple[Any, ...]:
    """As torch orders them."""
    window = case.window
    return window.kernel_size, window.dilation, window.padding, window.stride


#: Input size, kernel, dilation, padding, stride.
SETTINGS: dict[int, tuple[Shape, ...]] = {
    1: ((7,), (3,), (2,), (1,), (2,)),
    2: ((4, 5), (3, 2), (1, 2), (1, 0), (2, 1)),
    3: ((2, 3, 3), (2, 1, 2), (1, 2, 1), (0, 1, 1), (1, 2, 1)),
}


def _rows(name: str) -> dict[str, Example]:
    found = {}
    for n, (size, *rest) in SETTINGS.items():
        shape = (2, 2, *size)
        if name == "unfold":
            found[f"unfold, {n}-D"] = Example("unfold", (shape,), tuple(rest), plain=_unfold(*rest))
        else:
            columns = tuple(_unfold(*rest)(torch.zeros(shape)).shape)
            found[f"fold, {n}-D"] = Example("fold", (columns,), (size, *rest), plain=_fold(size, *rest))
    return found


#: Padded on one side more than on the other, which torch does not do.
ASKEW = ((3, 2), (1, 2), ((1, 0), (2, 1)), (2, 1))

OPERATIONS = (
    Operation(
        "unfold",
        {
            "unfold askew": Example("unfold", ((2, 2, 4, 3),), ASKEW, multilinear=True, compared=False),
            "unfold": Example("unfold", ((2, 3, 4, 5),), ((3, 2), (1, 2), (1, 2), (2, 1))),
        },
        (Layer("Unfold", ((3, 2), (1, 2), (1, 2), (2, 1)), (2, 2, 4, 3)),),
        {"unfold": Proof(ANY, smaller, unfolded)},
        _rows("unfold"),
    ),
    Operation(
        "fold",
        {"fold askew": Example("fold", ((2, 6, 8),), ((4, 3), *ASKEW), multilinear=True, compared=False)},
        (Layer("Fold", ((4, 3), (3, 2), (1, 2), (1, 2), (2, 1)), (2, 12, 10)),),
        {"fold": Proof(ANY, smaller, folded)},
        _rows("fold"),
    ),
)
