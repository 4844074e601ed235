"""Unfold and fold."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from torch import Tensor

from tests.capabilities.oracles.places import Shape, readings, window_of


def unfold(kernel: Shape, dilation: Shape, pad: Shape, stride: Shape) -> Callable[[Tensor], Tensor]:
    """x ``(N, C, *I)`` → ``(N, C·ΠK, ΠP)``."""

    def apply(x: Tensor) -> Tensor:
        position, inside = readings(window_of(tuple(x.shape[2:]), kernel, stride, pad, dilation))
        columns = x.reshape(*x.shape[:2], -1)[:, :, position] * inside
        return columns.reshape(x.shape[0], -1, position.shape[1])

    return apply


def fold(size: Shape, kernel: Shape, dilation: Shape, pad: Shape, stride: Shape) -> Callable[[Tensor], Tensor]:
    """v ``(N, C·ΠK, ΠP)`` → ``(N, C, *I)``."""

    def apply(v: Tensor) -> Tensor:
        position, inside = readings(window_of(size, kernel, stride, pad, dilation))
        planes = v.reshape(v.shape[0], -1, position.numel()) * inside.reshape(-1)
        x = planes.new_zeros(*planes.shape[:2], prod(size)).index_add(2, position.reshape(-1), planes)
        return x.reshape(*planes.shape[:2], *size)

    return apply
