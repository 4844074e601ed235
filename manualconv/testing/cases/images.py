"""What every layer of images is drawn with beside its own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv.testing.cases.tensors import FILLS, filled, laid_out
from manualconv.testing.cases.windows import BATCHES, LAYOUTS_OF_TWO, SEEDS


@dataclass(frozen=True)
class Images:
    """Samples of channels: how many, what an input is filled with, how it and a cotangent lie in memory."""

    batch: int | None  # None: unbatched
    channels: int
    fill: str
    layouts: tuple[str, str]
    seed: int

    def of_size(
        self, size: tuple[int, ...], which: int, dtype: torch.dtype = torch.float64, seed: int | None = None
    ) -> Tensor:
        """``(N, C, *size)``, with a batch of 1 where there is none: an input if `which` is 0, else a cotangent."""
        generator = torch.Generator().manual_seed(self.seed + (which if seed is None else seed))
        size = (1 if self.batch is None else self.batch, self.channels, *size)
        fill = "small" if which else self.fill
        return laid_out(filled(fill, size, generator).to(dtype), self.layouts[which])

    def unbatch(self, t: Tensor) -> Tensor:
        """t without its batch axis if the layer is unbatched."""
        return t[0] if self.batch is None else t

    def in_memory(self, x: Tensor, cotangent: Tensor) -> dict[str, bool]:
        """What this draw exercises, of an input and a cotangent."""
        return {
            "ties": prod(x.shape) > len(x.unique()),
            "non-contiguous x": not x.is_contiguous(),
            "non-contiguous cotangent": not cotangent.is_contiguous(),
            "channels_last": "channels_last" in self.layouts,
            "one channel": self.channels == 1,
            "no samples": self.batch == 0,
            "unbatched": self.batch is None,
        }


def images(draw: st.DrawFn, channels: tuple[int, ...] = (2, 1, 3)) -> dict[str, Any]:
    """Any."""
    return {
        "batch": draw(st.sampled_from(BATCHES)),
        "channels": draw(st.sampled_from(channels)),
        "fill": draw(st.sampled_from(FILLS)),
        "layouts": draw(LAYOUTS_OF_TWO),
        "seed": draw(SEEDS),
    }
