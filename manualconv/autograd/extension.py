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

from manualconv.autograd.kinds import Linear
from manualconv.geometry import Axes, Extension
from manualconv.kernels.movement import extension as kernels


class Pad(Linear):
    """``y[p] = x[p − a]`` where that is inside, `value` elsewhere; `frame` is ``(a, b)`` of the last axis first."""

    @staticmethod
    def forward(x: Tensor, frame: Axes, value: float) -> Tensor:
        return torch.constant_pad_nd(x, frame, value)

    @staticmethod
    def adjoint(y_bar: Tensor, shape: Axes, frame: Axes, value: float) -> Tensor:
        x_bar: Tensor = Pad.call(y_bar, tuple(-side for side in frame), 0)
        return x_bar

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, _frame: None, _value: None) -> Tensor:
        frame, _ = ctx.numbers
        y_dot: Tensor = Pad.call(x_dot, frame, 0)
        return y_dot


class Extend(Linear):
    """``y[b, p] = x[b, i(p)]``."""

    flat = True

    @staticmethod
    def forward(x: Tensor, extension: Extension, edge: Tensor | None) -> Tensor:
        return kernels.extend(x, extension)

    @staticmethod
    def adjoint(y_bar: Tensor, shape: Axes, extension: Extension) -> Tensor:
        x_bar: Tensor = FoldBack.call(y_bar, extension)
        return x_bar

    @staticmethod
    def reads_input(extension: Extension) -> bool:
        """Torch's circular padding is made of copies, whose gradient reads no input."""
        return extension.mode != "circular"


class FoldBack(Linear):
    """``x[b, l] = Σ_{p : i(p) = l} y[b, p]``."""

    @staticmethod
    def forward(y: Tensor, extension: Extension) -> Tensor:
        return kernels.fold_back(y, extension)

    @staticmethod
    def adjoint(x_bar: Tensor, shape: Axes, extension: Extension) -> Tensor:
        y_bar: Tensor = Extend.call(x_bar, extension)
        return y_bar
