"""Drawn batch, instance, layer and group normalisations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions
from manualconv.testing.cases.tensors import laid_out
from manualconv.testing.cases.windows import LAYOUTS_OF_TWO, SEEDS, noted, numbers_per_axis

KINDS = ("batch", "instance", "layer", "group")
Place = Callable[[tuple[int, ...]], tuple[int, ...]]


@dataclass(frozen=True)
class Normalization:
    """One drawn layer and its tensors: distinct numbers, whose groups have unlike means and deviations."""

    kind: str
    shape: tuple[int, ...]
    number: int  # groups of a group norm, axes of a layer norm
    affine: tuple[bool, bool]
    eps: float
    layouts: tuple[str, str]
    seed: int

    def _random(self, size: tuple[int, ...], which: int, dtype: torch.dtype) -> Tensor:
        generator = torch.Generator().manual_seed(10 * self.seed + which)
        return torch.randn(size, generator=generator, dtype=torch.float64).to(dtype)

    def input(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """x ``(N, C, *I)``."""
        x = self._random(self.shape, 0, torch.float64)
        if x.numel():
            x = (1 + torch.arange(self.shape[1]).reshape(-1, *(1,) * (x.dim() - 2)) / 3) * x + x.flatten()[0]
        return laid_out(x.to(dtype), self.layouts[0])

    def cotangent(self, which: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
        """y of x's shape, random: under a constant one every gradient is zero, whatever the mistake."""
        return laid_out(self._random(self.shape, which, dtype), self.layouts[1])

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        """Of γ and β."""
        return self.shape[len(self.shape) - self.number :] if self.kind == "layer" else self.shape[1:2]

    def parameters(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor | None, Tensor | None]:
        """γ and β, where the layer has them."""
        weight, bias = (self._random(self.parameter_shape, which, dtype) for which in (2, 3))
        return (weight if self.affine[0] else None), (bias if self.affine[1] else None)

    @property
    def key(self) -> definitions.Key:
        """Which entries share a mean."""
        return {
            "batch": definitions.by_channel,
            "instance": definitions.by_instance,
            "layer": definitions.by_front(self.number),
            "group": definitions.by_group(max(self.shape[1] // self.number, 1)),
        }[self.kind]

    @property
    def place(self) -> Place:
        """Where an entry's γ and β are."""
        return (lambda i: i[len(i) - self.number :]) if self.kind == "layer" else lambda i: i[1:2]

    def apply(self, functional: Any, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Any:
        """The layer, of a library's ``functional``, by the input's own statistics."""
        given: dict[str, Any] = {"weight": weight, "bias": bias, "eps": self.eps}
        if self.kind == "batch":
            return functional.batch_norm(x, None, None, **given, training=True)
        if self.kind == "instance":
            return functional.instance_norm(x, None, None, **given)
        layer = getattr(functional, f"{self.kind}_norm")
        return layer(x, self.parameter_shape if self.kind == "layer" else self.number, **given)

    def facts(self) -> set[str]:
        """What this draw exercises."""
        held = {
            f"{self.kind} norm": True,
            "no γ": not self.affine[0],
            "no β": not self.affine[1],
            "non-contiguous x": not self.input().is_contiguous(),
            "non-contiguous cotangent": not self.cotangent().is_contiguous(),
            "channels_last": "channels_last" in self.layouts,
            "one channel": self.shape[1] == 1,
            "no samples": self.shape[0] == 0,
            "one sample": self.shape[0] == 1,
            "all sizes differ": len(set(self.shape)) == len(self.shape),
        }
        return {name for name, holds in held.items() if holds}


@st.composite
def normalizations(
    draw: st.DrawFn, *, kinds: tuple[str, ...] = KINDS, eps: tuple[float, ...] = (0.01, 0.3), some: bool = False
) -> Normalization:
    """Any normalisation of an input with up to three axes of positions; `some` samples at least."""
    kind = draw(st.sampled_from(kinds))
    ndim = draw(st.sampled_from((2, 1, 3, 0) if kind != "instance" else (2, 1, 3)))
    distinct = draw(st.booleans())
    size = draw(numbers_per_axis(ndim, 1, 3 if ndim < 3 or distinct else 2, distinct))
    batch = draw(st.sampled_from((2, 1, 3, 2, 4) if some else (2, 1, 3, 2, 4, 0)))
    groups, each = draw(st.sampled_from((1, 2, 3))), draw(st.sampled_from((2, 1, 3)))
    if kind == "instance" and prod(size) == 1:
        size = (*size[:-1], 3)
    if kind == "batch" and batch * prod(size) == 1:
        batch = 3
    channels = groups * each
    if kind == "group" and batch * channels * prod(size) == groups:
        batch = 3
    number = groups
    if kind == "layer":
        number = draw(st.integers(1, 1 + ndim))
    case = Normalization(
        kind=kind,
        shape=(batch, channels, *size),
        number=number,
        affine=draw(st.sampled_from(((True, True), (False, False), (True, False), (False, True)))),
        eps=draw(st.sampled_from(eps)),
        layouts=draw(LAYOUTS_OF_TWO),
        seed=draw(SEEDS),
    )
    return noted(case)
