"""Selecting entries by index, and scattering back to them.

    select:   y[m] = x[i[m]]                      scatter:  x[l] = Σ_{m : i[m] = l} y[m]
                                                  place:    x[l] = y[max {m : i[m] = l}], or 0

over the trailing axes read as one flat axis, for every leading index alike.  Each gives the same bits on every run:
sums are added in a fixed order, and of the entries placed in one position the last stays.

Shapes: x ``(*B, *I)``, i and y ``(*B, *P)``.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from manualconv.geometry import Axes
from manualconv.kernels.compiling import array, is_compilable, share
from manualconv.torch_internals import is_plain, shaped

#: Entries from which compiled loops save more than it costs to look for them.
LARGE = 2**16
#: Nanoseconds that they take for one entry.
ENTRY = 1.0


def _flat(t: Tensor, axes: int) -> Tensor:
    """``(*B, *S)`` → ``(*B, ΠS)``."""
    if axes == 1:
        return t
    lead = t.shape[: t.dim() - axes]
    total = 1
    for size in t.shape[t.dim() - axes :]:
        total = total * size
    return t.reshape(*lead, total)


def select(x: Tensor, index: Tensor, axes: int) -> Tensor:
    """``(*B, *I)`` and flat positions ``(*B, *P)`` → the entries there, ``(*B, *P)``; `axes` is len(I) = len(P)."""
    found = _flat(x, axes).gather(-1, _flat(index, axes))
    return found if axes == 1 else shaped(found, index.shape)


def scatter(y: Tensor, index: Tensor, size: Axes) -> Tensor:
    """``(*B, *P)`` and flat positions into `size` → ``(*B, *size)``; entries sent to one place add up."""
    axes = len(size)
    lead = y.shape[: y.dim() - axes]
    total = 1
    for i in size:
        total = total * i
    index, y = _flat(index, axes), _flat(y, axes)
    added = _add_by_loops if is_plain(index) and index.numel() >= max(LARGE, 1) and is_compilable(y) else _add_in_order
    if y.device.type != "cpu":
        added = _add_sorted
    x = added((*lead, total), index, y)
    return x if axes == 1 else shaped(x, (*lead, *size))


def _add_in_order(size: Axes, index: Tensor, y: Tensor) -> Tensor:
    """torch's CPU kernel adds along the scattered axis in order; those of other devices in whatever order they run."""
    return y.new_zeros(size).scatter_add_(-1, index, y)


def _add_by_loops(size: Axes, index: Tensor, y: Tensor) -> Tensor:
    """Compiled loops, in the same order, row by row; torch's kernel has the words for a position that there is not."""
    from manualconv.kernels.pooling.compiled_maximum import scatter as rows

    x = y.new_empty(size)
    flat, places, terms = (array(t).reshape(-1, t.shape[-1]) for t in (x, index, y))
    inside = x.new_ones(len(flat), dtype=torch.bool)
    share(partial(rows, terms, places, flat, inside.numpy()), len(flat), terms.size * ENTRY)
    return x if inside.all() else _add_in_order(size, index, y)


def _add_sorted(size: Axes, index: Tensor, y: Tensor) -> Tensor:
    """All rows as one, the entries sorted by place before they are added."""
    x = y.new_zeros(size)
    rows = torch.arange(x.numel() // max(x.shape[-1], 1), device=x.device).reshape(*x.shape[:-1], 1)
    flat = (index + rows * x.shape[-1]).reshape(-1)
    return x.reshape(-1).index_put((flat,), y.reshape(-1), accumulate=True).reshape(x.shape)


def place(y: Tensor, index: Tensor, size: Axes) -> Tensor:
    """``(*B, *P)`` and flat positions into `size` → ``(*B, *size)``, 0 elsewhere; the last of several stays."""
    axes = len(size)
    lead = y.shape[: y.dim() - axes]
    total = 1
    for i in size:
        total = total * i
    index, y = _flat(index, axes), _flat(y, axes)
    order = torch.arange(y.shape[-1], device=y.device).expand(y.shape)
    last = order.new_full((*lead, total), -1).scatter_reduce(-1, index, order, "amax")
    if not y.shape[-1]:
        return y.new_zeros((*lead, *size))
    return shaped(torch.where(last < 0, 0, y.gather(-1, last.clamp(min=0))), (*lead, *size))
