"""Faults of unfold and fold: windows as columns, and columns added up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.geometry import per_axis
from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import half, with_gradient_of
from manualconv.testing.referee import REFEREE

Layer = Callable[..., Tensor]


def unfolded(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Layer:
    """Windows as columns, in any number of dimensions, with other numbers."""

    def layer(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
        ndim = _ndim(input, kernel_size, 2)
        right = _numbers(ndim, kernel_size, dilation, padding, stride)
        y: Tensor = REFEREE.unfold(input, *right.values())
        other: Tensor = REFEREE.unfold(input, *{**right, **change(right)}.values())
        return _fitted(other, y.shape)

    return layer


def _ndim(input: Tensor, kernel_size: Any, lead: int) -> int:
    return input.dim() - lead if isinstance(kernel_size, int) else len(kernel_size)


def _numbers(ndim: int, kernel: Any, dilation: Any, padding: Any, stride: Any) -> dict[str, Any]:
    pairs = padding if isinstance(padding, tuple) and padding and isinstance(padding[0], tuple) else None
    return {
        "kernel": per_axis(kernel, ndim),
        "dilation": per_axis(dilation, ndim),
        "padding": pairs or tuple((p, p) for p in per_axis(padding, ndim)),
        "stride": per_axis(stride, ndim),
    }


def _fitted(y: Tensor, size: torch.Size) -> Tensor:
    more = [side for have, need in zip(reversed(y.shape), reversed(size)) for side in (0, max(need - have, 0))]
    return F.pad(y, more)[tuple(slice(n) for n in size)]


def _taps_first(input: Tensor, kernel_size: Any, *args: Any, **options: Any) -> Tensor:
    y = unfolded(lambda numbers: {})(input, kernel_size, *args, **options)
    taps = int(torch.Size(per_axis(kernel_size, _ndim(input, kernel_size, 2))).numel())
    turned: Tensor = y.unflatten(-2, (-1, taps)).transpose(-3, -2).flatten(-3, -2)
    return turned


def folded(change: Callable[[dict[str, Any]], dict[str, Any]], averaged: bool = False) -> Layer:
    """Columns added up, with other numbers."""

    def layer(
        input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> Tensor:
        ndim = 2 if isinstance(output_size, int) else len(output_size)
        right = _numbers(ndim, kernel_size, dilation, padding, stride)
        size = per_axis(output_size, ndim)
        y: Tensor = REFEREE.fold(input, size, *{**right, **change(right)}.values())
        if averaged:
            y = y / REFEREE.fold(torch.ones_like(input), size, *right.values()).clamp(min=1)
        return y

    return layer


def _half_folded(input: Tensor, *args: Any, **options: Any) -> Tensor:
    return folded(lambda numbers: {})(half(input), *args, **options)


FOLDING = "folding"
plant(
    FOLDING,
    "unfold",
    ("taps before channels", _taps_first, "im2col's two orders of rows"),
    ("dilation ignored", unfolded(lambda n: {"dilation": (1,) * len(n["dilation"])}), "dilation left out"),
    ("stride ignored", unfolded(lambda n: {"stride": (1,) * len(n["stride"])}), "an option accepted and not read"),
    (
        "padding on the wrong side",
        unfolded(lambda n: {"padding": tuple((b + a, 0) for a, b in n["padding"])}),
        "a frame put in front",
    ),
    (
        "gradient of undilated windows",
        with_gradient_of(unfolded(lambda n: {}), unfolded(lambda n: {"dilation": (1,) * len(n["dilation"])})),
        "dilation left out of the backward pass",
    ),
)
plant(
    FOLDING,
    "fold",
    ("overlaps averaged", folded(lambda n: {}, averaged=True), "#21817: col2im as the inverse of im2col"),
    (
        "gradient of averaged overlaps",
        with_gradient_of(folded(lambda n: {}), folded(lambda n: {}, averaged=True)),
        "#21817",
    ),
    ("half of its gradient", _half_folded, "a factor lost on the way back"),
)
