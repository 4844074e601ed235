"""Sums as lists of places, counted by the loops of manualconv.definitions: gather, multiply, `index_add`."""

from __future__ import annotations

from functools import cache
from itertools import product
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manualconv import definitions
from manualconv.geometry import Window

Shape = tuple[int, ...]
Places = tuple[Tensor, Tensor, Tensor]


def flat(at: Shape, size: Shape) -> int:
    """A position as one number."""
    return int(np.ravel_multi_index(at, size)) if size else 0


def collected(values: Tensor, places: Tensor, size: Shape) -> Tensor:
    """``y[l] = Σ_{m : places[m] = l} values[m]``."""
    return values.new_zeros(prod(size)).index_add(0, places, values).reshape(size)


def along_channels(b: Tensor, ndim: int) -> Tensor:
    """One number a channel, to be added to an image."""
    return b.reshape(-1, *(1,) * ndim)


def window_of(size: Shape, kernel: Shape, stride: Shape, pad: Shape, dilation: Shape) -> Window:
    """A window without a frame that differs between sides."""
    return Window(size, kernel, stride, dilation, tuple((p, p) for p in pad))


@cache
def readings(window: Window, ceil_mode: bool = False) -> tuple[Tensor, Tensor]:
    """Flat positions read, ``(ΠK, ΠP)``, and whether they lie on the input."""
    taps, places = (
        list(definitions.indices(window.kernel_size)),
        list(definitions.indices(definitions.output_size(window, ceil_mode))),
    )
    position = torch.zeros(len(taps), len(places), dtype=torch.int64)
    inside = torch.zeros(len(taps), len(places), dtype=torch.bool)
    for (row, k), (column, p) in product(enumerate(taps), enumerate(places)):
        i = definitions.position(p, k, window)
        if definitions.inside(i, window.input_size):
            position[row, column], inside[row, column] = flat(i, window.input_size), True
    return position, inside


def selected(x: Tensor, winner: Any) -> Tensor:
    """The entries of x at flat positions ``(N, C, *P)``, an array."""
    winners = torch.from_numpy(winner)
    return x.reshape(*x.shape[:2], -1).gather(2, winners.flatten(2)).reshape(winners.shape)
