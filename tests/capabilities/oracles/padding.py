"""Padding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from tests.capabilities.oracles.places import Shape


def padding(pads: Shape, mode: str, value: float = 0.0) -> Callable[[Tensor], Tensor]:
    """numpy's padding of the positions says where each entry comes from."""
    modes = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "constant": "constant"}

    def apply(x: Tensor) -> Tensor:
        lead = x.dim() - len(pads) // 2
        sides = [(0, 0)] * lead + [(pads[n], pads[n + 1]) for n in range(len(pads) - 2, -1, -2)]
        positions = np.arange(1, x.numel() + 1).reshape(x.shape)
        places = torch.from_numpy(np.pad(positions, sides, modes[mode]))  # 0 where the constant stands
        source = torch.cat([torch.full((1,), value, dtype=x.dtype), x.reshape(-1)])
        return source[places.reshape(-1)].reshape(places.shape)

    return apply
