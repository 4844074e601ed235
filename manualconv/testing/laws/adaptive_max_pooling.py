"""Laws of adaptive max pooling beyond those of any operation: the positions that it gives beside the values.

An implementation takes x, the output's size and ``return_indices``, and returns values and flat positions in an image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv.testing.cases import AdaptivePooling, adaptive_poolings
from manualconv.testing.laws.law import Laws

Layer = Callable[..., tuple[Tensor, Tensor]]
LAWS = Laws(st.sampled_from((2, 1, 3)).flatmap(adaptive_poolings))
law = LAWS.law


def ends(length: int, parts: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Where the intervals of an axis begin, and where they have ended: ``⌊p·I/P⌋`` and ``⌈(p + 1)·I/P⌉``."""
    p = torch.arange(parts, device=like.device)
    return p * length // parts, ((p + 1) * length + parts - 1) // parts


@law("A1")
def indices_name_the_maximum_inside_the_interval(pool: Layer, case: AdaptivePooling) -> None:
    """As whole numbers of torch.int64, in rows of the image as it is."""
    x = case.unbatch(case.input())
    found: Any = pool(x, case.said, return_indices=True)
    values, index = found
    assert index.dtype == torch.int64
    assert index.shape == values.shape
    lead = x.dim() - case.ndim
    assert ((index >= 0) & (index < x[(0,) * lead].numel() if x.numel() else index >= 0)).all()
    assert torch.equal(x.flatten(lead).gather(-1, index.flatten(lead)), values.flatten(lead))
    for axis in reversed(range(case.ndim)):
        length = case.input_size[axis]
        first, last = (
            t.reshape(-1, *(1,) * (case.ndim - 1 - axis)) for t in ends(length, case.output_size[axis], index)
        )
        assert ((first <= index % length) & (index % length < last)).all()
        index = index // length
