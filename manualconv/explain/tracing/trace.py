"""What a layer does, step by step: which cells each pass reads, what it multiplies, and where the products go.

All passes are one list of terms.  With i = s·p + d·k − a the trilinear form

    T(x, w, y) = Σ x[n, (g c), i] · w[(g o), c, k] · y[n, (g o), p]

has three slots; a pass writes one of them and reads the other two:

    forward         y  from x, w       convolution; into slot x where the layer is transposed
    input           dx from dy, w      scattered: each dy sends products into its window, the transposed convolution
    input-full      dx from dy, w      gathered: full convolution of dy with w rotated by 180°
    weight          dw from x, dy
    bias            db = Σ dy
    second-…        the passes of dx(w, dy) with a cotangent u, and of dw(x, dy) with a cotangent v

A pass is gathered, a step for each written cell, or scattered, a step for each cell y[p], whose products are added to
several cells.  Pooling has no w: its terms are x/D, or x·1 at the maximum and x·0 elsewhere.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, whose figures of the passes these are;
docs/SOURCES.md, B1 to B10.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from manualconv.explain.tracing.layer import Index, Layer, W, X, Y, indices
from manualconv.explain.tracing.operands import Border, Grid, Number, grid, mask, operands
from manualconv.explain.tracing.passes import KEYS, Pass, full, missing, of_layer
from manualconv.geometry import Window

if TYPE_CHECKING:
    from torch import Tensor


class Term(NamedTuple):
    """One product: the cells read, their numbers (0 in the padding), the divisor, and where it is added."""

    read: tuple[Index, ...]
    factors: tuple[Number, ...]
    to: Index
    product: Number
    over: int = 1


class Step(NamedTuple):
    """What happens at once: the cell it is about, its products, and what is there before them (a bias)."""

    at: Index
    terms: tuple[Term, ...]
    start: Number = 0

    @property
    def sum(self) -> Number:
        """Of everything; the written cell's number where the pass is gathered."""
        return self.start + sum(term.product for term in self.terms)


@dataclass(frozen=True)
class Trace:
    """A pass of a layer on its numbers.

    Attributes:
        layer, key: which pass of what.
        title: in words.
        read: the grids that are read; of max pooling the mask is the second, a number for every placement and tap.
        written: the grid that is written; its numbers are the sums of the products.
        steps: in row-major order of the cell that each is about.
        scatter: which grid in `read` the steps go through; None where they go through the written cells.
    """

    layer: Layer
    key: str
    title: str
    read: tuple[Grid, ...]
    written: Grid
    steps: tuple[Step, ...]
    scatter: int | None = None

    @cached_property
    def touched(self) -> tuple[frozenset[Index], ...]:
        """Per read grid, and last for the written one, the cells that some term reads or writes."""
        terms = [term for step in self.steps for term in step.terms]
        reads = [frozenset(term.read[n] for term in terms) for n in range(len(self.read))]
        return (*reads, frozenset(term.to for term in terms))

    def never(self, which: int) -> frozenset[Index]:
        """The cells of the `which`-th read grid, or of the written one for −1, that no term touches."""
        of = self.written if which == -1 else self.read[which]
        return frozenset(of.cells) - self.touched[which]

    def tensor(self) -> Tensor:
        """The written numbers, in double precision."""
        import torch

        values = [self.written.cells[cell] for cell in indices(self.written.size)]
        return torch.tensor(values, dtype=torch.float64).reshape(self.written.size)


def trace(layer: Layer, key: str = "forward", tensors: Mapping[str, Tensor] | None = None, seed: int = 0) -> Trace:
    """The steps of one pass.

    Args:
        layer: made by `manualconv.explain.make`.
        key: ``'forward'``, ``'input'``, ``'input-full'``, ``'weight'``, ``'bias'``, or one of second order, as
            ``'second-input-weight'``: the derivative by w of ⟨u, dx⟩.
        tensors: by letter, those that are not to be drawn: x and dy ``(N, C, *I)`` in the shapes of the layer's input
            and output, w ``(O, C/g, *K)``, b ``(O,)``, u and v in the shapes of x and w.  Axes of one entry in front
            may be left out.
        seed: of the small whole numbers that are drawn.

    Returns:
        The trace; the sums of its products are the pass.

    Raises:
        ValueError: a pass that the layer does not have, a tensor of another shape, or one with NaN or infinity, whose
            sums show nothing.
        TypeError: no tensor, or complex numbers.

    Example:
        >>> from torch import arange, ones
        >>> from manualconv.explain.tracing.layer import make
        >>> found = trace(make("conv", 4, 2, stride=2), "forward", {"x": arange(4.0), "w": ones(2)})
        >>> [step.sum for step in found.steps]
        [1, 5]
    """
    if key not in KEYS:
        raise ValueError(f"a pass is one of {', '.join(KEYS)}, not {key!r}: animate shows several at once")
    if (reason := missing(layer, key)) is not None:
        raise ValueError(f"{layer.kind} has no pass {key!r}: {reason}")
    held = operands(layer, tensors or {}, seed)
    if key == "bias":
        return _bias(layer, grid("dy", held["dy"]))
    what, turned, grids = of_layer(layer, key), layer, {}
    if key == "input-full":
        turned, stuffed, w = full(layer, held["dy"], held["w"])
        between = {c for c in indices(tuple(stuffed.shape)) if any(i % s for i, s in zip(c[2:], layer.window.stride))}
        (_, first), (_, second) = what.reads
        grids = {X: grid(first, stuffed, _border(turned.window), frozenset(between)), W: grid(second, w)}
    else:
        for slot, letter in what.reads:
            grids[slot] = grid(letter, held[letter], _border(layer.window) if slot == X else ())
    if layer.kind == "max_pool":
        grids[W] = mask(layer, grid("x", held["x"]))
    bias = held["b"].tolist() if key == "forward" and "b" in held else None
    return replace(_contract(turned, what, grids, bias), layer=layer)


def _border(window: Window) -> Border:
    """What there is to see of the padding: a negative side cuts off instead."""
    return tuple((max(a, 0), max(b, 0)) for a, b in window.padding)


def _terms(layer: Layer, slot: int, grids: dict[int, Grid], samples: int) -> Iterator[tuple[Index, Term]]:
    """Every term of T with the cell that its step is about: the written one, or y's where x is written."""
    over = layer.window.taps if layer.kind == "avg_pool" else 1
    for x, w, y in layer.places(samples):
        cells = (x, y + w[2:] if layer.is_pool else w, y)
        if layer.kind == "max_pool" and not all(0 <= i < size for i, size in zip(x[2:], layer.window.input_size)):
            continue  # the padding takes no part
        read = tuple(cells[s] for s in grids)
        factors = tuple(grids[s].cells.get(cell, 0) for s, cell in zip(grids, read))
        product = prod(factors) if over == 1 else prod(factors) / over
        yield cells[Y if slot == X else slot], Term(read, factors, cells[slot], product, over)


def _contract(layer: Layer, what: Pass, grids: dict[int, Grid], bias: list[Number] | None) -> Trace:
    """A pass: every term once, under its step, and the sums; `layer` is the one whose slots these are."""
    slot, letter = what.written
    samples = next(of.size[0] for s, of in grids.items() if s != W)
    size = layer.sizes(samples)[slot]
    sums = {cell: bias[cell[1]] if bias else 0 for cell in indices(size)}
    scatter = list(grids).index(Y) if slot == X else None
    starts = sums.copy() if scatter is None else {}
    terms: dict[Index, list[Term]] = defaultdict(list)
    for at, term in _terms(layer, slot, grids, samples):
        terms[at].append(term)
        if term.to in sums:  # else it falls on the padding and is lost
            sums[term.to] += term.product
    steps = tuple(Step(at, tuple(terms[at]), starts.get(at, 0)) for at in sorted(terms))
    written = Grid(letter, size, sums, _border(layer.window) if slot == X else ())
    return Trace(layer, what.key, what.title, tuple(grids.values()), written, steps, scatter)


def _bias(layer: Layer, dy: Grid) -> Trace:
    """``db[o] = Σ_n,p dy[n, o, p]``."""
    terms: dict[Index, list[Term]] = {at: [] for at in indices(dy.size[1:2])}
    for cell, value in dy.cells.items():
        terms[cell[1:2]].append(Term((cell,), (value,), cell[1:2], value))
    steps = tuple(Step(at, tuple(of)) for at, of in terms.items())
    written = Grid("db", dy.size[1:2], {step.at: step.sum for step in steps})
    return Trace(layer, "bias", "bias gradient", (dy,), written, steps)
