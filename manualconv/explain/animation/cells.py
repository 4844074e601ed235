"""How a cell is drawn: each state has a colour, and an edge or a pattern too, to be read without colour.  Pillow."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

Box = tuple[int, int, int, int]
INK, QUIET, FAINT, HATCH, PAPER = (20,) * 3, (90,) * 3, (115,) * 3, (190,) * 3, (255,) * 3


class Look(NamedTuple):
    """Of a state: its words in the legend, if any, what fills the cell, its edge, and what is drawn over it."""

    words: str
    fill: tuple[int, int, int] = PAPER
    edge: tuple[int, int, int] = (170, 170, 170)
    line: str = "thin"
    pattern: str = ""
    text: tuple[int, int, int] = INK


LOOKS = {
    "plain": Look(""),
    "first": Look("read: first factor", (214, 232, 247), (0, 96, 168), "thick"),
    "second": Look("read: second factor", (253, 231, 190), (190, 110, 0), "dashed"),
    "written": Look("written now", (205, 238, 224), (0, 120, 88), "double"),
    "winner": Look("the maximum", (205, 238, 224), (0, 120, 88), "double"),
    "padding": Look("padding", (243, 243, 243), (185, 185, 185), "thin", "hatch", FAINT),
    "lost": Look("falls on the padding: lost", (243, 243, 243), (0, 120, 88), "dashed", "hatch", FAINT),
    "padding read": Look("padding, read as 0", (225, 233, 241), (0, 96, 168), "thick", "hatch"),
    "stuffed": Look("zero put between", (243, 243, 243), (185, 185, 185), "thin", "dots", FAINT),
    "stuffed read": Look("zero put between, read", (225, 233, 241), (0, 96, 168), "thick", "dots"),
    "never": Look("in no window", (236, 236, 236), (185, 185, 185), "thin", "cross", FAINT),
    "empty": Look(""),
}


@cache
def font(size: int, bold: bool = False) -> FreeTypeFont:
    """matplotlib brings DejaVu Sans, which has the signs of the equations."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


@cache
def palette() -> Image:
    """The colours of every picture and, for smooth letters, steps between each ink and what it lies on."""
    from PIL import Image

    mixed = {
        tuple((a * n + b * (5 - n)) // 5 for a, b in zip(ink, look.fill)): None
        for look in LOOKS.values()
        for ink in (INK, QUIET, FAINT, look.edge, HATCH)
        for n in range(6)
    }
    image = Image.new("P", (1, 1))
    image.putpalette([part for colour in mixed for part in colour])
    return image


def _pattern(draw: ImageDraw, box: Box, pattern: str) -> None:
    left, top, right, bottom = box
    size = right - left
    if pattern == "hatch":
        for start in range(6, 2 * size, 7):
            low, high = max(0, start - size), min(start, size)
            draw.line((left + low, top + high, left + high, top + low), HATCH)
    elif pattern == "cross":
        draw.line((left, top, right, bottom), FAINT)
        draw.line((left, bottom, right, top), FAINT)
    elif pattern == "dots":
        for x in range(left + 4, right, 6):
            for y in range(top + 4, bottom, 6):
                draw.point((x, y), FAINT)


def _edge(draw: ImageDraw, box: Box, look: Look) -> None:
    left, top, right, bottom = box
    if look.line == "dashed":
        for along in range(0, right - left, 8):
            for y in (top, bottom - 2):
                draw.rectangle((left + along, y, min(left + along + 4, right), y + 2), look.edge)
            for x in (left, right - 2):
                draw.rectangle((x, top + along, x + 2, min(top + along + 4, bottom)), look.edge)
        return
    draw.rectangle(box, outline=look.edge, width=3 if look.line == "thick" else 1)
    if look.line == "double":
        draw.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline=look.edge)
        draw.rectangle((left + 4, top + 4, right - 4, bottom - 4), outline=look.edge)


@cache
def cell(size: int, state: str, text: str = "", corner: str = "") -> Image:
    """A square with a number in the middle, and a small one under it: what it is multiplied by, or what is added."""
    from PIL import Image, ImageDraw

    look, box, middle = LOOKS[state], (0, 0, size - 1, size - 1), (size - 1) / 2
    image = Image.new("RGB", (size, size), look.fill)
    draw = ImageDraw.Draw(image)
    _pattern(draw, box, look.pattern)
    _edge(draw, box, look)
    if text:
        large = _fitting(text, size * 2 // 5, size - 8, False)
        draw.text((middle, middle - (size // 7 if corner else 0)), text, look.text, large, "mm")
    if corner:
        small = _fitting(corner, size // 4, size - 8, True)
        draw.text((middle, size - size // 4 + 1), corner, look.edge, small, "mm")
    return image


def _fitting(text: str, most: int, width: int, bold: bool) -> FreeTypeFont:
    """The largest font up to `most` in which a text is no wider."""
    return next(font(n, bold) for n in range(most, 0, -1) if n <= 6 or font(n, bold).getlength(text) <= width)
