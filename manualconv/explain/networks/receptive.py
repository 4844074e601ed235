"""Receptive fields: which part of the image each unit of a network sees, layer by layer.

A node keeps (L, U, j) per axis; a layer of kernel k, stride s, dilation d and padding p gives
``L − p·j``, ``U + (d(k − 1) − p)·j``, ``j·s``, and where branches meet, the least L and the greatest U count::

    receptive field U − L + 1      stride j      effective padding −L      centre of the first unit (L + U)/2

Source: SPEC D; Araujo, Norris and Sim, *Computing receptive fields of convolutional neural networks*, Distill 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path as File

from torch.nn import Module
from torch.nn.parameter import is_lazy

from manualconv.explain.arithmetic.sizing import whole
from manualconv.explain.field.follow import followed
from manualconv.explain.field.path import Path, Row
from manualconv.explain.field.tensor import Field
from manualconv.explain.figure import Figure
from manualconv.explain.names import unknown
from manualconv.explain.networks.notes import notes
from manualconv.explain.text import aligned, by_axis, shown, size

HEADING = ("layer", "output", "stride", "receptive field", "effective padding", "centre")

#: Each position of an axis is followed.
LONGEST = 50_000


@dataclass(frozen=True)
class ReceptiveFields(Figure):
    """A figure with its numbers: ``rows`` has one `Row` for each layer, in the order in which they ran."""

    rows: tuple[Row, ...] = ()


def receptive_fields(
    model: Module,
    input_size: int | Sequence[int],
    channels: int | None = None,
    *,
    layer: str | None = None,
    unit: Sequence[int] | None = None,
    image: str | File | None = None,
    effective: bool = False,
    object_size: int | None = None,
) -> ReceptiveFields:
    """What the units of every layer see of the input: a table, and pictures of one unit.

    Args:
        model: any module that takes one tensor ``(N, C, *I)``.  It is followed in evaluation, on a copy that has shapes
            alone: no weight is read.
        input_size: I of each axis, or one number for all.
        channels: C; those of the first convolution if None.
        layer: the row or module that the pictures are of; the last map that still has positions if None.
        unit: its position there; the centre if None.
        image: a file to draw the unit's box on, scaled to the input's size.
        effective: also draw the gradient of the unit, the effective receptive field.  It reads the model's weights.
        object_size: of what is to be found, in pixels: a column compares it; about half of the receptive field is best.

    Returns:
        A `Figure` with ``rows``, and of images with a picture of the unit's box; its text says the box if a layer, a
        unit, an image or the effective field is asked for.
        A receptive field is ``all`` where everything is seen, and ``≤ all`` where that is the most.

    Raises:
        ValueError: a model that takes another input, or that has no numbers and asks for them; no such layer or unit;
            an image that cannot be read, an object of no size.
        OSError: an image that cannot be opened.
        TypeError: no module.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.MaxPool2d(2))
        >>> print(receptive_fields(model, 8))
        layer  output  stride  receptive field  effective padding  centre
        0       8×8×8       1                3                  1       0
        1       8×4×4       2                4                  1     0.5
        last map: 1, receptive field 4, stride 2, effective padding 1
    """
    from manualconv.explain.networks.unit import Unit

    if object_size is not None and object_size < 1:
        raise ValueError(f"an object has a size of at least 1 pixel, not {object_size}")
    channels, sizes = input_of(model, input_size, channels)
    path = followed(model, sizes, channels)
    text = "\n".join([_table(path, object_size), *notes(path), *_last(path)])
    figure = ReceptiveFields("receptive fields", text, rows=tuple(row for row in path.rows if not row.passing))
    asked = any((layer is not None, unit is not None, image is not None, effective))
    last = last_row(path)
    name = last.name if layer is None and last is not None else layer
    if name is None:
        if asked:
            raise ValueError("no layer of this network keeps the positions of its input: name one by layer")
        return figure
    chosen = Unit.of(name, *_chosen(path, name), sizes, unit)
    said, files = chosen.shown(model, channels, image, effective)
    return replace(figure, text="\n".join([text, *said]) if asked else text, files=files)


def input_of(model: Module, size: int | Sequence[int], channels: int | None) -> tuple[int, tuple[int, ...]]:
    """The channels and sizes of an input: what is not given is taken from the first convolution.

    Raises:
        ValueError: sizes of less than 1 or more than `LONGEST`, or layers that have no shapes yet.
        TypeError: no module, or no whole numbers.
    """
    if not isinstance(model, Module):
        raise TypeError(f"a model is a torch.nn.Module, not {type(model).__name__}")
    if any(is_lazy(p) for p in model.parameters()):
        raise ValueError("the model has lazy layers, whose sizes its first input decides: run it once, then ask")
    first = next((m for m in model.modules() if isinstance(getattr(m, "in_channels", None), int)), None)
    weight = getattr(first, "weight", None)
    ndim = weight.dim() - 2 if weight is not None and weight.dim() > 2 else 2
    given = whole("input", size)
    sizes = given if isinstance(given, tuple) else (given,) * ndim
    if channels is None:
        channels = getattr(first, "in_channels", 3)
    if min((channels, *sizes), default=1) < 1:
        raise ValueError(f"an input of {channels} channels and size {by_axis(sizes)} has no positions: at least 1 each")
    if max((channels, *sizes)) > LONGEST:
        too_large = f"an input of {channels} channels and size {by_axis(sizes)} is too large to follow"
        raise ValueError(f"{too_large}: at most {LONGEST:,} each")
    return channels, sizes


def cells(field: Field) -> tuple[str, str, str, str]:
    """Stride, receptive field, effective padding and centre; of phases the widest field and the first one's place."""
    found = [field.of(axis) for axis in range(len(field.spans))]
    whole = "≤ all" if field.guessed else "all"
    if not any(found):
        return "", whole if any(field.spans) else "none", "", ""
    extent = by_axis(max(axis.lengths) if axis else "all" if span else "none" for axis, span in zip(found, field.spans))
    return (
        by_axis(axis.stride if axis else "–" for axis in found),
        f"{whole} ({extent})" if any(field.spans) else extent,
        by_axis(-axis.ends[0][0] if axis and axis.ends[0] else "–" for axis in found),
        by_axis(shown(Fraction(sum(axis.ends[0]), 2)) if axis and axis.ends[0] else "–" for axis in found),
    )


def _table(path: Path, object_size: int | None) -> str:
    layers = [row for row in path.rows if not row.passing]
    rows = [(row.name, size(row.output_shape[1:]), *cells(row.field)) for row in layers]
    if object_size is None:
        return aligned([HEADING, *rows])
    compared = [_compared(row.field, object_size) for row in layers]
    nearest = min((each for each in compared if each), key=lambda each: abs(each - 2), default=None)
    more = [f"{float(each):.2f}{' *' if each == nearest else '  '}" if each else "" for each in compared]
    heading = (*HEADING, f"field / {object_size}  ")
    note = "* nearest to 2: a receptive field about twice as large as the object is said to be best"
    return "\n".join([aligned([heading, *((*row, cell) for row, cell in zip(rows, more))]), note])


def _compared(field: Field, object_size: int) -> Fraction | None:
    """The smallest axis' receptive field over the object's size; None where all is seen."""
    found = [field.of(axis) for axis in range(len(field.spans))]
    lengths = [max(axis.lengths) for axis in found if axis]
    return Fraction(min(lengths), object_size) if len(lengths) == len(found) else None


def last_row(path: Path) -> Row | None:
    """The last row whose units still have places on every axis."""
    placed = [row for row in path.rows if not row.passing and all(map(row.field.of, range(len(row.field.spans))))]
    return placed[-1] if placed else None


def _last(path: Path) -> list[str]:
    row = last_row(path)
    if not path.rows and not path.lost:
        return ["no layer reads a window: each unit sees its own position alone"]
    if row is None:
        return ["no layer keeps the positions of the input"]
    stride, extent, padding, _ = cells(row.field)
    return [f"last map: {row.name}, receptive field {extent}, stride {stride}, effective padding {padding}"]


def _chosen(path: Path, name: str) -> tuple[Field, tuple[int, ...]]:
    for row in path.rows:
        if row.name == name:
            return row.field, row.output_shape
    if name in path.modules:
        return path.modules[name]
    raise unknown(name, [*(row.name for row in path.rows), *filter(None, path.modules)], "layer")
