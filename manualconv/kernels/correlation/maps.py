"""The three maps of the trilinear form, each by the algorithm that suits its size.

    T(x, w, y) = Σ x[n, (g c), s·p + d·k − a] · w[(g o), c, k] · y[n, (g o), p]

Every algorithm is one file with the names of `Algorithm`; `chooser` chooses.  Half-precision operands are widened to
float32 for the whole map and rounded once at the end, and the result is laid out as the window says, whatever the
algorithm.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation.chooser import chosen
from manualconv.kernels.correlation.counting import counted
from manualconv.kernels.movement.layout import CHANNELS_LAST
from manualconv.kernels.precision import WIDENED
from manualconv.torch_internals import dispatch_modes_active, hides_memory


def _laid_out(t: Tensor, window: Window) -> Tensor:
    """The result with its channels innermost if the window asks for that: of x, w and y alike, as in torch."""
    if not window.channels_last or hides_memory(t):
        return t
    return t.contiguous(memory_format=CHANNELS_LAST[window.ndim])


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """∂T/∂y + b, convolution: x ``(N, C, *I)``, w ``(O, C/g, *K)``, b ``(O,)`` → ``(N, O, *P)``."""
    if dispatch_modes_active() and window.ndim:
        return counted(lambda: _to_output(x, w, b, window), x.shape[0] * w.numel() * window.placements)
    return _to_output(x, w, b, window)


def _to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    wide = WIDENED.get(x.dtype)
    if wide is not None:
        return _to_output(x.to(wide), w.to(wide), None if b is None else b.to(wide), window).to(x.dtype)
    return _laid_out(chosen("output", x, w, x.shape[1], w.shape[0], window).to_output(x, w, b, window), window)


def to_input(w: Tensor, y: Tensor, window: Window, b: Tensor | None = None) -> Tensor:
    """∂T/∂x + b, transposed convolution: w ``(O, C/g, *K)``, y ``(N, O, *P)``, b ``(C,)`` → ``(N, C, *I)``."""
    if dispatch_modes_active() and window.ndim:
        return counted(lambda: _to_input(w, y, window, b), y.shape[0] * w.numel() * window.placements)
    return _to_input(w, y, window, b)


def _to_input(w: Tensor, y: Tensor, window: Window, b: Tensor | None) -> Tensor:
    wide = WIDENED.get(y.dtype)
    if wide is not None:
        return _to_input(w.to(wide), y.to(wide), window, None if b is None else b.to(wide)).to(y.dtype)
    x = chosen("input", y, w, w.shape[1] * window.groups, w.shape[0], window).to_input(w, y, window)
    return _laid_out(x if b is None else x + b.reshape(-1, *(1,) * window.ndim), window)


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """∂T/∂w, correlation of x with y: x ``(N, C, *I)``, y ``(N, O, *P)`` → ``(O, C/g, *K)``."""
    if dispatch_modes_active() and window.ndim:
        return counted(
            lambda: _to_weight(x, y, window), x.shape[0] * x.shape[1] * y.shape[1] * window.taps * window.placements
        )
    return _to_weight(x, y, window)


def _to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    wide = WIDENED.get(x.dtype)
    if wide is not None:
        return _to_weight(x.to(wide), y.to(wide), window).to(x.dtype)
    w = chosen("weight", x, y, x.shape[1], y.shape[1], window).to_weight(x, y, window)
    return _laid_out(w, window)
