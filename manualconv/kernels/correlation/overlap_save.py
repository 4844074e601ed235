"""Correlation of long signals with short kernels: transforms of a segment at a time (overlap-save, overlap-add).

A transform as long as the signal would fill the kernel up with zeros and transform these too.  Instead the placements
of each axis are cut in segments of h.  Segment s of y reads ``n = h + E − 1`` positions of x, which are the period:

    y_s = y[s·h : s·h + h]          x_s = x[s·h − a : s·h − a + n]           zeros outside of x

so that neighbours share E − 1 positions.  Since each placement lies in one segment, T is a sum over segments,
``T(x, w, y) = Σ_s T(x_s, w, y_s)``, and with ``x̂ = F x`` over a period

    to_output:  y_s = F⁻¹(Σ_c x̂_s·ŵ*)[: h]          to_weight:  w[k] = F⁻¹(Σ_{n,s} x̂_s·ŷ_s*)[d·k]
    to_input:   x = Σ_s F⁻¹(Σ_o ŵ·ŷ_s), each added where x_s was read

Segments act as images of a batch: ``(g, N·S, c)``.  Errors are those of a transform of n, and a NaN stays in the
segments that read it.  The kernel is transformed once, at the length of a segment.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; stride 1, real numbers.

Source: Oppenheim and Schafer, *Discrete-time signal processing*, section 8.7.3.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod

from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.correlation import fourier
from manualconv.kernels.correlation.cost import CALL, Sizes
from manualconv.kernels.correlation.spectra import Signals, compute, inverted, transformed

#: Periods that are tried, in lengths of the kernel.
PERIODS = (2, 3, 4, 6, 8, 16)
#: Nanoseconds to take out a segment of x and of y.
SEGMENT = 6 * CALL
#: Places of a segment in its period, and in the signal.
Places = tuple[tuple[slice, ...], tuple[slice, ...]]


def _segments(n: Axes, window: Window) -> tuple[Axes, Axes]:
    """h and the number of segments of each axis."""
    h = tuple(m - e + 1 for m, e in zip(n, window.extent))
    return h, tuple(-(-p // step) for p, step in zip(window.output_size, h))


@lru_cache(maxsize=1024)
def period(sizes: Sizes) -> Axes:
    """n of every axis: the cheapest, no longer than one segment of all needs."""
    window = sizes.window
    whole = tuple(p + e - 1 for p, e in zip(window.output_size, window.extent))
    tried = {tuple(fourier.fast_size(max(2, min(m * e, i))) for e, i in zip(window.extent, whole)) for m in PERIODS}
    return min(sorted(tried), key=lambda n: _cost(sizes, n))


def _cost(sizes: Sizes, n: Axes) -> float:
    """Of the transforms of every segment, of the kernels, and of the products.

    A kernel costs as much as in a whole transform: many kernels were measured to take as long in shorter periods and
    smaller blocks.
    """
    segments = sizes.batch * prod(_segments(n, sizes.window)[1])
    pairs = sizes.outputs * (sizes.channels // sizes.window.groups)
    signals = fourier.transforms(segments * (sizes.channels + sizes.outputs), n, sizes.item)
    kernels = pairs * prod(fourier.size(sizes.window)) / prod(n)
    kernels *= fourier.transforms(1, n, sizes.item) - fourier.transforms(0, n, sizes.item)
    return signals + kernels + fourier.products(segments * pairs, n, sizes.item) + segments * SEGMENT


#: Every output depends on its whole segment.
accuracy = "fast"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute a window; None if it can."""
    return fourier.refusal(sizes)


def cost(map: str, sizes: Sizes) -> float:
    """Three transforms for each segment, and a product for each frequency."""
    return _cost(sizes, period(sizes))


class _Segments:
    """Segments ``(g, N·S, c)`` of signals ``(g, N, c, *size)``: `length` positions from ``s·h − before`` on.

    They share positions, where what is written is added up, or they do not.
    """

    def __init__(self, t: Tensor, n: Axes, h: Axes, counts: Axes, before: Axes, length: Axes, adds: bool) -> None:
        self._t, self._n, self._adds = t, n, adds
        axes = (
            [_places(s * step - a, many, size) for s in range(count)]
            for step, count, a, many, size in zip(h, counts, before, length, t.shape[3:])
        )
        lead = (slice(None),) * 2
        self._places: list[Places] = [
            (lead + tuple(inside for inside, _ in place), lead + tuple(at for _, at in place))
            for place in product(*axes)
        ]
        self.shape = (t.shape[0], t.shape[1] * len(self._places), t.shape[2])

    def spectra(self, g: slice, a: slice, b: slice) -> Tensor:
        """A block transformed: ``(g, a, b, *F)``."""
        t, rows = self._t[g, :, b], range(*a.indices(self.shape[1]))
        period = t.new_zeros((len(t), len(rows), t.shape[2], *self._n))
        for row, number in enumerate(rows):
            image, s = divmod(number, len(self._places))
            inside, at = self._places[s]
            period[:, row][inside] = t[:, image][at]
        return transformed(period, self._n)

    def write(self, spectra: Tensor, g: slice, a: slice, b: slice) -> None:
        """A block transformed back: added where segments share positions."""
        t, rows = self._t[g, :, b], range(*a.indices(self.shape[1]))
        period = inverted(spectra, self._n)
        for row, number in enumerate(rows):
            image, s = divmod(number, len(self._places))
            inside, at = self._places[s]
            if self._adds:
                t[:, image][at].add_(period[:, row][inside])
            else:
                t[:, image][at] = period[:, row][inside]


def _places(start: int, length: int, size: int) -> tuple[slice, slice]:
    """A segment's places in its period and in a signal of that size, which may begin after it or end before."""
    first, last = min(max(start, 0), size), max(min(start + length, size), 0)
    return slice(first - start, max(first, last) - start), slice(first, max(first, last))


def _compute(target: str, x: Tensor, w: Tensor, y: Tensor, window: Window) -> None:
    """Write one of the three from the other two."""
    sizes = Sizes(x.shape[0], x.shape[1], w.shape[0], x.dtype, window)
    n, none = period(sizes), (0,) * window.ndim
    h, counts = _segments(n, window)
    before = tuple(a for a, _ in window.padding)
    given: dict[str, Signals] = {
        "x": _Segments(fourier.grouped(x, window.groups), n, h, counts, before, n, adds=True),
        "w": fourier.Whole(fourier.filters(w, window.groups), n, none, window.dilation),
        "y": _Segments(fourier.grouped(y, window.groups), n, h, counts, none, h, adds=False),
    }
    compute(target, given, n, x.element_size(), fourier.SHARE[window.accuracy] * (x.nbytes + y.nbytes))


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, (g o), p] = b[(g o)] + Σ_{c,k} x[n, (g c), p + d·k − a] · w[(g o), c, k]``."""
    y = x.new_empty((x.shape[0], w.shape[0], *window.output_size))
    _compute("y", x, w, y, window)
    return y if b is None else y.add_(b.reshape(-1, *(1,) * window.ndim))


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_{o,k,p : p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""
    x = y.new_zeros((y.shape[0], w.shape[1] * window.groups, *window.input_size))
    _compute("x", x, w, y, window)
    return x


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), p + d·k − a] · y[n, (g o), p]``."""
    w = x.new_empty((y.shape[1], x.shape[1] // window.groups, *window.kernel_size))
    _compute("w", x, w, y, window)
    return w
