"""What the units of a tensor see: a tracked axis for each dimension that still is one, and what all of them see alike.

A pooling to one position, a flattening, a dense layer or an attention mixes the positions of an axis.  The dimension is
then followed no more, and its span, the hull of what its positions saw, is seen by every unit from there on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from manualconv.explain.field.axis import Axis, Seen, hull, merged, whole_input
from manualconv.explain.field.reading import Reading


@dataclass(frozen=True)
class Field:
    """Of a tensor.

    Attributes:
        axes: for each dimension its axis; None for samples, channels, and what was mixed.
        spans: for each spatial axis of the input, what every unit sees of it; None where units see unequal parts.
        guessed: whether positions were moved in a way that is not followed: the spans are then the most that there can
            be.
        uneven: whether branches of unequal strides met, here or before.
    """

    axes: tuple[Axis | None, ...]
    spans: tuple[Seen, ...]
    guessed: bool = False
    uneven: bool = False

    def of(self, axis: int) -> Axis | None:
        """The tracked axis that follows an axis of the input."""
        return next((each for each in self.axes if each is not None and each.axis == axis), None)

    def box(self, unit: Sequence[int]) -> tuple[Seen, ...]:
        """What a unit sees of each axis of the input; its number of an axis that is followed no more is not used."""
        found = (self.of(axis) for axis in range(len(self.spans)))
        return tuple(hull((span, each.seen[q] if each else None)) for span, each, q in zip(self.spans, found, unit))

    def through(self, readings: Sequence[Reading], sizes: Sequence[int]) -> Field:
        """Behind a layer over the last dimensions."""
        lead = len(self.axes) - len(readings)
        layer = zip(self.axes[lead:], readings, sizes)
        behind = (axis and axis.through(reading, size) for axis, reading, size in layer)
        return replace(self, axes=(*self.axes[:lead], *behind))

    def spread(self, dims: Iterable[int]) -> Field:
        """Every unit also sees all of these dimensions, which are still followed.

        What was guessed is no guess any more where it is seen for certain.
        """
        sure: list[Seen] = [None] * len(self.spans)
        for axis in (self.axes[dim] for dim in dims):
            if axis is not None:
                sure[axis.axis] = hull((sure[axis.axis], hull(axis.seen)))
        spans = tuple(map(hull, zip(self.spans, sure)))
        return replace(self, spans=spans, guessed=self.guessed and sure != list(spans))

    def mixed(self, dims: Iterable[int]) -> Field:
        """These dimensions are followed no more: every unit sees all of them."""
        gone = {dim % len(self.axes) for dim in dims}
        kept = tuple(None if dim in gone else axis for dim, axis in enumerate(self.axes))
        return replace(self.spread(gone), axes=kept)

    def beyond(self, spans: tuple[Seen, ...], guessed: bool) -> Field:
        """The same, as a guess where more is seen than these spans, or if these were one."""
        return replace(self, guessed=guessed or self.spans != spans)

    def arranged(self, order: Sequence[int | None]) -> Field:
        """The dimensions in another order: the old place of each, None for a new one; what is left out is mixed."""
        rest = self.mixed(set(range(len(self.axes))) - set(order))
        return replace(rest, axes=tuple(None if place is None else self.axes[place] for place in order))


def of_input(sizes: Sequence[int]) -> Field:
    """The input ``(N, C, *I)`` of a network."""
    axes = (whole_input(axis, size) for axis, size in enumerate(sizes))
    return Field((None, None, *axes), (None,) * len(sizes))


def met(fields: Sequence[Field], shapes: Sequence[Sequence[int]], shape: Sequence[int]) -> Field:
    """Where branches meet, entry by entry, broadcast as torch does.

    Args:
        fields, shapes: of the branches.
        shape: of the result.
    """
    aligned = [_broadcast(field, theirs, shape) for field, theirs in zip(fields, shapes)]
    aligned = [field.mixed(_crossed(aligned)) for field in aligned]
    uneven = any(field.uneven for field in aligned)
    axes: list[Axis | None] = []
    for found in zip(*(field.axes for field in aligned)):
        tracked = [axis for axis in found if axis is not None]
        axis, alike = merged(tracked) if tracked else (None, True)
        axes.append(axis)
        uneven |= not alike
    return Field(tuple(axes), *seen_by_all(aligned), uneven)


def seen_by_all(fields: Sequence[Field]) -> tuple[tuple[Seen, ...], bool]:
    """Where branches meet: what every unit sees, and whether it is a guess, which a certain branch may outdo."""
    spans, sure = (
        tuple(hull(spans) for spans in zip(*(field.spans for field in those)))
        for those in (fields, [field for field in fields if not field.guessed])
    )
    return spans, spans != sure and any(field.guessed for field in fields)


def _crossed(fields: Sequence[Field]) -> set[int]:
    """Dimensions where rows meet columns, or whose axis is another dimension's too, as in an outer product."""
    places = {(axis.axis, dim) for field in fields for dim, axis in enumerate(field.axes) if axis is not None}
    axes, dims = Counter(axis for axis, _ in places), Counter(dim for _, dim in places)
    return {dim for axis, dim in places if axes[axis] > 1 or dims[dim] > 1}


def _broadcast(field: Field, theirs: Sequence[int], shape: Sequence[int]) -> Field:
    lead = len(shape) - len(theirs)
    field = field.mixed([dim for dim, size in enumerate(theirs) if size != shape[lead + dim]])
    return replace(field, axes=(None,) * lead + field.axes)


def reshaped(field: Field, old: Sequence[int], new: Sequence[int]) -> Field:
    """Behind a view: a dimension lives on where as many entries lie behind it as before; all others are mixed.

    One that is joined with others is on its way to what does mix it; of one that is cut into windows that is a guess.
    """
    blocks = list(zip(new, _behind(new)))
    places = {(size, behind): dim for dim, (size, behind) in enumerate(zip(old, _behind(old))) if size > 1}
    cut = any(
        field.axes[dim] is not None and not any(after <= behind and size * behind <= n * after for n, after in blocks)
        for (size, behind), dim in places.items()
    )
    found = field.arranged([places.get(block) for block in blocks])
    return found.beyond(field.spans if cut else found.spans, field.guessed)


def _behind(shape: Sequence[int]) -> list[int]:
    """How many entries lie behind one position of each dimension."""
    counts = [1]
    for size in reversed(shape[1:]):
        counts.append(counts[-1] * size)
    return counts[::-1]
