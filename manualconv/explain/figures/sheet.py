"""What pictures are drawn on: one sheet measured in cells, x to the right and y downwards, with grids of numbers.

Everything on a `Sheet` has its place in cells, so that nothing overlaps by chance.  Colours differ in lightness, and
what they mean is also written or framed: a picture can be read without colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from manualconv.explain.figure import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

#: From light to dark; a number on one of the last two is written in white.
PAPER, PALE, LIGHT, MIDDLE, DARK = "#ffffff", "#e8eef4", "#b9d0e6", "#5b8db8", "#1d3f5e"
FRAME, INK, QUIET = "#c2410c", "#111111", "#8a8f94"
SHADES = (PAPER, PALE, LIGHT, MIDDLE, DARK)
Cell = tuple[int, int]
Mark = Callable[[Any], None]


def on(shade: str) -> str:
    """The colour of words on a shade: white on a dark one."""
    red, green, blue = (int(shade[at : at + 2], 16) for at in (1, 3, 5))
    return INK if 0.2989 * red + 0.5870 * green + 0.1140 * blue > 140 else PAPER


def shade_of(value: float, largest: float) -> str:
    """A shade for 0 … largest, the larger the darker."""
    return SHADES[min(len(SHADES) - 1, round((len(SHADES) - 1) * value / largest))] if largest > 0 else PAPER


@dataclass
class Sheet:
    """A sheet of ``width`` by ``height`` cells.

    Attributes:
        width, height: its size in cells.
        title: what stands above everything.
        cell: inches of a cell.
    """

    width: float
    height: float
    title: str = ""
    cell: float = 0.5
    marks: list[Mark] = field(default_factory=list)

    def words(self, x: float, y: float, text: str, size: float = 11, align: str = "left", **more: Any) -> None:
        """Words whose left end, middle or right end lies at (x, y)."""
        style = {"fontsize": size, "ha": align, "va": "center", "color": INK} | more
        self.marks.append(lambda axes: axes.text(x, y, text, **style))

    def grid(
        self,
        x: float,
        y: float,
        rows: Sequence[Sequence[object]],
        name: str = "",
        fill: Mapping[Cell, str] | None = None,
        frame: Iterable[Cell] = (),
        base: str = PAPER,
        size: float = 11,
    ) -> None:
        """Cells with what they hold, the upper left corner at (x, y); `name` stands above.

        `fill` shades single cells and `base` the others; those of `frame` are drawn with a thick border.
        """
        fill = fill or {}
        if name:
            self.words(x, y - 0.4, name)
        for r, row in enumerate(rows):
            for c, held in enumerate(row):
                shade = fill.get((r, c), base)
                self.box(x + c, y + r, 1, 1, shade)
                text = str(held)
                if text:
                    fitted = min(size, size * 3.4 / len(text)) if len(text) > 3 else size
                    self.words(x + c + 0.5, y + r + 0.52, text, fitted, "center", color=on(shade))
        for r, c in frame:
            self.box(x + c + 0.06, y + r + 0.06, 0.88, 0.88, None, FRAME, 2.2)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        shade: str | None = None,
        edge: str = QUIET,
        line: float = 0.8,
    ) -> None:
        """A rectangle: filled, or its border alone."""
        self.marks.append(partial(_rectangle, (x, y, width, height), shade, edge, line))

    def line(
        self, xs: Sequence[float], ys: Sequence[float], colour: str = INK, width: float = 1.2, style: str = "-"
    ) -> None:
        """A line through points."""
        self.marks.append(lambda axes: axes.plot(xs, ys, color=colour, linewidth=width, linestyle=style))

    def arrow(self, start: tuple[float, float], end: tuple[float, float], colour: str = INK) -> None:
        """An arrow."""
        shape = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0}
        self.marks.append(lambda axes: axes.annotate("", xy=end, xytext=start, arrowprops=shape))

    def picture(
        self, x: float, y: float, width: float, height: float, values: Any, title: str = "", **more: Any
    ) -> None:
        """An image that fills a rectangle, its title above."""
        if title:
            self.words(x, y - 0.4, title)
        self.marks.append(lambda axes: axes.imshow(values, extent=(x, x + width, y + height, y), aspect="auto", **more))
        self.box(x, y, width, height)

    def drawn(self) -> Drawing:
        """As a figure of matplotlib."""
        from matplotlib.figure import Figure as Drawing

        above = 1.0 if self.title else 0.0
        size = (self.cell * self.width, self.cell * (self.height + above))
        drawing = Drawing(figsize=size, facecolor=PAPER)
        axes = drawing.add_axes((0, 0, 1, 1))
        for mark in self.marks:
            mark(axes)
        if self.title:
            axes.text(0.5, -0.45, self.title, fontsize=13, fontweight="bold", ha="left", va="center", color=INK)
        axes.set(xlim=(0, self.width), ylim=(self.height, -above))
        axes.axis("off")
        return drawing

    def png(self) -> bytes:
        """As the bytes of a PNG."""
        return png(self.drawn())


def _rectangle(place: tuple[float, float, float, float], shade: str | None, edge: str, line: float, axes: Any) -> None:
    from matplotlib.patches import Rectangle

    x, y, width, height = place
    axes.add_patch(Rectangle((x, y), width, height, facecolor=shade or "none", edgecolor=edge, linewidth=line))
