"""What tensors are filled with and how they lie in memory: the two things about them that a seed does not say."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

#: Besides these there is "distinct": whole numbers 4 apart, no two of them equal.
FILLS = ("small", "sparse", "ties", "powers", "one-hot", "negative")
LAYOUTS = ("contiguous", "transposed", "sliced", "expanded", "channels_last")


def filled(fill: str, size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Integers so small that sums of thousands of products are exact in float32."""
    numbers = torch.randint(-3, 4, size, generator=generator)
    if fill == "sparse":
        return numbers * (torch.rand(size, generator=generator) < 0.3)
    if fill == "ties":
        return torch.where(numbers > 0, 2, -1)
    if fill == "powers":
        return torch.sign(numbers) * 2 ** torch.randint(0, 4, size, generator=generator)
    if fill == "negative":
        return -1 - numbers.abs()
    if fill == "distinct":
        return 4 * torch.randperm(numbers.numel(), generator=generator).reshape(size) - 2 * numbers.numel()
    if fill == "one-hot":
        numbers = torch.zeros(size, dtype=torch.int64)
        if numbers.numel():
            place = int(torch.randint(numbers.numel(), (), generator=generator))
            numbers.view(-1)[place] = 1
    return numbers


def laid_out(t: Tensor, layout: str) -> Tensor:
    """The same shape in another arrangement of memory; the same numbers too, except for "expanded"."""
    if layout == "transposed":
        backwards = tuple(reversed(range(t.dim())))
        return t.permute(backwards).contiguous().permute(backwards)
    if layout == "sliced":
        buffer = t.new_full((*t.shape[:-1], 2 * t.shape[-1] + 1), 99)
        buffer[..., 1::2] = t
        return buffer[..., 1::2]
    if layout == "expanded":
        return t[:1].expand(t.shape)
    if layout == "channels_last":
        return t.movedim(1, -1).contiguous().movedim(-1, 1)
    return t.contiguous()


def unshared(layouts: Any) -> Any:
    """A difference quotient moves one number at a time: no two entries may share their memory."""
    return tuple("transposed" if layout == "expanded" else layout for layout in layouts)


def behind(*at: Any) -> tuple[Any, ...]:
    """An index of the last axes."""
    return (..., *at)


def spread_out(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Distinct float64 numbers in −2 … 2, evenly spaced, none of them 0: far from every tie and kink."""
    count = torch.Size(shape).numel()
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed + count))
    odd = 2 * order + 1 + count % 2 - count
    return (odd.double() * (2 / max(count, 1))).reshape(shape)
