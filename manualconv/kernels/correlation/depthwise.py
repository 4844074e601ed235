"""Depthwise correlation tap by tap, on strips of channels that stay in the second cache.

With one channel and one output a group nothing is summed over channels: tap ``k`` scales the placements that it reads.
A channel of an image is a unit u, with the tap's slice ``X_k`` of the unit's padded input and the number ``w_k`` of its
channel; the trilinear form is ``Σ_u Σ_k w_k·⟨X_k, Y⟩`` and

    to_output:  Y = Σ_k w_k·X_k          to_input:  X_k += w_k·Y          to_weight:  w_k = Σ_n ⟨X_k, Y⟩

A matrix product has one row here, and reads K windows of memory for it.  These are 2K passes over one input, which cost
little while it lies in the second cache: so units are taken in strips, and a strip's padded input is made in place.

*Without strides.*  The padded input is parted into its phases: position ``s·q + r`` stands at q of phase r.  With
``d·k = s·q(k) + r(k)``, X_k are the placements from q(k) on, of phase r(k).

*One row.*  In a row as wide as the frame, all of a unit's placements are one run, which torch's operations take at once
where they would begin anew at every short row.  What lies between the placements' rows is computed and left out of Y,
and is zeros of Y for the other two maps.  Zero times NaN is NaN, even where no placement reads that NaN: so if the
weights, read or computed, are not finite, these maps take the placements row by row.

Shapes: x ``(N, C, *I)``, w ``(C, 1, *K)``, y ``(N, C, *P)``; float32 and float64, any number of spatial axes.

Source: Howard et al., *MobileNets*, arXiv 1704.04861, whose layer this is; blocking for a cache is textbook; phases:
Vaidyanathan, *Multirate systems and filter banks* (1993), section 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.compiling import all_finite
from manualconv.kernels.correlation.cost import CALL, COPY, Sizes
from manualconv.kernels.movement.windows import taps

#: Bytes of a strip's outputs: with the padded input beside them they fit in a second cache.
STRIP = 2**20
#: Nanoseconds for one product of a tap, by bytes of a number; to begin a row of placements.
TAP, ROW = {4: 0.25, 8: 0.5}, 10.0

#: The products of the definition, added up tap by tap.
accuracy = "exact"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    if sizes.dtype not in (torch.float32, torch.float64):
        return "float32 and float64 only"
    return None if sizes.window.groups == sizes.channels == sizes.outputs else "one channel and one output a group only"


def _length(window: Window) -> Axes:
    """Q: how many positions of a phase are read, an axis each."""
    sizes = zip(window.output_size, window.kernel_size, window.stride, window.dilation)
    return tuple(p + d * (k - 1) // s for p, k, s, d in sizes)


def _phases(window: Window, axis: int) -> list[int]:
    """The phases of an axis that taps read."""
    s, d = window.stride[axis], window.dilation[axis]
    return sorted({d * k % s for k in range(window.kernel_size[axis])})


def _met(window: Window, axis: int, r: int) -> tuple[slice, slice]:
    """The positions of the input along an axis that phase r has, and where they stand in it."""
    (a, _), s = window.padding[axis], window.stride[axis]
    first = max(0, -a) + (r - a - max(0, -a)) % s
    q = (first + a - r) // s
    count = max(0, min((window.input_size[axis] - first + s - 1) // s, _length(window)[axis] - q))
    return slice(first, first + s * count, s), slice(q, q + count)


def _a_tap(window: Window, item: int) -> tuple[float, float]:
    """Nanoseconds of a unit's tap in one run, and row by row."""
    run, rows = window.output_size[0] * prod(_length(window)[1:]), prod(window.output_size[:-1])
    return run * TAP[item] + ROW, window.placements * TAP[item] + rows * ROW


def _is_run(window: Window, item: int) -> bool:
    one, many = _a_tap(window, item)
    return one <= many


def cost(map: str, sizes: Sizes) -> float:
    """Every tap's products, and the calls for each strip."""
    window, units = sizes.window, sizes.batch * sizes.channels
    calls = -(-units // _units(window, sizes.item)) * (window.taps + 8)
    moved = sizes.input_bytes + sizes.output_bytes
    return units * window.taps * min(_a_tap(window, sizes.item)) + 2 * moved * COPY + calls * CALL


def _units(window: Window, item: int) -> int:
    """How many units make a strip."""
    return max(1, STRIP // max(1, window.placements * item))


class _Strip:
    """The units that are computed together: how their placements and their taps lie in memory.

    Args:
        window: the layer's.
        is_run: whether all placements of a unit are one run.
        units: how many they are.
    """

    def __init__(self, window: Window, is_run: bool, units: int) -> None:
        length, axes = _length(window), range(window.ndim)
        self.is_run, self.units, self._places = is_run, units, window.output_size
        rests = [_phases(window, axis) for axis in axes]
        #: Of the phases that are read, ``(*phases, U, *Q)``.
        self.frame = (*map(len, rests), units, *length)
        #: Zeros between the rows of placements, where they are one run.
        self.rows = (units, window.output_size[0], *(length if is_run else window.output_size)[1:])
        whole: tuple[slice, ...] = (slice(None),)
        self._copied: list[tuple[tuple[int | slice, ...], tuple[slice, ...]]] = [
            ((*at, *whole, *(q for _, q in met)), (*whole, *(i for i, _ in met)))
            for at in product(*(range(len(r)) for r in rests))
            if (met := [_met(window, axis, rests[axis][r]) for axis, r in zip(axes, at)])
        ]
        steps = tuple(prod(length[axis + 1 :]) for axis in axes)
        run = 1 + sum((p - 1) * step for p, step in zip(window.output_size, steps))
        self._size, self._step = ((units, run), (1,)) if is_run else ((units, *window.output_size), steps)
        self._unit = prod(length)
        self._begins = [self._begin(k, window, rests, steps) for k in taps(window)]

    def _begin(self, k: Axes, window: Window, rests: list[list[int]], steps: Axes) -> int:
        """Where X_k begins in the frame: at position q(k) of phase r(k)."""
        phase = at = 0
        for j, d, s, rest, step in zip(k, window.dilation, window.stride, rests, steps):
            q, r = divmod(d * j, s)
            phase, at = phase * len(rest) + rest.index(r), at + q * step
        return phase * self.units * self._unit + at

    def taps(self, frame: Tensor) -> list[Tensor]:
        """X_k of every tap: views of a frame."""
        step = (self._unit, *self._step)
        return [frame.as_strided(self._size, step, begin) for begin in self._begins]

    def framed(self, x: Tensor) -> Tensor:
        """The phases of the padded input, ``(U, *I)`` → a frame."""
        frame = x.new_zeros(self.frame)
        for places, positions in self._copied:
            frame[places] = x[positions]
        return frame

    def unframe(self, frame: Tensor, x: Tensor) -> None:
        """Its adjoint, into zeros x."""
        for places, positions in self._copied:
            x[positions] = frame[places]

    def run(self, rows: Tensor) -> Tensor:
        """The placements as a tap reads them."""
        return rows.flatten(1)[:, : self._size[1]] if self.is_run else rows

    def kept(self, rows: Tensor) -> Tensor:
        """The placements alone, ``(U, *P)``."""
        for axis, p in enumerate(self._places[1:], 2):
            rows = rows.narrow(axis, 0, p)
        return rows

    def spread(self, y: Tensor) -> Tensor:
        """The placements in rows, ``(U, *P)`` → as a tap reads them."""
        if self.rows == y.shape:
            return self.run(y)
        rows = y.new_zeros(self.rows)
        self.kept(rows).copy_(y)
        return self.run(rows)


_strip = lru_cache(64)(_Strip)


def _strips(units: int, window: Window, item: int, is_run: bool) -> Iterator[tuple[slice, _Strip]]:
    """All units, strip by strip."""
    step = _units(window, item)
    for first in range(0, units, step):
        last = min(first + step, units)
        yield slice(first, last), _strip(window, is_run, last - first)


def _flat(t: Tensor) -> Tensor:
    """``(N, C, *I)`` → ``(N·C, *I)``, units and their positions."""
    return t.flatten(0, 1)


def _numbers(w: Tensor, batch: int, is_run: bool) -> Tensor:
    """``(C, 1, *K)`` → ``(ΠK, N·C, 1 …)``: each unit's, that stretch over its placements."""
    numbers = w.flatten(1).repeat(batch, 1).T.contiguous()
    return numbers.reshape(*numbers.shape, *(1,) * (1 if is_run else w.dim() - 2))


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, c, p] = b[c] + Σ_k x[n, c, s·p + d·k − a] · w[c, k]``."""
    is_run = _is_run(window, x.element_size())
    y = x.new_empty((x.shape[0], w.shape[0], *window.output_size))
    units, into, numbers = _flat(x), _flat(y), _numbers(w, x.shape[0], is_run)
    start = None if b is None else b.repeat(x.shape[0]).reshape(-1, *(1,) * window.ndim)
    for part, strip in _strips(len(units), window, x.element_size(), is_run):
        rows = x.new_zeros(strip.rows)
        if start is not None:
            rows += start[part]
        run = strip.run(rows)
        for read, number in zip(strip.taps(strip.framed(units[part])), numbers[:, part].unbind(0)):
            run.addcmul_(read, number)
        into[part] = strip.kept(rows)
    return y


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, c, i] = Σ_{k,p : s·p + d·k − a = i} w[c, k] · y[n, c, p]``."""
    is_run = _is_run(window, y.element_size()) and all_finite(w)
    x = y.new_zeros((y.shape[0], w.shape[0], *window.input_size))
    units, into, numbers = _flat(y), _flat(x), _numbers(w, y.shape[0], is_run)
    for part, strip in _strips(len(units), window, y.element_size(), is_run):
        run, frame = strip.spread(units[part]), y.new_zeros(strip.frame)
        for written, number in zip(strip.taps(frame), numbers[:, part].unbind(0)):
            written.addcmul_(run, number)
        strip.unframe(frame, into[part])
    return x


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[c, k] = Σ_{n,p} x[n, c, s·p + d·k − a] · y[n, c, p]``."""
    is_run = _is_run(window, x.element_size())
    w = _sums(x, y, window, is_run)
    return _sums(x, y, window, False) if is_run and not all_finite(w) else w


def _sums(x: Tensor, y: Tensor, window: Window, is_run: bool) -> Tensor:
    units, others = _flat(x), _flat(y)
    sums = x.new_empty((window.taps, len(units)))
    for part, strip in _strips(len(units), window, x.element_size(), is_run):
        run = strip.spread(others[part])
        products = torch.empty_like(run, memory_format=torch.contiguous_format)
        flat = products.flatten(1)
        for read, total in zip(strip.taps(strip.framed(units[part])), sums[:, part].unbind(0)):
            torch.mul(read, run, out=products)
            torch.sum(flat, 1, out=total)
    return sums.reshape(window.taps, *x.shape[:2]).sum(1).T.reshape(x.shape[1], 1, *window.kernel_size).clone()
