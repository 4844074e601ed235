"""Extending a tensor beyond its edge by copies of itself, and adding the copies up again.

    extend      y[b, p] = x[b, i(p)]                     i(p) one number per axis: `Extension` in manualconv.geometry
    fold_back   x[b, l] = Σ_{p : i(p) = l} y[b, p]       its adjoint: ⟨extend(x), y⟩ = ⟨x, fold_back(y)⟩

Axes are independent, so they are extended one after another.  Of each only the border is looked up by index: the rest
is a slice, copied as it lies.

Shapes: x ``(*B, *I)``, y ``(*B, *P)``.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from manualconv.geometry import Extension
from manualconv.torch_internals import channels_last_format


def sources(extension: Extension, axis: int, start: int, end: int, device: torch.device) -> Tensor:
    """``i(p)`` for ``start ≤ p < end`` on one axis."""
    (a, _), (low, high) = extension.padding[axis], extension.kept[axis]
    if extension.mode == "circular":
        turn = high - low if start - a < low else low - high  # once at most, so no division is needed
        return torch.arange(start - a + turn, end - a + turn, device=device)
    i = torch.arange(start - a, end - a, device=device)
    last = extension.input_size[axis] - 1
    if extension.mode == "reflect":
        return last - (last - i.abs()).abs()
    return i.clamp(0, last)


def _borders(extension: Extension, axis: int, device: torch.device) -> Iterator[tuple[int, int, Tensor]]:
    """Before and behind the copied part: first output position, how many, and their sources."""
    first, last = extension.copied[axis]
    for start, end in ((0, first), (last, extension.output_size[axis])):
        if end > start:
            yield start, end - start, sources(extension, axis, start, end, device)


def _extended(x: Tensor, extension: Extension, axis: int) -> Tensor:
    """One axis, I → P."""
    at = x.dim() - extension.ndim + axis
    first, last = extension.copied[axis]
    parts = [x.index_select(at, index) for _, _, index in _borders(extension, axis, x.device)]
    if last > first:
        parts.insert(1 if first > 0 else 0, x.narrow(at, first - extension.padding[axis][0], last - first))
    return torch.cat(parts, at) if parts else x.narrow(at, 0, 0)


def _folded_back(y: Tensor, extension: Extension, axis: int) -> Tensor:
    """One axis, P → I."""
    at = y.dim() - extension.ndim + axis
    first, last = extension.copied[axis]
    cut = first - extension.padding[axis][0] if last > first else 0
    behind = [0, 0] * (extension.ndim - 1 - axis)
    sides = [cut, extension.input_size[axis] - cut - (last - first)]
    x = torch.constant_pad_nd(y.narrow(at, first, last - first), behind + sides)
    for start, length, index in _borders(extension, axis, y.device):
        x = x.index_add(at, index, y.narrow(at, start, length))
    return x


def extend(x: Tensor, extension: Extension) -> Tensor:
    """``(*B, *I)`` → ``(*B, *P)``; channels_last if x is, except for circular padding, as torch does."""
    y = x
    for axis, sides in enumerate(extension.padding):
        if any(sides):
            y = _extended(y, extension, axis)
    kept = torch.contiguous_format if extension.mode == "circular" else channels_last_format(x)
    return x.clone(memory_format=kept) if y is x else y.contiguous(memory_format=kept)


def fold_back(y: Tensor, extension: Extension) -> Tensor:
    """``(*B, *P)`` → ``(*B, *I)``: every entry added where it was copied from."""
    x = y
    for axis, sides in enumerate(extension.padding):
        if any(sides):
            x = _folded_back(x, extension, axis)
    return y.clone(memory_format=torch.contiguous_format) if x is y else x
