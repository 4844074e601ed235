"""The input gradient as the article's other form: full convolution of dZ with the kernel rotated by 180°.

Overlap-add sends every y[p] to the inputs it was computed from; read the other way round, every x[i] collects

    x[n, (g c), i] = Σ_{o,k,p : s·p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]

*Stride.*  Let ỹ be y with s − 1 zeros stuffed between neighbours, ỹ[s·p] = y[p] and 0 elsewhere, outside too.  Then
p = (i + a − d·k)/s, where that is a placement, becomes one reading of ỹ, and the condition disappears:

    x[n, (g c), i] = Σ_{o,k} w[(g o), c, k] · ỹ[n, (g o), i + a − d·k]

*Rotation.*  The taps run backwards along every axis.  Count them from the other end, k = K − 1 − k′, and swap the roles
of the channels, w̃[(g c), o, k′] = w[(g o), c, K − 1 − k′]:

    x[n, (g c), i] = Σ_{o,k′} w̃[(g c), o, k′] · ỹ[n, (g o), i + d·k′ − a′]          a′ = d·(K − 1) − a

That is the index relation again, with stride 1 and dilation d: a convolution of ỹ.  Without padding, a′ = d·(K − 1) is
the *full* convolution; padding takes from it, and more padding than d·(K − 1) crops ỹ.

*Leftover.*  Sizes I on the left and s·(P − 1) + 1 + a′ + b′ − d·(K − 1) on the right agree if b′ = d·(K − 1) − b + r:
the r positions that no placement reaches are zeros read at the far end.  The frame of ỹ has I + d·(K − 1) entries.

Shapes: w ``(O, C/g, *K)``, y ``(N, O, *P)``, x ``(N, C, *I)``; any number of spatial axes.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, Figs 10 and 11; notes on convolution
(B4, B7); Dumoulin and Visin, arXiv 1603.07285, section 4, for the stuffed zeros.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation import maps as correlation


def rotated(w: Tensor, groups: int) -> Tensor:
    """w̃: ``(O, C/g, *K)`` → ``(C, O/g, *K)``, every spatial axis reversed, the channels' roles swapped."""
    blocks = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    swapped = blocks.transpose(1, 2).reshape(groups * w.shape[1], w.shape[0] // groups, *w.shape[2:])
    return swapped.flip(list(range(2, w.dim())))


def frame_of(window: Window) -> Window:
    """The convolution that collects: stride 1 over ỹ in its frame of ``I + d·(K − 1)`` entries."""
    ones, nothing = (1,) * window.ndim, ((0, 0),) * window.ndim
    size = tuple(i + e - 1 for i, e in zip(window.input_size, window.extent))
    return Window(size, window.kernel_size, ones, window.dilation, nothing, window.groups)


def stuffed(y: Tensor, window: Window) -> Tensor:
    """ỹ in its frame: y[p] at ``s·p + a′``, where that lies inside; ``(N, O, *P)`` → ``(N, O, *(I + d·(K − 1)))``."""
    size = frame_of(window).input_size
    source, target = [slice(None)] * 2, [slice(None)] * 2
    for i, e, s, p, (a, _) in zip(size, window.extent, window.stride, window.output_size, window.padding):
        start = e - 1 - a
        first = max(-(start // s), 0)
        last = max(min(p, (i - 1 - start) // s + 1), first)
        source.append(slice(first, last))
        target.append(slice(s * first + start, s * (last - 1) + start + 1, s) if last > first else slice(0, 0))
    frame = y.new_zeros((*y.shape[:2], *size))
    frame[tuple(target)] = y[tuple(source)]
    return frame


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_{o,k′} w̃[(g c), o, k′] · ỹ[n, (g o), i + d·k′ − a′]``."""
    return correlation.to_output(stuffed(y, window), rotated(w, window.groups), None, frame_of(window))
