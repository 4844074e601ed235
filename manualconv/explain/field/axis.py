"""One axis of a layer's output: which positions of the network's input each of its positions sees.

    position q = m·t + r  sees  L_r + J·t ≤ i ≤ U_r + J·t          0 ≤ r < m

With m = 1, which is all layers but those that enlarge, this is the known rule.  From (L, U, J) a layer with kernel k,
stride s, dilation d and padding p makes::

    L − p·J          U + (d(k − 1) − p)·J          s·J          receptive field U − L + 1, effective padding −L

and where branches meet, the least L and the greatest U count.  m > 1 phases see unequal parts: of the positions of a
transposed convolution with kernel 3 and stride 2, every other one has two taps.

These ends are those of an endless input.  Beside them stands what each position really sees, within the input's
borders.

Source: Araujo, Norris and Sim, *Computing receptive fields of convolutional neural networks*, Distill 2019,
doi 10.23915/distill.00021.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from manualconv.explain.field.reading import Reading
from manualconv.geometry import Pair

#: What a position sees; None if nothing.
Seen = Pair | None


def hull(seen: Iterable[Seen]) -> Seen:
    """The least interval around all of them."""
    ends = [each for each in seen if each is not None]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


@dataclass(frozen=True)
class Axis:
    """One tracked axis.

    Attributes:
        axis: of the network's input, counted from its first spatial one.
        ends: ``(L, U)`` of each phase on an endless input.
        jump: J, input positions per m positions.
        seen: what each position sees within the borders.
    """

    axis: int
    ends: tuple[Seen, ...]
    jump: int
    seen: tuple[Seen, ...]

    @property
    def size(self) -> int:
        """How many positions there are."""
        return len(self.seen)

    @property
    def stride(self) -> Fraction:
        """Input positions from one position to the next, on average."""
        return Fraction(self.jump, len(self.ends))

    def at(self, q: int) -> Seen:
        """What position q sees of an endless input."""
        times, phase = divmod(q, len(self.ends))
        ends = self.ends[phase]
        return ends and (ends[0] + self.jump * times, ends[1] + self.jump * times)

    @property
    def lengths(self) -> list[int]:
        """The receptive field of each phase."""
        return [ends[1] - ends[0] + 1 if ends else 0 for ends in self.ends]

    def through(self, reading: Reading, size: int) -> Axis:
        """The axis behind a layer, which has `size` positions."""
        # So many periods move by a multiple of m.
        times = lcm(reading.moved, len(self.ends)) // reading.moved
        ends = tuple(hull(map(self.at, reading.taps(q))) for q in range(reading.period * times))
        jump = self.jump * reading.moved * times // len(self.ends)
        return Axis(self.axis, ends, jump, tuple(hull(self._within(reading, q)) for q in range(size)))

    def _within(self, reading: Reading, q: int) -> Iterable[Seen]:
        inside = (reading.outside(i, self.size) for i in reading.taps(q))
        return (self.seen[i] for i in inside if i is not None)


def whole_input(axis: int, size: int) -> Axis:
    """The input itself: position q sees itself."""
    return Axis(axis, ((0, 0),), 1, tuple((q, q) for q in range(size)))


def merged(axes: Sequence[Axis]) -> tuple[Axis, bool]:
    """Where branches meet, position by position; and whether they have one stride.

    Of branches with unequal strides the finest one's is kept, and each position of the map is a phase of its own.
    """
    first = min(axes, key=lambda each: each.stride)
    if all(each == first for each in axes):
        return first, True
    alike = all(each.stride == first.stride for each in axes)
    period = lcm(*(len(each.ends) for each in axes)) if alike else first.size
    ends = tuple(hull(each.at(q) for each in axes) for q in range(period))
    seen = tuple(hull(each.seen[q] for each in axes) for q in range(first.size))
    return Axis(first.axis, ends, round(first.stride * period), seen), alike
