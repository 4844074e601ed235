"""Intervals of unequal length, of adaptive pooling."""

from __future__ import annotations

from dataclasses import dataclass, replace

from manualconv.geometry.integers import Axes


@dataclass(frozen=True)
class Intervals:
    """Intervals of unequal length: how adaptive pooling divides every axis into as many parts as are asked for.

        interval p of P          ⌊p·I/P⌋ ≤ i < ⌈(p + 1)·I/P⌉          0 ≤ p < P

    The intervals cover the axis; where P does not divide I, neighbours may share a position.  With P = 1 there is one,
    the whole axis; where P divides I they are ordinary windows with kernel and stride I/P.  Position i in turn lies in
    the intervals ``⌊i·P/I⌋ ≤ p < ⌈(i + 1)·P/I⌉``: the same rule with I and P exchanged, because

        ⌊p·I/P⌋ ≤ i  ⇔  p·I/P < i + 1  ⇔  p < (i + 1)·P/I          and so for the other end.

    Reading the intervals backwards is therefore `reversed`, and no rule of its own.  The integers may be symbolic.

    Source: ``adaptive_avg_pool2d`` in ATen; He, Zhang, Ren and Sun, *Spatial pyramid pooling in deep convolutional
    networks* (2014), section 2.2, whose bins these are.

    Attributes:
        input_size: ``I``.
        output_size: ``P``; 0 leaves nothing.
        channels_last: whether results lie in memory with their channels innermost; no matter of numbers.
    """

    input_size: Axes
    output_size: Axes
    channels_last: bool = False

    @property
    def ndim(self) -> int:
        """Number of divided axes."""
        return len(self.input_size)

    @property
    def is_empty(self) -> bool:
        """Whether an axis has no interval, or no position."""
        return any(isinstance(size, int) and size == 0 for size in (*self.input_size, *self.output_size))

    @property
    def is_global(self) -> bool:
        """Whether each axis is one interval."""
        return all(p == 1 for p in self.output_size)

    @property
    def is_even(self) -> bool:
        """Whether the intervals are windows that touch and do not overlap: P divides I on every axis.

        Of sizes that are symbols only one part is known to: a question would pin the graph to its answer.
        """
        return all(divides(p, i) for i, p in zip(self.input_size, self.output_size))

    def reversed(self) -> Intervals:
        """From outputs to inputs: in which intervals each position lies."""
        return replace(self, input_size=self.output_size, output_size=self.input_size)


def longest(length: int, parts: int) -> int:
    """A bound for the longest of the intervals, exact where `parts` divides `length`: ⌈I/P⌉ + 1 otherwise."""
    return length // parts if divides(parts, length) else -(-length // parts) + 1


def divides(parts: int, length: int) -> bool:
    """Whether `parts` is known to divide `length`."""
    known = isinstance(parts, int) and (parts == 1 or isinstance(length, int))
    return known and length % parts == 0
