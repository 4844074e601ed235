"""Where the cells of a trace stand on a page: each grid's planes, their borders, one size of cell for all.

A plane is what a grid has on its spatial axes, one for every entry of the axes in front.  Channels stand below each
other; a weight has its filters side by side.  Of max pooling's mask only the placement of the step is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from manualconv.explain.tracing.layer import Index, indices
from manualconv.explain.tracing.trace import Trace

WIDTH, HEIGHT = 1300, 900
LEAST, MOST = 22, 50
MARGIN, GAP, TOP, BETWEEN = 18, 52, 118, 42
UNDRAWN = "without --out all steps are printed"
WEIGHTS = ("w", "w rotated", "v", "dw", "ddw")


class Plane(NamedTuple):
    """The grid it is of, the axes in front, and its upper left corner."""

    which: int
    lead: Index
    left: int
    top: int


class Layout:
    """The planes of a trace's grids, the written one last, with cells as large as the page allows.

    Raises:
        ValueError: more cells than fit, or more than two spatial axes.
    """

    def __init__(self, trace: Trace) -> None:
        self.ndim = trace.layer.window.ndim
        if self.ndim > 2:
            raise ValueError(f"a picture has one or two axes, this layer has {self.ndim}: {UNDRAWN}")
        self.grids = (*trace.read, trace.written)
        for self.size in range(MOST, LEAST - 1, -2):
            self.planes = list(self._planes())
            if self.right <= WIDTH and self.bottom <= HEIGHT:
                return
        raise ValueError(
            f"the pass {trace.key!r} has more cells than a picture of {WIDTH} x {HEIGHT} points shows: "
            f"give a smaller input, or fewer channels and filters; {UNDRAWN}"
        )

    def spatial(self, which: int) -> Index:
        """The sizes of a grid's planes: of a mask the kernel's, of a bias gradient none."""
        size = self.grids[which].size
        return size[len(size) - self.ndim :] if len(size) > 1 else ()

    def frame(self, which: int) -> tuple[Index, Index]:
        """Rows and columns of a plane with its border, and where its first own cell is."""
        pads = self.grids[which].border or ((0, 0),) * self.ndim
        sizes = tuple(a + n + b for n, (a, b) in zip(self.spatial(which), pads))
        starts = tuple(a for (a, _), _ in zip(pads, sizes))
        missing = 2 - len(sizes)
        return (1,) * missing + sizes, (0,) * missing + starts

    def leads(self, which: int) -> list[tuple[Index, int, int]]:
        """The axes in front of each plane, and its row and column among the planes."""
        grid = self.grids[which]
        if grid.letter == "mask":
            return [((), 0, 0)]
        sizes = grid.size[: len(grid.size) - len(self.spatial(which))]
        if grid.letter in WEIGHTS:
            return [(at, at[1], at[0]) for at in indices(sizes)]
        return [(at, row, 0) for row, at in enumerate(indices(sizes))]

    def _planes(self) -> Iterator[Plane]:
        left = MARGIN + 14
        for which in range(len(self.grids)):
            (rows, columns), _ = self.frame(which)
            leads = self.leads(which)
            step = columns * self.size + 28
            for lead, row, column in leads:
                yield Plane(which, lead, left + column * step, TOP + row * (rows * self.size + BETWEEN))
            left += (max(column for *_, column in leads) + 1) * step - 28 + GAP

    def ends(self, plane: Plane) -> tuple[int, int]:
        """The lower right corner of a plane."""
        (rows, columns), _ = self.frame(plane.which)
        return plane.left + columns * self.size, plane.top + rows * self.size

    @property
    def right(self) -> int:
        """Of all planes."""
        return max(self.ends(plane)[0] for plane in self.planes)

    @property
    def bottom(self) -> int:
        """Of all planes."""
        return max(self.ends(plane)[1] for plane in self.planes)

    def cells(self, plane: Plane) -> Iterator[tuple[Index, tuple[int, int], tuple[int, int]]]:
        """A plane's cells, the border's too: index, row and column from its first own cell, and place."""
        (rows, columns), (up, before) = self.frame(plane.which)
        kept = len(self.spatial(plane.which))
        for at in indices((rows, columns)):
            y, x = plane.top + at[0] * self.size, plane.left + at[1] * self.size
            place = (at[0] - up, at[1] - before)
            yield plane.lead + place[2 - kept :], place, (x, y)
