"""Faults of adaptive pooling, taken apart into the intervals of an axis and what is made of each part."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.geometry import per_axis
from manualconv.testing.cases.tensors import behind
from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import with_gradient_of

Rule = Callable[[int, int, int], tuple[int, int]]
Layer = Callable[..., Tensor]


def divided(p: int, length: int, parts: int) -> tuple[int, int]:
    """Where interval p begins, and where it has ended."""
    return p * length // parts, -(-(p + 1) * length // parts)


def by_intervals(
    ndim: int,
    of: Callable[[Tensor], Tensor],
    rule: Rule = divided,
    left_out: Callable[[int], int] = lambda length: length,
) -> Layer:
    """A layer that makes one number `of` every part, whose entries come as a last axis; `left_out` says None's size."""

    def layer(input: Tensor, output_size: Any) -> Tensor:
        lengths = input.shape[-ndim:]
        size = [left_out(i) if p is None else p for i, p in zip(lengths, per_axis(output_size, ndim))]
        ends = ([rule(p, i, parts) for p in range(parts)] for i, parts in zip(lengths, size))
        parts = [input[behind(*(slice(a, b) for a, b in each))].flatten(-ndim) for each in product(*ends)]
        y: Tensor = torch.stack([of(part) for part in parts], -1).unflatten(-1, size)
        return y

    return layer


def mean(part: Tensor) -> Tensor:
    """Of a part."""
    return part.mean(-1)


def first_maximum(part: Tensor) -> Tensor:
    """Of a part; its gradient goes to one entry."""
    return part.max(-1).values


def _last_maximum(part: Tensor) -> Tensor:
    return part.flip(-1).max(-1).values


def _of_padded_lanes(part: Tensor) -> Tensor:
    n = part.shape[-1]
    return F.pad(part, (0, (1 << (n - 1).bit_length()) - n)).max(-1).values


def _up_to_the_floor(p: int, length: int, parts: int) -> tuple[int, int]:
    begin, _ = divided(p, length, parts)
    return begin, max((p + 1) * length // parts, begin + 1)


def _alike(p: int, length: int, parts: int) -> tuple[int, int]:
    """Of one length and one stride."""
    stride = length // parts
    return p * stride, p * stride + length - (parts - 1) * stride


def _rounded(p: int, length: int, parts: int) -> tuple[int, int]:
    begin = min(round(p * length / parts), length - 1)
    return begin, max(round((p + 1) * length / parts), begin + 1)


def _disjoint(p: int, length: int, parts: int) -> tuple[int, int]:
    """What the next interval begins with is not given back to this one."""
    begin, end = divided(p, length, parts)
    return begin, max(min(end, divided(p + 1, length, parts)[0]), begin + 1) if p + 1 < parts else end


def _places_by_the_height(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    y, at = F.adaptive_max_pool2d(input, output_size, return_indices=True)
    height, width = input.shape[-2:]
    return (y, at // width * height + at % width) if return_indices else y


FAMILY, FLOOR = "adaptive pooling", "FlagGems#4915: the end of an interval rounded down"
ONE_SIZE = "#190065, torch2trt#207: one kernel and one stride, right where sizes divide"
plant(
    FAMILY,
    "adaptive_avg_pool2d",
    ("intervals end at the floor", by_intervals(2, mean, _up_to_the_floor), FLOOR),
    ("intervals of one length", by_intervals(2, mean, _alike), ONE_SIZE),
    ("ends rounded to the nearest", by_intervals(2, mean, _rounded), "intervals that do not overlap"),
    (
        "gradient of intervals of one length",
        with_gradient_of(by_intervals(2, mean), by_intervals(2, mean, _alike)),
        "#190065: a backward pass of its own windows",
    ),
    (
        "gradient of what no other interval holds",
        with_gradient_of(by_intervals(2, mean), by_intervals(2, mean, _disjoint)),
        "overlaps forgotten",
    ),
)
plant(
    FAMILY,
    "adaptive_avg_pool3d",
    ("a size left out is one", by_intervals(3, mean, left_out=lambda length: 1), "an option accepted and not read"),
)
plant(
    FAMILY,
    "adaptive_max_pool2d",
    ("intervals of one length", by_intervals(2, first_maximum, _alike), ONE_SIZE),
    ("ties share the gradient", by_intervals(2, lambda part: part.amax(-1)), "amax for max"),
    ("the last of several maxima", by_intervals(2, _last_maximum), "which of equal maxima wins"),
    ("padded lanes hold zeros", by_intervals(2, _of_padded_lanes), "a masked load of zeros for −∞, as in triton#9838"),
    ("places counted by the height", _places_by_the_height, "rows of the wrong length: right for square images"),
)
plant(
    FAMILY,
    "adaptive_max_pool1d",
    ("intervals end at the floor", by_intervals(1, first_maximum, _up_to_the_floor), FLOOR),
)
