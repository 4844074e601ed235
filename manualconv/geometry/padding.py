"""Padding: what its words and numbers mean, and which position of the input a padded tensor has where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from manualconv.geometry.integers import Axes, Pair, is_pairs, per_axis
from manualconv.geometry.window import Once


def same_padding(kernel_size: Axes, dilation: Axes) -> tuple[Pair, ...]:
    """Padding that keeps the size at stride 1: ``a + b = d·(K − 1)``, the odd one on the right, as torch does."""
    totals = tuple(d * (k - 1) for k, d in zip(kernel_size, dilation))
    return tuple((t // 2, t - t // 2) for t in totals)


def full_padding(kernel_size: Axes, dilation: Axes) -> tuple[Pair, ...]:
    """Padding under which every placement that touches the input counts: ``a = b = d·(K − 1)``."""
    return tuple((d * (k - 1), d * (k - 1)) for k, d in zip(kernel_size, dilation))


def sides(padding: Any, kernel_size: Axes, dilation: Axes) -> tuple[Pair, ...]:
    """Padding in any spelling, ``'valid'``, ``'same'``, ``'full'``, one number, one or a pair per axis, as pairs.

    Raises:
        ValueError: another word, or another number of numbers or pairs.
    """
    if padding == "same":
        return same_padding(kernel_size, dilation)
    if padding == "full":
        return full_padding(kernel_size, dilation)
    if padding == "valid":
        return ((0, 0),) * len(kernel_size)
    if isinstance(padding, str):
        raise ValueError(f"{padding!r} must be 'valid', 'same' or 'full'")
    if not is_pairs(padding):
        return tuple((p, p) for p in per_axis(padding, len(kernel_size)))
    if len(padding) != len(kernel_size):
        raise ValueError(f"{padding} has {len(padding)} (lo, hi) pairs for {len(kernel_size)} axes")
    return tuple((lo, hi) for lo, hi in padding)


@dataclass(frozen=True)
class Extension:
    """Where a padded tensor reads its input: position ``p`` of an axis is a copy of position ``i(p)``.

    With ``a`` and ``b`` positions added before and after (a negative number cuts off), ``P = I + a + b`` and::

        reflect      i = (I − 1) − |(I − 1) − |p − a||        mirrored at the outermost position, which is not repeated
        replicate    i = min(max(p − a, 0), I − 1)            the outermost position again and again
        circular     i = l + (p − a − l) mod (h − l)          from h back to l, where 0 ≤ l ≤ i < h ≤ I is not cut off

    Positions ``first ≤ p < last`` are the input itself, ``i = p − a``; the arithmetic is needed for the others only.

    Attributes:
        input_size: ``I`` of the padded axes, which are the last ones.
        padding: ``(a, b)`` per axis.
        mode: ``'reflect'``, ``'replicate'`` or ``'circular'``.
    """

    input_size: Axes
    padding: tuple[Pair, ...]
    mode: str

    @property
    def ndim(self) -> int:
        """Number of padded axes."""
        return len(self.input_size)

    @Once
    def output_size(self) -> Axes:
        """``P = I + a + b``."""
        return tuple(i + a + b for i, (a, b) in zip(self.input_size, self.padding))

    @Once
    def kept(self) -> tuple[Pair, ...]:
        """``(l, h)`` per axis: the input positions that no negative side cuts off."""
        return tuple((max(-a, 0), i + min(b, 0)) for i, (a, b) in zip(self.input_size, self.padding))

    @Once
    def copied(self) -> tuple[Pair, ...]:
        """``(first, last)`` per axis: the output positions that are the input; none where everything is cut off."""
        return tuple(
            (low + a, high + a) if low <= high else (0, 0) for (low, high), (a, _) in zip(self.kept, self.padding)
        )
