"""Powers z^e with one exponent e for all entries, and the roots of sums of powers.

    Power         y = z^e                        φ′ = e·z^(e−1)      Power again; 0 where e = 0
    NonzeroPower  y = z^e where z ≠ 0, else 0    φ′ = e·z^(e−1) where z ≠ 0, else 0      NonzeroPower again
    Root          y = z^e                        φ′ as NonzeroPower

A root has an infinite slope at 0.  Under a norm (Σ x^p)^(1/p) that infinity meets the 0 of x^(p−1), and the convention
of torch's lp_pool is that nothing comes back from a sum of 0: the slope of `Root` there is 0, and so are all further
ones.  Each map's slope is one of these maps, so every order closes.

Shapes: any; the same in and out.  Source: "Power-average pooling" in PyTorch's documentation of lp_pool1d.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.correlation import conj
from manualconv.autograd.function import Map


class Power(Map):
    """``y = z^e``."""

    @staticmethod
    def forward(z: Tensor, exponent: float) -> Tensor:
        return torch.pow(z, exponent)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        z, ctx.exponent = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(z)
        ctx.save_for_forward(z)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor | None) -> tuple[Tensor | None, None]:
        return None if y_bar is None else _times_slope(Power, conj(ctx.saved_tensors[0]), ctx.exponent, y_bar), None

    @staticmethod
    def jvp(ctx: Any, z_dot: Tensor, _: None) -> Tensor:
        return _times_slope(Power, ctx.saved_tensors[0], ctx.exponent, z_dot)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], z: Tensor, exponent: float) -> tuple[Tensor, int]:
        return Power.call(z, exponent), in_dims[0]


class NonzeroPower(Power):
    """``y = z^e`` where z is not 0, and 0 there."""

    @staticmethod
    def forward(z: Tensor, exponent: float) -> Tensor:
        return torch.where(z == 0, 0, torch.pow(z, exponent))

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor | None) -> tuple[Tensor | None, None]:
        return None if y_bar is None else _times_slope(NonzeroPower, ctx.saved_tensors[0], ctx.exponent, y_bar), None

    @staticmethod
    def jvp(ctx: Any, z_dot: Tensor, _: None) -> Tensor:
        return _times_slope(NonzeroPower, ctx.saved_tensors[0], ctx.exponent, z_dot)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], z: Tensor, exponent: float) -> tuple[Tensor, int]:
        return NonzeroPower.call(z, exponent), in_dims[0]


class Root(NonzeroPower):
    """``y = z^e``, with the slope 0 where z is 0."""

    @staticmethod
    def forward(z: Tensor, exponent: float) -> Tensor:
        return torch.pow(z, exponent)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], z: Tensor, exponent: float) -> tuple[Tensor, int]:
        return Root.call(z, exponent), in_dims[0]


def _times_slope(of: type[Power], z: Tensor, exponent: float, t: Tensor) -> Tensor:
    """``e·z^(e−1) ⊙ t``."""
    if exponent == 0:
        return torch.zeros_like(t)
    slope: Tensor = exponent * of.call(z, exponent - 1)
    return t * slope
