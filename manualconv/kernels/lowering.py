"""Correlation by lowering: unroll the windows, then multiply matrices (im2col + GEMM).

With the batch innermost, ``V = windows(pad(x))`` read as a matrix of shape ``(C/g·ΠK, ΠP·N)`` per group, and the
weights as ``W`` of shape ``(O/g, C/g·ΠK)``, the trilinear form is ``⟨W·V, Y⟩`` and its three derivatives are

    to_output:  Y = W·V              to_input:  x = crop(overlap_add(Wᵀ·Y))             to_weight:  W = Y·Vᵀ

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; any number of spatial axes.

Source: Chellapilla, Puri and Simard (2006); batch-last layout as in cuda-convnet (Krizhevsky, arXiv 1404.5997).
"""

from __future__ import annotations

from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.windows import batch_first, batch_last, crop, overlap_add, pad, windows


def _unrolled(x: Tensor, window: Window) -> Tensor:
    """V: ``(N, C, *I)`` → ``(g, C/g·ΠK, ΠP·N)``."""
    v = windows(pad(batch_last(x), window), window)
    rows = x.shape[1] // window.groups
    for k in window.kernel_size:
        rows = rows * k
    return v.reshape(window.groups, rows, _placements(window) * x.shape[0])


def _placements(window: Window) -> int:
    """ΠP."""
    total = 1
    for p in window.output_size:
        total = total * p
    return total


def _channels_by_placements(y: Tensor, window: Window) -> Tensor:
    """Y: ``(N, O, *P)`` → ``(g, O/g, ΠP·N)``."""
    return batch_last(y).reshape(window.groups, y.shape[1] // window.groups, _placements(window) * y.shape[0])


def _filters(w: Tensor, window: Window) -> Tensor:
    """W: ``(O, C/g, *K)`` → ``(g, O/g, C/g·ΠK)``."""
    rows = w.shape[1]
    for k in window.kernel_size:
        rows = rows * k
    return w.reshape(window.groups, w.shape[0] // window.groups, rows)


def to_output(x: Tensor, w: Tensor, window: Window) -> Tensor:
    """``y[n, (g o), p] = Σ_{c,k} x[n, (g c), s·p + d·k − a] · w[(g o), c, k]``."""
    y = _filters(w, window) @ _unrolled(x, window)
    return batch_first(y.reshape(w.shape[0], *window.output_size, x.shape[0]))


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_{o,k,p : s·p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""
    v = _filters(w, window).mT @ _channels_by_placements(y, window)
    channels = w.shape[1] * window.groups
    v = v.reshape(channels, *window.kernel_size, *window.output_size, y.shape[0])
    return batch_first(crop(overlap_add(v, window), window))


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), s·p + d·k − a] · y[n, (g o), p]``."""
    w = _channels_by_placements(y, window) @ _unrolled(x, window).mT
    return w.reshape(y.shape[1], x.shape[1] // window.groups, *window.kernel_size).clone()
