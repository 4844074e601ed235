"""Selecting entries by index, and scattering back to them.

    select:   y[m] = x[i[m]]                      scatter:  x[l] = Σ_{m : i[m] = l} y[m]

over the trailing axes read as one flat axis, for every leading index alike.

Shapes: x ``(*B, *I)``, i and y ``(*B, *P)``.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.geometry import Axes
from manualconv.torch_internals import shaped


def _flat(t: Tensor, axes: int) -> Tensor:
    """``(*B, *S)`` → ``(*B, ΠS)``."""
    lead = t.shape[: t.dim() - axes]
    total = 1
    for size in t.shape[t.dim() - axes :]:
        total = total * size
    return t.reshape(*lead, total)


def select(x: Tensor, index: Tensor, axes: int) -> Tensor:
    """``(*B, *I)`` and flat positions ``(*B, *P)`` → the entries there, ``(*B, *P)``; `axes` is len(I) = len(P)."""
    return shaped(_flat(x, axes).gather(-1, _flat(index, axes)), index.shape)


def scatter(y: Tensor, index: Tensor, size: Axes) -> Tensor:
    """``(*B, *P)`` and flat positions into `size` → ``(*B, *size)``; entries sent to one place add up."""
    axes = len(size)
    lead = y.shape[: y.dim() - axes]
    total = 1
    for i in size:
        total = total * i
    x = y.new_zeros((*lead, total)).scatter_add_(-1, _flat(index, axes), _flat(y, axes))
    return shaped(x, (*lead, *size))
