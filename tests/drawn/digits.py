"""A drawn digit: font, size, polarity, place, light and noise are functions of a few numbers.

The fonts are those that matplotlib brings, so that every machine has the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSerif",
    "STIXGeneral",
    "STIXGeneralItalic",
    "cmss10",
    "cmtt10",
)
SIZES = (60, 150, 500)
PAPER, INK = 0.85, 0.15
SPREAD, NOISE = 0.4, 0.05  # of the light from one side to the other, and of a pixel


@dataclass(frozen=True)
class Drawn:
    """One picture of SIDE × SIDE pixels."""

    digit: int
    font: str
    side: int
    white_on_black: bool

    def image(self, spread: float = SPREAD, noise: float = NOISE) -> Image.Image:
        """The digit somewhere in the picture, a third to two thirds as high, lit from one side."""
        drawing = np.random.default_rng([self.digit, FONTS.index(self.font), self.side, self.white_on_black])
        font = ImageFont.truetype(font_file(self.font), int(self.side * drawing.uniform(0.4, 0.75)))
        page = Image.new("L", (self.side, self.side), 0)
        left, top, right, bottom = ImageDraw.Draw(page).textbbox((0, 0), str(self.digit), font=font)
        margin = max(2, self.side // 20)
        x, y = (
            int(drawing.integers(margin, max(margin + 1, self.side - extent - margin)))
            for extent in (right - left, bottom - top)
        )
        ImageDraw.Draw(page).text((x - left, y - top), str(self.digit), fill=255, font=font)
        ink = np.asarray(page) / 255
        levels = PAPER + (INK - PAPER) * ink if not self.white_on_black else INK + (PAPER - INK) * ink
        angle, ramp = drawing.uniform(0, 2 * np.pi), np.linspace(-1, 1, self.side)
        light = 1 + spread * (np.cos(angle) * ramp[:, None] + np.sin(angle) * ramp) / np.sqrt(2)
        levels = levels * light / (1 + spread) + noise * drawing.standard_normal(levels.shape)
        return Image.fromarray(np.rint(255 * levels.clip(0, 1)).astype(np.uint8))


def font_file(name: str) -> str:
    """Where matplotlib has a font."""
    return str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"))


def every() -> Iterator[Drawn]:
    """Each digit in each font, size and polarity."""
    for font in FONTS:
        for side in SIZES:
            for white_on_black in (False, True):
                for digit in range(10):
                    yield Drawn(digit, font, side, white_on_black)
