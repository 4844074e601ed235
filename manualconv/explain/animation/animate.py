"""A layer's passes as an animation, a sheet of its steps, and a page: they draw the trace and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING

from manualconv.explain.animation.explorer import SHOWN, page
from manualconv.explain.animation.layout import Layout
from manualconv.explain.figure import Figure
from manualconv.explain.tracing.layer import Layer
from manualconv.explain.tracing.operands import operands
from manualconv.explain.tracing.passes import keys_of
from manualconv.explain.tracing.trace import Trace, trace
from manualconv.explain.tracing.words import description, letters, relation, text, torch_line

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

#: Steps that one animation holds, steps that one sheet shows, products of a pass that are worth tracing.
FRAMES, SHEET, MOST = 200, 9, 100_000
#: The passes that one animation shows side by side.
BESIDE = ("forward", "input")
#: Milliseconds: a step, and the last one before it begins again.
PACE, REST = 900, 2500


def animate(
    layer: Layer,
    passes: str | Sequence[str] = "all",
    tensors: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    steps: slice = slice(None),
) -> Figure:
    """Passes of a layer, step by step.

    Args:
        layer: made by `manualconv.explain.make`.
        passes: keys of `manualconv.explain.trace`, or one of them, ``'second'`` or ``'all'``.
        tensors, seed: as `manualconv.explain.trace` takes them.
        steps: which steps of each pass.

    Returns:
        A figure whose text has every step's sum with its numbers, and whose files are a GIF and a PNG for each pass,
        a GIF with the forward pass beside the input gradient, which go through the same cells of y, and one HTML page
        for the layer.

    Raises:
        ValueError: a pass that the layer has not, tensors that do not fit, or more steps than can be shown.

    Example:
        >>> import torch
        >>> from manualconv.explain import animate, make
        >>> figure = animate(make("conv", 2, 2), "weight", {"x": torch.tensor([1, 2]), "dy": torch.tensor([3])})
        >>> print(str(figure).splitlines()[-1])
            step 1   dw[1] = 2·3 = 6
        >>> paths = figure.save("pictures")  # doctest: +SKIP
    """
    return figure(layer, list(traced(layer, passes, tensors, seed)), tensors or {}, seed, steps)


def traced(
    layer: Layer, passes: str | Sequence[str] = "all", tensors: Mapping[str, Tensor] | None = None, seed: int = 0
) -> Iterator[Trace]:
    """The traces of passes, one after another, if they are not too long for anyone.

    Raises:
        ValueError: more products or cells than a reader follows, a pass that is not there, tensors that do not fit.
    """
    wishes = (passes,) if isinstance(passes, str) else passes
    keys = dict.fromkeys(key for wish in wishes for key in keys_of(layer, wish))
    window = layer.window
    products = window.placements * window.taps * layer.channels // window.groups * layer.filters
    spread = (layer.filters, *(s * (p - 1) + 1 for s, p in zip(window.stride, window.output_size)))
    cells = max(map(prod, (*layer.sizes(), *([spread] if "input-full" in keys else []))))
    for count, what in ((products, "products in a pass"), (cells, "cells in a tensor")):
        if count > MOST:
            raise ValueError(f"{description(layer)} has {count:,} {what}, and {MOST:,} are traced at most: give less")
    for key in keys:
        yield trace(layer, key, tensors, seed)


def figure(
    layer: Layer, traces: Sequence[Trace], tensors: Mapping[str, Tensor], seed: int, steps: slice = slice(None)
) -> Figure:
    """The figure of traces that are made.

    Raises:
        ValueError: `steps` that a pass does not have.
    """
    for found in traces:
        if not range(len(found.steps))[steps]:
            last = len(found.steps) - 1
            raise ValueError(f"the pass {found.key!r} has the steps 0 to {last}, none of which is asked for")
    name = description(layer)
    head = "\n    ".join([name, relation(layer), *letters(traces), torch_line(layer)])
    words = f"{head}\n{text(traces, steps)}"
    files: dict[str, Callable[[], bytes]] = {}
    for found in traces:
        files[f"{layer.kind}-{found.key}.gif"] = partial(gif, [found], steps)
        files[f"{layer.kind}-{found.key}.png"] = partial(sheet, found, steps)
    both = sorted((found for found in traces if found.key in BESIDE), key=lambda found: BESIDE.index(found.key))
    if len(both) == 2 and len(both[0].steps) == len(both[1].steps):
        files[f"{layer.kind}.gif"] = partial(gif, both, steps)
    keys = [found.key for found in traces]
    shown = SHOWN if len(keys) == len(keys_of(layer)) else (*SHOWN, *keys)
    files[f"{layer.kind}.html"] = lambda: page(layer, operands(layer, tensors, seed), shown)
    return Figure(name, words, files)


def check_pictures(found: Trace, steps: slice) -> None:
    """Refuse what cannot be drawn, before anything is.

    Raises:
        ValueError: too many cells or axes for a picture, too many steps for an animation.
    """
    Layout(found)
    _chosen(found, steps)


def _chosen(found: Trace, steps: slice) -> range:
    """The steps of an animation.

    Raises:
        ValueError: too many of them.
    """
    chosen = range(len(found.steps))[steps]
    if len(chosen) > FRAMES:
        raise ValueError(
            f"{len(chosen)} steps of the pass {found.key!r} are asked for, and an animation holds {FRAMES} at most: "
            f"show a part of them, as --pass {found.key} --steps {chosen[0]}:{chosen[0] + FRAMES}"
        )
    return chosen


def gif(traces: Sequence[Trace], steps: slice = slice(None)) -> bytes:
    """An animation that goes round: a picture a step of traces side by side, the last one longer.

    Each picture has only the points that changed.

    Raises:
        ValueError: too many steps, or cells.
    """
    from manualconv.explain.animation.drawing import Board

    chosen, boards = _chosen(traces[0], steps), [Board(found) for found in traces]
    first, *more = (_page([[board.frame(n) for board in boards]]) for n in chosen)
    pace = [PACE] * len(more) + [REST]
    buffer = BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=more, duration=pace, loop=0, optimize=True)
    return buffer.getvalue()


def _page(rows: Sequence[Sequence[Image]]) -> Image:
    """Pictures in rows, in few colours, which are the same on every page."""
    from PIL import Image

    from manualconv.explain.animation.cells import PAPER, palette

    heights = [max(image.height for image in row) for row in rows]
    page = Image.new("RGB", (max(sum(image.width for image in row) for row in rows), sum(heights)), PAPER)
    for n, row in enumerate(rows):
        left = 0
        for image in row:
            page.paste(image, (left, sum(heights[:n])))
            left += image.width
    return page.quantize(palette=palette(), dither=Image.Dither.NONE)


def sheet(found: Trace, steps: slice = slice(None)) -> bytes:
    """Steps side by side, evenly chosen with the first and the last if there are many; one step alone is larger."""
    from manualconv.explain.animation.drawing import Board

    chosen = range(len(found.steps))[steps]
    board, count = Board(found, chosen), min(len(chosen), SHEET)
    shown = [chosen[round(n * (len(chosen) - 1) / max(count - 1, 1))] for n in range(count)]
    images = [board.frame(n) for n in shown]
    columns = min(count, 3 if images[0].width < 960 else 2 if images[0].width < 1150 else 1)
    buffer = BytesIO()
    _page([images[n : n + columns] for n in range(0, count, columns)]).save(buffer, "PNG")
    return buffer.getvalue()
