"""Every s-th position of a padded input, its phases, and the way back: how strided and dilated windows move data.

    f[j] = x[j − a]                                  a frame with zeros outside, any a
    phases(x)[r, q] = f[s·q + r]                     0 ≤ r < s,  0 ≤ q < Q, along every axis
    joined(z)[i] = z[r, q]   at  s·q + r = i + a     its adjoint: ⟨phases(x), z⟩ = ⟨x, joined(z)⟩

No position is in two phases, so that nothing is added up, and ``joined(phases(x)) = x`` where the frame covers x.

Source: Vaidyanathan, *Multirate systems and filter banks* (1993), section 4.3.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.geometry import Axes, Pair


def _framed(x: Tensor, sides: tuple[Pair, ...]) -> Tensor:
    """x with zeros added, then cut where a side is negative: a cut may reach beyond x, into the other side's zeros."""
    frame = [max(side, 0) for pair in reversed(sides) for side in pair]
    f = torch.constant_pad_nd(x, frame) if any(frame) else x
    for axis, (low, high) in enumerate(sides, 2):
        f = f.narrow(axis, max(-low, 0), f.shape[axis] - max(-low, 0) - max(-high, 0))
    return f


def phases(x: Tensor, steps: Axes, before: Axes, length: Axes) -> Tensor:
    """``(N, C, *I)`` → ``(*s, N, C, *Q)``, a view of the frame."""
    sides = tuple((a, s * q - a - i) for i, s, a, q in zip(x.shape[2:], steps, before, length))
    f = _framed(x, sides)
    f = f.reshape(*x.shape[:2], *(n for pair in zip(length, steps) for n in pair))  # (N, C, Q₀, s₀, …)
    axes = range(2, f.dim(), 2)
    return f.permute(*(axis + 1 for axis in axes), 0, 1, *axes)


def joined(z: Tensor, steps: Axes, before: Axes, size: Axes) -> Tensor:
    """``(*s, N, C, *Q)`` → a fresh ``(N, C, *I)``."""
    ndim, length = len(steps), z.shape[len(steps) + 2 :]
    order = [ndim, ndim + 1]
    for axis in range(ndim):
        order += [ndim + 2 + axis, axis]
    f = z.permute(order).reshape(*z.shape[ndim : ndim + 2], *(s * q for s, q in zip(steps, length)))
    sides = tuple((-a, i + a - whole) for i, whole, a in zip(size, f.shape[2:], before))
    return _framed(f, sides).clone(memory_format=torch.contiguous_format)
