"""Correlation by the discrete Fourier transform: long kernels cost as little as short ones.

At stride 1 the three maps are correlations and convolutions of signals, and the transform turns these into products.
With ``x̂ = F x`` over n positions of every axis and ẑ* the complex conjugate,

    to_output:  y[p] = F⁻¹(Σ_c x̂·ŵ*)[p]
    to_input:   x[i] = F⁻¹(Σ_o ŵ·ŷ)[i + a]
    to_weight:  w[k] = F⁻¹(Σ_n x̂·ŷ*)[d·k]

with indices read modulo n, and x behind its a zeros.  The b zeros on the other side may overlap those a zeros: for all
three maps ``n ≥ I + max(a, b)`` is enough.  n is rounded up to a product of 2, 3 and 5.

The error spreads over the whole output: a few roundings of the output's norm in every entry, where a direct sum of K
products has about √K roundings of its own size.  A NaN or an infinity spreads too.  So the tier is ``'fast'`` for every
window.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; stride 1, real numbers.

Source: Mathieu, Henaff and LeCun, *Fast training of convolutional networks through FFTs*, arXiv 1312.5851.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from math import log2, prod

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.correlation.cost import CALL, COPY, Sizes
from manualconv.kernels.correlation.spectra import EVERY, Signals, compute, inverted, transformed

#: Nanoseconds of a multiplication in a transform, and in a product of spectra, by bytes of a number.
TRANSFORM, SPECTRUM = {4: 0.12, 8: 0.2}, {4: 0.6, 8: 1.0}
#: Nanoseconds that a call of the transform adds for each position of the period, to tabulate roots of unity.
PLAN = 10.0
#: Bytes of spectra allowed for each byte of input and output, by tier: fewer blocks are faster.
SHARE = {"exact": 1.0, "fast": 2.5}


@cache
def fast_size(least: int) -> int:
    """The smallest product of 2, 3 and 5 that is at least `least`."""
    best: int = 2 ** (max(least, 1) - 1).bit_length()
    for five in (5**e for e in range(12)):
        for three in (3**e for e in range(20)):
            rest = five * three
            if rest >= best:
                break
            best = min(best, rest * 2 ** max(0, (-(-least // rest) - 1).bit_length()))
    return best


def size(window: Window) -> Axes:
    """n of every axis; at least 2, since libraries do not transform a single number."""
    return tuple(fast_size(max(i + max(a, b), 2)) for i, (a, b) in zip(window.input_size, window.padding))


#: Every output depends on every input.
accuracy = "fast"


def refusal(sizes: Sizes) -> str | None:
    """Why a window is not taken: complex numbers, a stride, or a side cut off."""
    if not sizes.dtype.is_floating_point:
        return f"no {sizes.dtype}"
    if any(s != 1 for s in sizes.window.stride):
        return "stride 1 only"
    if 0 in (sizes.batch, sizes.channels, sizes.outputs, *sizes.window.output_size):
        return "nothing to transform"
    return "no negative padding" if sizes.window.is_cut else None


def cost(map: str, sizes: Sizes) -> float:
    """Three transforms, and a product for each frequency."""
    n, pairs = size(sizes.window), sizes.outputs * (sizes.channels // sizes.window.groups)
    signals = sizes.batch * (sizes.channels + sizes.outputs) + pairs
    return transforms(signals, n, sizes.item) + products(sizes.batch * pairs, n, sizes.item)


def transforms(signals: int, n: Axes, item: int) -> float:
    """Of signals of period n, in three calls at the least, and what they move."""
    butterflies = 2.5 * prod(n) * log2(max(prod(n), 2)) * TRANSFORM[8 if item > 4 else 4]
    return signals * (butterflies + 4 * prod(n) * item * COPY) + 3 * sum(n) * PLAN + 12 * CALL


def products(pairs: int, n: Axes, item: int) -> float:
    """Of pairs of spectra."""
    return pairs * prod(n) / 2 * SPECTRUM[8 if item > 4 else 4]


class Whole:
    """Signals that one period holds: position k stands at place ``d·k + before``, modulo n."""

    def __init__(self, t: Tensor, n: Axes, before: Axes, step: Axes) -> None:
        self._t, self._n, self.shape = t, n, tuple(t.shape[:3])
        axes = product(*map(_pieces, before, t.shape[3:], step, n))
        lead = (EVERY,) * 3
        self._pieces = tuple((lead + tuple(k for k, _ in piece), lead + tuple(at for _, at in piece)) for piece in axes)
        sides = zip(t.shape[3:], before, n)
        self._frame = [side for size, a, m in reversed(list(sides)) for side in (a, m - a - size)]
        self._is_dense = all(d == 1 for d in step) and min(self._frame) >= 0

    def spectra(self, g: slice, a: slice, b: slice) -> Tensor:
        """A block transformed: ``(g, a, b, *F)``."""
        t = self._t[g, a, b]
        if self._is_dense:
            return transformed(torch.constant_pad_nd(t, self._frame), self._n)
        # What lies a period away only meets zeros, and is left out.
        period, (positions, places) = t.new_zeros((*t.shape[:3], *self._n)), self._pieces[0]
        period[places] = t[positions]
        return transformed(period, self._n)

    def write(self, spectra: Tensor, g: slice, a: slice, b: slice) -> None:
        """A block transformed back, to its places."""
        t, period = self._t[g, a, b], inverted(spectra, self._n)
        for positions, places in self._pieces:
            t[positions] = period[places]


def _pieces(before: int, size: int, step: int, n: int) -> list[tuple[slice, slice]]:
    """Positions k < size and their places ``step·k + before`` in the period: those in the first, then in the next."""
    first = min(size, -(-(n - before) // step))
    pieces = []
    for k, stop, place in ((0, first, before), (first, size, before + step * first - n)):
        if k < stop:
            pieces.append((slice(k, stop), slice(place, place + step * (stop - k - 1) + 1, step)))
    return pieces


def grouped(t: Tensor, groups: int) -> Tensor:
    """A view ``(N, (g c), …)`` → ``(g, N, c, …)``."""
    split: Tensor = t.unflatten(1, (groups, t.shape[1] // groups)).transpose(0, 1)
    return split


def filters(w: Tensor, groups: int) -> Tensor:
    """A view ``((g o), c, …)`` → ``(g, o, c, …)``."""
    split: Tensor = w.unflatten(0, (groups, w.shape[0] // groups))
    return split


def _compute(target: str, x: Tensor, w: Tensor, y: Tensor, window: Window) -> None:
    """Write one of the three from the other two."""
    n, ones = size(window), (1,) * window.ndim
    before, none = tuple(a for a, _ in window.padding), (0,) * window.ndim
    given: dict[str, Signals] = {
        "x": Whole(grouped(x, window.groups), n, before, ones),
        "w": Whole(filters(w, window.groups), n, none, window.dilation),
        "y": Whole(grouped(y, window.groups), n, none, ones),
    }
    compute(target, given, n, x.element_size(), SHARE[window.accuracy] * (x.nbytes + y.nbytes))


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, (g o), p] = b[(g o)] + Σ_{c,k} x[n, (g c), p + d·k − a] · w[(g o), c, k]``."""
    y = x.new_empty((x.shape[0], w.shape[0], *window.output_size))
    _compute("y", x, w, y, window)
    return y if b is None else y.add_(b.reshape(-1, *(1,) * window.ndim))


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_{o,k,p : p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""
    x = y.new_empty((y.shape[0], w.shape[1] * window.groups, *window.input_size))
    _compute("x", x, w, y, window)
    return x


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), p + d·k − a] · y[n, (g o), p]``."""
    w = x.new_empty((y.shape[1], x.shape[1] // window.groups, *window.kernel_size))
    _compute("w", x, w, y, window)
    return w
