"""What a network is made of: each layer's output, parameters, multiplications and receptive field, and what it saves.

    dense equivalent     Π(input) · Π(output)      weights of a dense layer between the same maps

Multiply-adds are half of what torch's own counter counts: a multiplication and an addition each.

Source: SPEC A2, A14; `torch.utils.flop_counter`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch.nn import Module
from torch.utils.flop_counter import FlopCounterMode

from manualconv.explain.field.follow import followed
from manualconv.explain.field.path import Path, Row
from manualconv.explain.figure import Figure
from manualconv.explain.networks.receptive import cells, input_of
from manualconv.explain.text import aligned, size, some

HEADING = ("layer", "kind", "output", "parameters", "multiply-adds", "receptive field", "dense equivalent")


def summary(model: Module, input_size: int | Sequence[int], channels: int | None = None) -> Figure:
    """A table of a network's layers, and totals.

    Args:
        model: any module that takes one tensor ``(N, C, *I)``; it is followed in evaluation, on a copy.
        input_size: I of each axis, or one number for all.
        channels: C; those of the first convolution if None.

    Returns:
        A `Figure` of text: of one image, for each layer its output ``C×*I``, its parameters, its multiply-adds, its
        receptive field, and for convolutions and dense layers the weights of a dense layer with the same inputs and
        outputs.

    Raises:
        ValueError: as `receptive_fields`.

    Example:
        >>> import torch
        >>> print(summary(torch.nn.Sequential(torch.nn.Conv2d(3, 6, 5)), 32))
        layer  kind     output  parameters  multiply-adds  receptive field  dense equivalent
        0      Conv2d  6×28×28         456        352,800                5        14,450,688
        total                          456        352,800
    """
    channels, sizes = input_of(model, input_size, channels)
    with FlopCounterMode(display=False) as counter:
        path = followed(model, sizes, channels, counter)
    rows = [_cells(row) for row in path.rows]
    total = sum(p.numel() for p in model.parameters())
    last = ("total", "", "", f"{total:,}", f"{path.flops() // 2:,}", "", "")
    text = "\n".join([aligned([HEADING, *rows, last], left=2), *_idle(path)])
    return Figure("summary", text)


def _cells(row: Row) -> tuple[str, ...]:
    dense = prod(row.input_shape[1:]) * prod(row.output_shape[1:])
    return (
        row.name,
        row.kind,
        size(row.output_shape[1:]),
        f"{row.parameters:,}" if row.parameters else "",
        f"{row.flops // 2:,}" if row.flops else "",
        cells(row.field)[1],
        f"{dense:,}" if row.parameters and row.flops else "",
    )


def _idle(path: Path) -> list[str]:
    """Parameters that no call took: of modules that did not run, or of a weight that is computed from them."""
    if not path.idle:
        return []
    names = list(dict.fromkeys(name.rpartition(".")[0] or name for name in path.idle))
    return [f"in the total, but of no row: {sum(path.idle.values()):,} parameters of {some(names)}"]
