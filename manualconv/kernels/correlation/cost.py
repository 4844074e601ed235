"""What a map costs: its sizes, and the rates that a cost is estimated with.

    cost = multiplications · RATE + bytes moved · COPY + calls · CALL            nanoseconds on one core

The rates are those of an AVX2 core at about 3 GHz.  They are compared with each other only, so that a faster machine of
the same kind chooses alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch

from manualconv.geometry import Window

#: Nanoseconds for one multiplication and addition in a large matrix product, by bytes of a number.
RATE = {4: 0.025, 8: 0.05, 16: 0.2}
#: Nanoseconds to read and write one byte of a few megabytes.
COPY = 0.1
#: Nanoseconds to call one torch operation.
CALL = 2000.0
#: Outputs a group from which on a matrix product runs at its full rate; with fewer it is slower in proportion.
WIDE = 32
#: Columns of a product from which on its filters are read as fast as they are multiplied; with fewer it takes longer in
#: proportion.
COLUMNS = 112

MAPS = ("output", "input", "weight")


@dataclass(frozen=True)
class Sizes:
    """What an algorithm is asked about: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``.

    Attributes:
        batch, channels, outputs: N, C and O.
        dtype: of all three.
        window: the rest.
    """

    batch: int
    channels: int
    outputs: int
    dtype: torch.dtype
    window: Window

    @property
    def item(self) -> int:
        """Bytes of a number."""
        return self.dtype.itemsize

    @property
    def multiplications(self) -> int:
        """Of each of the three maps, computed directly."""
        window = self.window
        return self.batch * self.outputs * (self.channels // window.groups) * window.taps * window.placements

    @property
    def input_bytes(self) -> int:
        """x with its padding."""
        return self.batch * self.channels * prod(self.window.padded_size) * self.item

    @property
    def output_bytes(self) -> int:
        """y."""
        return self.batch * self.outputs * self.window.placements * self.item

    @property
    def image_bytes(self) -> int:
        """All windows of one image."""
        return self.channels * self.window.taps * self.window.placements * self.item

    @property
    def row_bytes(self) -> int:
        """The windows of all axes but the first, for every row of the padded input."""
        window = self.window
        columns = prod(window.kernel_size[1:]) * prod(window.output_size[1:])
        return window.padded_size[0] * self.channels * columns * self.batch * self.item

    def product(self, multiplications: float, width: int, columns: float = COLUMNS) -> float:
        """The time of matrix products whose filters' narrowest side is `width`, each with `columns` to multiply."""
        slower = max(1.0, WIDE / max(width, 1)) * max(1.0, COLUMNS / max(columns, 1))
        return multiplications * RATE.get(self.item, RATE[4]) * slower
