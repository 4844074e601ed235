"""Padding: a constant around a tensor, or the tensor itself continued beyond its edge.

    Pad        y[p] = x[p − a] inside, a constant outside      Pad by (−a, −b) with the constant 0
    Extend     y[p] = x[i(p)]                                  FoldBack   x[l] = Σ_{p : i(p) = l} y[p]

Both act on each axis alone.  *Pad* is affine, and its own adjoint but for the sign of its sides: what was added is cut
off, what was cut off comes back as zeros, ⟨Pad(x; a, b), y⟩ = ⟨x, Pad(y; −a, −b)⟩ for the constant 0.

*Extend* is Select with repeated indices: i(p) reads a position twice where it mirrors (reflect), as often as there are
positions outside at the edge (replicate), once more for each turn (circular).  Its adjoint adds the cotangents of all
copies of a position: ⟨Extend x, y⟩ = Σ_p x[i(p)]·y[p] = Σ_l x[l]·Σ_{p : i(p) = l} y[p] = ⟨x, FoldBack y⟩.

Shapes: x ``(*B, *I)``, y ``(*B, *P)`` with P = I + a + b on the last axes; the axes before them are carried along, and
a mapped axis is one more of them.

Source: the boundary conditions of Strang and Nguyen, *Wavelets and Filter Banks* (1996), chapter 8.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.function import Map, constant_in
from manualconv.geometry import Axes, Extension
from manualconv.kernels import extension as kernels


class Pad(Map):
    """``y[p] = x[p − a]`` where that is inside, `value` elsewhere; `frame` is ``(a, b)`` of the last axis first."""

    @staticmethod
    def forward(x: Tensor, frame: Axes, value: float) -> Tensor:
        return torch.constant_pad_nd(x, frame, value)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.frame, _ = inputs

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor, None, None]:
        return Pad.call(y_bar, tuple(-side for side in ctx.frame), 0), None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, _frame: None, _value: None) -> Tensor:
        y_dot: Tensor = Pad.call(x_dot, ctx.frame, 0)
        return y_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None, None], x: Tensor, frame: Axes, value: float) -> tuple[Tensor, int]:
        return Pad.call(x.movedim(in_dims[0], 0), frame, value), 0


class Extend(Map):
    """``y[b, p] = x[b, i(p)]``."""

    flat = True

    @staticmethod
    def forward(x: Tensor, extension: Extension, edge: Tensor | None) -> Tensor:
        return kernels.extend(x, extension)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.extension, edge = inputs
        # Torch's circular padding is made of copies, whose gradient reads no input.
        ctx.save_for_backward(None if ctx.extension.mode == "circular" else edge)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor, None, None]:
        return constant_in(ctx.saved_tensors[0], FoldBack.call(y_bar, ctx.extension)), None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Tensor:
        y_dot: Tensor = Extend.call(x_dot, ctx.extension)
        return y_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], x: Tensor, extension: Extension, _: Any) -> tuple[Tensor, int]:
        return Extend.call(x.movedim(in_dims[0], 0), extension), 0


class FoldBack(Map):
    """``x[b, l] = Σ_{p : i(p) = l} y[b, p]``."""

    @staticmethod
    def forward(y: Tensor, extension: Extension) -> Tensor:
        return kernels.fold_back(y, extension)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.extension = inputs

    @staticmethod
    def backward(ctx: Any, x_bar: Tensor) -> tuple[Tensor, None]:
        return Extend.call(x_bar, ctx.extension), None

    @staticmethod
    def jvp(ctx: Any, y_dot: Tensor, _: None) -> Tensor:
        x_dot: Tensor = FoldBack.call(y_dot, ctx.extension)
        return x_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], y: Tensor, extension: Extension) -> tuple[Tensor, int]:
        return FoldBack.call(y.movedim(in_dims[0], 0), extension), 0
