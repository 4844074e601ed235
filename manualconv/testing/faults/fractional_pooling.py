"""Faults of fractional max pooling and of unpooling: torch's, called wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import going_back

POOL: dict[int, Callable[..., Any]] = {2: F.fractional_max_pool2d, 3: F.fractional_max_pool3d}


def with_samples(ndim: int, change: Callable[[Tensor], Tensor | None]) -> Callable[..., Any]:
    """torch's, with other random places."""

    def layer(input: Tensor, kernel_size: Any, _random_samples: Tensor | None = None, **options: Any) -> Any:
        samples = None if _random_samples is None else change(_random_samples)
        return POOL[ndim](input, kernel_size, _random_samples=samples, **options)

    return layer


def _tripled_ties(input: Tensor, kernel_size: Any, **options: Any) -> Any:
    return F.fractional_max_pool2d(going_back(input, lambda g: g.sign()), kernel_size, **options)


FAMILY, SOURCE = "fractional pooling", "Graham's pseudo-random sequence, one u a sample, channel and axis"
plant(
    FAMILY,
    "fractional_max_pool2d",
    ("places of the axes exchanged", with_samples(2, lambda u: u.flip(-1)), SOURCE),
    ("places of the first channel for all", with_samples(2, lambda u: u[:, :1].expand(u.shape)), SOURCE),
    ("places of the first sample for all", with_samples(2, lambda u: u[:1].expand(u.shape)), SOURCE),
    ("places of its own", with_samples(2, lambda u: None), "samples that are given and not read"),
    ("a mean of the places", with_samples(2, lambda u: torch.full_like(u, 0.5)), SOURCE),
    ("the sign of its gradient", _tripled_ties, "signs sent back for numbers"),
)
plant(
    FAMILY,
    "fractional_max_pool3d",
    ("places of the first sample for all", with_samples(3, lambda u: u[:1].expand(u.shape)), SOURCE),
    ("places of the axes rotated", with_samples(3, lambda u: u.roll(1, -1)), SOURCE),
)
