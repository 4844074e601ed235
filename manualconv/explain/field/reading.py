"""What one axis of a layer's output reads of its input, as a rule that repeats.

    output position q reads input positions taps(q),     taps(q + period) = taps(q) + moved

A convolution or pooling has period 1 and moves by its stride; a transposed convolution moves by 1 every s positions;
resizing I positions to P has period P/g and moves by I/g, g their greatest common divisor.  What lies outside of the
input is dropped, as zeros tell nothing, or is a copy of a position inside.

Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning*, arXiv 1603.07285; the index of
resizing is ATen's (``area_pixel_compute_source_index``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from manualconv.geometry import Pair


def dropped(position: int, size: int) -> int | None:
    """Nothing is read outside."""
    return position if 0 <= position < size else None


def clamped(position: int, size: int) -> int | None:
    """The outermost position is read again."""
    return min(max(position, 0), size - 1)


def mirrored(position: int, size: int) -> int | None:
    """Reflection: the outermost position is not repeated."""
    return size - 1 - abs(size - 1 - abs(position))


def circled(position: int, size: int) -> int | None:
    """The other end goes on."""
    return position % size


OUTSIDE: dict[str, Callable[[int, int], int | None]] = {
    "constant": dropped,
    "reflect": mirrored,
    "replicate": clamped,
    "circular": circled,
}


@dataclass(frozen=True)
class Reading:
    """One axis of a layer.

    Attributes:
        period, moved: after so many output positions, the same taps so many input positions further.
        taps: the input positions of an output position, which may lie outside.
        outside: the position read in place of one outside, or None.
    """

    period: int
    moved: int
    taps: Callable[[int], Sequence[int]]
    outside: Callable[[int, int], int | None] = dropped


def window(kernel: int, stride: int, dilation: int, before: int) -> Reading:
    """``i = s·q + d·k − a``: convolution, pooling, unshuffling."""
    return Reading(1, stride, lambda q: [stride * q + dilation * k - before for k in range(kernel)])


def transposed(kernel: int, stride: int, dilation: int, before: int) -> Reading:
    """``q = s·i + d·k − a`` read backwards: transposed convolution, un-pooling, shuffling."""

    def taps(q: int) -> list[int]:
        places = (q + before - dilation * k for k in range(kernel))
        return [place // stride for place in places if place % stride == 0]

    return Reading(stride, 1, taps)


def shifted(before: int, step: int = 1, mode: str = "constant") -> Reading:
    """``i = step·q − a``: padding, and the slice that starts at −a."""
    return Reading(1, step, lambda q: [step * q - before], OUTSIDE[mode])


def divided(size: int, parts: int) -> Reading:
    """Adaptive pooling: ``⌊q·I/P⌋ ≤ i < ⌈(q + 1)·I/P⌉``."""
    ratio = Fraction(size, parts)
    return Reading(
        ratio.denominator, ratio.numerator, lambda q: range(floor(q * ratio), ceil((q + 1) * ratio)), dropped
    )


#: How many positions before and after the source index a mode weighs.
_REACH: dict[str, Pair] = {"linear": (0, 1), "bilinear": (0, 1), "trilinear": (0, 1), "bicubic": (1, 2)}


def resized(ratio: Fraction, mode: str, align_corners: bool) -> Reading | None:
    """Interpolation by input positions per output position; None for a mode that is not known.

    A tap whose weight is 0 is left out: a source index that is whole reads itself alone.
    """
    shift = Fraction(0) if align_corners or mode == "nearest" else (ratio - 1) / 2

    def taps(q: int) -> Sequence[int]:
        source = q * ratio + shift
        if mode == "nearest":
            return [floor(source)]
        if mode == "nearest-exact":
            return [floor(source + Fraction(1, 2))]
        before, after = _REACH[mode] if source.denominator > 1 else (0, 0)
        return range(floor(source) - before, floor(source) + after + 1)

    if mode not in _REACH and mode not in ("nearest", "nearest-exact"):
        return None
    return Reading(ratio.denominator, ratio.numerator, taps, clamped)
