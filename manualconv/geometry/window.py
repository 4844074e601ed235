"""The index relation that convolution and pooling share.

One axis of a window reads input position ``i`` through tap ``k`` for output position ``p``::

    i = s·p + d·k − a            0 ≤ k < K,   0 ≤ p < P,   positions outside 0 ≤ i < I read the padding value

with stride ``s``, dilation ``d`` and left padding ``a``.  Everything that follows is arithmetic on it:

    extent     E = d·(K − 1) + 1                     input positions that one placement spans
    output     P = ⌊(I + a + b − E) / s⌋ + 1         b is the right padding
    leftover   r = (I + a + b − E) mod s             border positions that no placement reaches

Axes are independent, so a `Window` holds one tuple per parameter, one entry per spatial axis.  Zero axes is the
fully connected layer.  The integers may be symbolic (under ``torch.compile``): nothing here needs their values.

Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning*, arXiv 1603.07285, section 2 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any, Generic, TypeVar

from manualconv.geometry.integers import Axes, Pair

T = TypeVar("T")


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

    @Once
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

    @Once
    def _hash(self) -> int:
        # Of whole numbers alone, whose hashes are the same in every process that unpickles it.
        return hash((self.input_size, self.kernel_size, self.stride, self.dilation, self.padding, self.groups))

    def __hash__(self) -> int:
        return self._hash

    def settle(self) -> None:
        """Compute all that is computed once: what a backward alone would keep here, Dynamo cannot trace."""
        _ = self.ndim, self.extent, self.padded_size, self.output_size, self.taps, self.placements
        _ = self.is_pointwise, self.is_padded, self.is_cut, self.frame, self._hash


class TransposedWindow(Window):
    """A transposed layer's window, read backwards: the layer's input has `output_size`, its output `input_size`."""


def transposed_window(window: Window) -> TransposedWindow:
    """The same placements, read backwards."""
    return TransposedWindow(*(getattr(window, field.name) for field in fields(window)))


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
