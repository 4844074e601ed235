"""Who computes a row: manualconv in both settings, torch in both layouts; the others are in `peers`.

Each contender is a layer ``f(x, w) → y`` of the row's own tensors; a pooling ignores w.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.bench.suite import Row
from manualconv.kernels.correlation.chooser import candidates
from manualconv.kernels.correlation.cost import MAPS, Sizes
from manualconv.kernels.correlation.settings import accuracy
from manualconv.kernels.movement.layout import CHANNELS_LAST

Layer = Callable[[Tensor, Tensor], Tensor]


def _layer(library: Any, row: Row) -> Layer:
    """The row by a library that has torch.nn.functional's names."""
    n, s, p, d, g = row.ndim, row.stride, row.padding, row.dilation, row.groups
    if row.kind == "conv":
        conv = getattr(library, f"conv{n}d")
        return lambda x, w: conv(x, w, None, s, p, d, g)
    if row.kind == "transposed":
        transposed = getattr(library, f"conv_transpose{n}d")
        return lambda x, w: transposed(x, w, None, s, p, 0, g, d)
    pool = getattr(library, f"{row.kind}_pool{n}d")
    return lambda x, _: pool(x, row.kernel, s, p)


def by_hand(row: Row) -> Layer:
    """manualconv."""
    return _layer(functional, row)


def admitting_errors(layer: Layer) -> Layer:
    """A layer whose forward runs where fast algorithms are admitted; its window carries the setting on."""

    def admitted(x: Tensor, w: Tensor) -> Tensor:
        with accuracy("fast"):
            return layer(x, w)

    return admitted


def algorithms(row: Row, dtype: torch.dtype, setting: str) -> tuple[str, ...]:
    """The algorithms that ours chooses for the three maps of a convolution under a setting; empty for pooling."""
    if row.kind in ("max", "avg"):
        return ()
    window = replace(row.window, accuracy=setting)
    x, y = (row.output, row.input) if row.kind == "transposed" else (row.input, row.output)
    sizes = Sizes(x[0], x[1], y[1], dtype, window)
    return tuple(candidates(map, sizes)[0].name for map in MAPS)


def builtin(row: Row) -> Layer:
    """torch, in the layout of the tensors it is given."""
    return _layer(F, row)


def relaid(t: Tensor) -> Tensor:
    """Channels innermost, where torch has such a layout."""
    memory = CHANNELS_LAST.get(t.dim() - 2)
    return t if memory is None else t.contiguous(memory_format=memory)
