"""Mask: the diagonal behind dropout, Y = diag(m)·X.

    y = m ⊙ x        ẏ = m ⊙ ẋ + ṁ ⊙ x        x̄ = m ⊙ ȳ        m̄ = Σ x ⊙ ȳ

Linear in x, and its own adjoint with the mask of the forward pass: nothing is drawn again.  Dropout's m is 0 with
probability p and 1/(1 − p) otherwise, so that its mean is 1; dropout of channels has an m of one number a channel.
Such an m asks for no derivative, so x is not kept.  Σ runs over the axes along which m is repeated.

Shapes: x any, m one that x's is the broadcast of; the result is x's.  Source: collected notes (B19); Srivastava et al.
2014, "Dropout: a simple way to prevent neural networks from overfitting".
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.function import conj
from manualconv.autograd.kinds import Bilinear, in_front


class Mask(Bilinear):
    """``y = m ⊙ x``."""

    @staticmethod
    def forward(x: Tensor, m: Tensor) -> Tensor:
        return x * m

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, m = ctx.saved_tensors
        x_bar = Mask.call(y_bar, conj(m)) if ctx.needs_input_grad[0] else None
        return x_bar, Mask.call(y_bar, conj(x)).sum_to_size(m.shape) if ctx.needs_input_grad[1] else None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, int | None], x: Tensor, m: Tensor) -> tuple[Tensor, int]:
        x_at, m_at = in_dims
        x = in_front(info.batch_size, x, x_at)
        m = m.unsqueeze(0) if m_at is None else m.movedim(m_at, 0)
        # The mapped axis stands before all of x's axes, and so before those that m lacks.
        m = m.reshape(m.shape[0], *(1,) * (x.dim() - m.dim()), *m.shape[1:])
        return Mask.call(x, m), 0
