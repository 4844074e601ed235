"""The index relation that convolution and pooling share, and the intervals of adaptive pooling (`Intervals`).

One axis of a window reads input position ``i`` through tap ``k`` for output position ``p``::

    i = s·p + d·k − a            0 ≤ k < K,   0 ≤ p < P,   positions outside 0 ≤ i < I read the padding value

with stride ``s``, dilation ``d`` and left padding ``a``.  Everything that follows is arithmetic on it:

    extent     E = d·(K − 1) + 1                     input positions that one placement spans
    output     P = ⌊(I + a + b − E) / s⌋ + 1         b is the right padding
    leftover   r = (I + a + b − E) mod s             border positions that no placement reaches

Axes are independent, so a `Window` holds one tuple per parameter, one entry per spatial axis.  Zero axes is the
fully connected layer.  The integers may be symbolic (under ``torch.compile``): nothing here needs their values.

Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning*, arXiv 1603.07285, section 2 and 4.

Words: docs/GLOSSARY.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from math import prod
from operator import index
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Axes = tuple[int, ...]
#: One for every axis, or one per axis.
Numbers = int | tuple[int, ...]
Pair = tuple[int, int]


class Once(Generic[T]):
    """A property computed at first use and kept in the instance.

    `functools.cached_property` does the same, but before Python 3.12 behind a lock, which Dynamo does not trace.
    """

    def __init__(self, rule: Callable[[Any], T]) -> None:
        self._rule = rule
        self.__doc__ = rule.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> T:
        # A name found in the instance's own dictionary is never looked up here again.
        value = instance.__dict__[self._rule.__name__] = self._rule(instance)
        return value


@dataclass(frozen=True)
class Window:
    """Where the taps of a layer fall on its input: the one argument that travels beside the tensors.

    Attributes:
        input_size: ``I``, the spatial sizes of the *convolution's* input (a transposed convolution's output).
        kernel_size: ``K``, taps per axis.
        stride, dilation: ``s`` and ``d``, steps between placements and between taps.
        padding: ``(a, b)`` per axis, positions added before and after; may exceed the kernel.  A negative side cuts
            positions off: so a transposed layer's ``output_padding`` adds positions that no placement reaches.
        groups: ``g``; channel blocks that do not see each other.
        channels_last: whether results lie in memory with their channels innermost; no matter of numbers.
        algorithm: the one asked for where the forward ran, by name; None leaves the choice to the kernels.
        accuracy: ``'exact'`` or ``'fast'``: whether the choice is of direct sums only.
    """

    input_size: Axes
    kernel_size: Axes
    stride: Axes
    dilation: Axes
    padding: tuple[Pair, ...]
    groups: int = 1
    channels_last: bool = False
    algorithm: str | None = None
    accuracy: str = "exact"

    @Once
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel_size)

    @Once
    def extent(self) -> Axes:
        """``E = d·(K − 1) + 1``."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation))

    @Once
    def padded_size(self) -> Axes:
        """``I + a + b``."""
        return tuple(i + a + b for i, (a, b) in zip(self.input_size, self.padding))

    @Once
    def output_size(self) -> Axes:
        """``P = ⌊(I + a + b − E) / s⌋ + 1``."""
        return tuple((i - e) // s + 1 for i, e, s in zip(self.padded_size, self.extent, self.stride))

    @Once
    def taps(self) -> int:
        """``ΠK``: how many taps a placement has."""
        return prod(self.kernel_size)

    @Once
    def placements(self) -> int:
        """``ΠP``: how many placements there are."""
        return prod(self.output_size)

    @property
    def leftover(self) -> Axes:
        """``r``: how many positions at the far border no placement reaches."""
        return tuple((i - e) % s for i, e, s in zip(self.padded_size, self.extent, self.stride))

    @Once
    def is_pointwise(self) -> bool:
        """Whether placement p reads position p of the padded input and nothing else."""
        return all(k == 1 for k in self.kernel_size) and all(s == 1 for s in self.stride)

    def unpadded(self) -> Window:
        """The same placements on an input that already carries its padding."""
        return replace(self, input_size=self.padded_size, padding=((0, 0),) * self.ndim)

    def tap(self, k: Axes, lead: int) -> tuple[slice, ...]:
        """The slices of the *padded* input that tap ``k`` reads, ``d·k + s·p``, behind `lead` whole axes."""
        return (slice(None),) * lead + tuple(
            slice(d * j, d * j + s * (p - 1) + 1, s)
            for j, d, s, p in zip(k, self.dilation, self.stride, self.output_size)
        )

    def inner(self, lead: int) -> tuple[slice, ...]:
        """The slices of the *padded* input that are the input itself, behind `lead` whole axes, before any cut."""
        starts = (max(a, 0) for a, _ in self.padding)
        return (slice(None),) * lead + tuple(slice(a, a + i) for i, a in zip(self.input_size, starts))

    def kept(self, lead: int) -> tuple[slice, ...]:
        """The slices of an input with its positive padding that no negative side cuts off, behind `lead` axes."""
        starts = (max(-a, 0) for a, _ in self.padding)
        return (slice(None),) * lead + tuple(slice(a, a + i) for i, a in zip(self.padded_size, starts))

    @property
    def frame(self) -> list[int]:
        """The padding as torch's padding operations take it: last axis first, ``[lo, hi, lo, hi, …]``."""
        return [side for pair in reversed(self.padding) for side in pair]

    @Once
    def is_padded(self) -> bool:
        """Whether any side has padding, of either sign."""
        return any(side for pair in self.padding for side in pair)

    @Once
    def is_cut(self) -> bool:
        """Whether any side has negative padding."""
        return any(side < 0 for pair in self.padding for side in pair)

    def settle(self) -> None:
        """Compute all that is computed once: what a backward alone would keep here, Dynamo cannot trace."""
        _ = self.ndim, self.extent, self.padded_size, self.output_size, self.taps, self.placements
        _ = self.is_pointwise, self.is_padded, self.is_cut


class TransposedWindow(Window):
    """A transposed layer's window, read backwards: the layer's input has `output_size`, its output `input_size`."""


def transposed_window(window: Window) -> TransposedWindow:
    """The same placements, read backwards."""
    return TransposedWindow(*(getattr(window, field.name) for field in fields(window)))


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


def window_of_output(
    output_size: Axes,
    kernel_size: Axes,
    stride: Axes,
    dilation: Axes,
    padding: tuple[Pair, ...],
    groups: int = 1,
    more: Axes | None = None,
) -> Window:
    """The window whose smallest input gives `output_size`: ``I = s·(P − 1) + E − a − b``, a transposed layer's size.

    `more` positions at the far border (``output_padding``) make that input larger and the right padding as much
    smaller, so that the placements stay the same however many there are.
    """
    padding = tuple((a, b - m) for (a, b), m in zip(padding, more or (0,) * len(padding)))
    sizes = tuple(
        s * (p - 1) + d * (k - 1) + 1 - a - b
        for p, k, s, d, (a, b) in zip(output_size, kernel_size, stride, dilation, padding)
    )
    return Window(sizes, kernel_size, stride, dilation, padding, groups)


#: Steps so far that a multiple of them, counted in bytes, may leave 64 bits.
_FAR = 2**31


def within_reach(window: Window) -> Window:
    """The same placements without the steps that are never made: a stride past the input, the dilation of one tap."""
    for s, d in zip(window.stride, window.dilation):
        if s > _FAR or d > _FAR:
            stride = tuple(min(s, i) for s, i in zip(window.stride, window.padded_size))
            dilation = tuple(1 if k == 1 else d for k, d in zip(window.kernel_size, window.dilation))
            return replace(window, stride=stride, dilation=dilation)
    return window


# ------------------------------------------------------------------------------------------ whole numbers as they come

#: What 64 bits hold.
LEAST, LARGEST = -(2**63), 2**63 - 1


def is_int(value: Any) -> bool:
    """An int, or torch's symbolic one, whose value must not be asked for; a bool is neither."""
    return (isinstance(value, int) and not isinstance(value, bool)) or type(value).__name__ == "SymInt"


def read(value: Any) -> Any:
    """An int of any size, or a tuple of such, as torch reads them; None if the value is neither.

    Symbolic ints are ints, numpy's are, tensors of one integer, and a bool behind the first entry of a tuple.
    """
    if not isinstance(value, (tuple, list)):
        return _index(value)
    numbers = tuple(int(v) if n and isinstance(v, bool) else _index(v) for n, v in enumerate(value))
    return None if any(v is None for v in numbers) else numbers


def _index(value: Any) -> Any:
    if is_int(value):
        return value
    try:
        return None if isinstance(value, bool) else index(value)
    except TypeError:
        return None


def whole(value: Any) -> Any:
    """What `read` makes of a value, if each number has 64 bits; else None."""
    if type(value) is int:
        return value if LEAST <= value <= LARGEST else None
    if type(value) is tuple:
        for v in value:
            if type(v) is not int or not LEAST <= v <= LARGEST:
                break
        else:
            return value
    numbers = read(value)
    each = numbers if isinstance(numbers, tuple) else (numbers,)
    return numbers if numbers is not None and all(LEAST <= v <= LARGEST for v in each) else None


def is_pairs(value: Any) -> bool:
    """A tuple of ``(lo, hi)`` pairs, one per axis: manualconv's own way to say one-sided padding."""
    return (
        isinstance(value, (tuple, list))
        and len(value) > 0
        and all(isinstance(v, (tuple, list)) and len(v) == 2 and all(is_int(side) for side in v) for v in value)
    )


def per_axis(value: int | Axes, ndim: int) -> Axes:
    """An int, a tuple of one, or a tuple of `ndim` ints as a tuple of `ndim` ints; anything else is a ValueError."""
    if isinstance(value, (tuple, list)):
        if len(value) == ndim:
            return tuple(value)
        if len(value) == 1:
            return tuple(value) * ndim
        raise ValueError(f"{value} has {len(value)} entries where 1 or {ndim} are needed")
    return (value,) * ndim


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


def ceil_padding(window: Window) -> Window:
    """The window with its right padding raised so that a pooling layer's ``ceil_mode`` is the floor of `output_size`.

    One more placement is added where the stride leaves positions over, unless it would start in the right padding:
    ``s·P ≥ I + a`` drops it.
    """
    padding = tuple(
        (a, b + s - r) if r > 0 and s * p < i + a else (a, b)
        for i, s, p, r, (a, b) in zip(
            window.input_size, window.stride, window.output_size, window.leftover, window.padding
        )
    )
    return replace(window, padding=padding)


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
