"""Padding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from manualconv.definitions.placement import Array, Index, indices, inside


def constant_pad(x: Array, padding: tuple[tuple[int, int], ...], value: float = 0) -> Array:
    """``y[b, p] = x[b, p − a]`` where that is inside, `value` elsewhere; `padding` is ``(a, b)`` of the last axes."""
    lead = x.ndim - len(padding)
    sizes = (i + a + b for i, (a, b) in zip(x.shape[lead:], padding, strict=True))
    y = np.full((*x.shape[:lead], *sizes), value, x.dtype)
    for at in indices(y.shape):
        i = tuple(p - a for p, (a, _) in zip(at[lead:], padding, strict=True))
        if inside(i, x.shape[lead:]):
            y[at] = x[at[:lead] + i]
    return y


def source(p: int, size: int, sides: tuple[int, int], mode: str) -> int:
    """``i(p)`` on one axis, found by walking: bounce at either end, stop there, or start again from the other."""
    a, b = sides
    i, low, high = p - a, 0, size
    if mode == "circular":
        low, high = max(-a, 0), size - max(-b, 0)
    while not low <= i < high:
        if mode == "reflect":
            i = -i if i < 0 else 2 * (size - 1) - i
        elif mode == "replicate":
            i += 1 if i < 0 else -1
        else:
            i += high - low if i < low else low - high
    return i


def copies(size: Index, padding: tuple[tuple[int, int], ...], mode: str) -> Iterator[tuple[Index, Index]]:
    """Every output position p with the input position i(p) it is a copy of."""
    for p in indices(tuple(i + a + b for i, (a, b) in zip(size, padding, strict=True))):
        yield p, tuple(source(q, i, sides, mode) for q, i, sides in zip(p, size, padding, strict=True))


def extend(x: Array, padding: tuple[tuple[int, int], ...], mode: str) -> Array:
    """``y[b, p] = x[b, i(p)]``, ``(*B, *I)`` → ``(*B, *P)``."""
    lead = x.ndim - len(padding)
    sizes = (i + a + b for i, (a, b) in zip(x.shape[lead:], padding, strict=True))
    y, every = np.zeros((*x.shape[:lead], *sizes), x.dtype), (slice(None),) * lead
    for p, i in copies(x.shape[lead:], padding, mode):
        y[every + p] = x[every + i]
    return y


def fold_back(y: Array, size: Index, padding: tuple[tuple[int, int], ...], mode: str) -> Array:
    """``x[b, l] = Σ_{p : i(p) = l} y[b, p]``, ``(*B, *P)`` → ``(*B, *I)``: the gradient of `extend`."""
    lead = y.ndim - len(size)
    x, every = np.zeros((*y.shape[:lead], *size), y.dtype), (slice(None),) * lead
    for p, i in copies(size, padding, mode):
        x[every + i] += y[every + p]
    return x
