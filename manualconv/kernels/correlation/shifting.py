"""Correlation one tap at a time: K matrix products on shifted inputs, nothing unrolled (kn2row).

Tap ``k`` sees the padded input through one strided slice ``X_k`` of shape ``(g, C/g, ΠP·N)``, and the weights through
``W_k`` of shape ``(g, O/g, C/g)``.  The trilinear form is ``Σ_k ⟨W_k·X_k, Y⟩`` and its three derivatives are

    to_output:  Y = Σ_k W_k·X_k          to_input:  X_k += W_kᵀ·Y          to_weight:  W_k = Y·X_kᵀ

Extra memory is one tap's slice, about one input, where lowering holds ΠK of them: the choice when windows are large.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; any number of spatial axes.

Source: Anderson, Vasudevan, Keane and Gregg, *Low-memory GEMM-based convolution algorithms*, arXiv 1709.03395.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.correlation import direct
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.correlation.lowering_batch_last import batch_first, batch_last
from manualconv.kernels.movement.windows import crop, pad, taps
from manualconv.torch_internals import shaped

#: The products of the definition, added up in another order.
accuracy = "exact"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    return None


def cost(map: str, sizes: Sizes) -> float:
    """That of the matrix products, where this one is the fastest of them."""
    return direct.cost("shifting", map, sizes)


def _shifted(x: Tensor, k: Axes, window: Window) -> Tensor:
    """X_k: padded batch-last ``(C, *I', N)`` → ``(g, C/g, ΠP·N)``."""
    x_k = x[window.tap(k, lead=1)]
    return x_k.reshape(window.groups, x.shape[0] // window.groups, x_k[0].numel())


def _tap_filters(w: Tensor, k: Axes, window: Window) -> Tensor:
    """W_k: ``(O, C/g, *K)`` → ``(g, O/g, C/g)``."""
    w_k = w[(slice(None), slice(None)) + k]  # noqa: RUF005  (a star in an index needs Python 3.11)
    return w_k.reshape(window.groups, w.shape[0] // window.groups, w.shape[1])


def _channels_by_placements(y: Tensor, window: Window) -> Tensor:
    """Y: ``(N, O, *P)`` → ``(g, O/g, ΠP·N)``."""
    y = batch_last(y)
    return y.reshape(window.groups, y.shape[0] // window.groups, y[0].numel())


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, (g o), p] = b[(g o)] + Σ_k Σ_c x[n, (g c), s·p + d·k − a] · w[(g o), c, k]``."""
    frame = pad(batch_last(x), window, lead=1)
    size = (w.shape[0], *window.output_size, x.shape[0])
    start = x.new_zeros(()) if b is None else b.reshape(-1, *(1,) * (len(size) - 1))
    y = start.expand(size).clone(memory_format=torch.contiguous_format)  # added to below: never b itself
    y = y.reshape(window.groups, w.shape[0] // window.groups, y[0].numel())
    for k in taps(window):
        y.baddbmm_(_tap_filters(w, k, window), _shifted(frame, k, window))
    return batch_first(y, x.shape[0], size[:-1])


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_k Σ_{o,p : s·p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""
    columns = _channels_by_placements(y, window)
    channels = w.shape[1] * window.groups
    frame = y.new_zeros((channels, *window.padded_size, y.shape[0]))
    for k in taps(window):
        x_k = _tap_filters(w, k, window).mT @ columns
        frame[window.tap(k, lead=1)].add_(x_k.reshape(channels, *window.output_size, y.shape[0]))
    return batch_first(crop(frame, window, lead=1), y.shape[0], (channels, *window.input_size))


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), s·p + d·k − a] · y[n, (g o), p]``, one tap at a time."""
    frame = pad(batch_last(x), window, lead=1)
    columns = _channels_by_placements(y, window)
    planes = [columns @ _shifted(frame, k, window).mT for k in taps(window)]
    size = (y.shape[1], x.shape[1] // window.groups, *window.kernel_size)
    return shaped(torch.stack(planes, -1), size)
