"""Mask: the diagonal behind dropout, Y = diag(m)·X.

    y = m ⊙ x        m does not depend on x        ẏ = m ⊙ ẋ        x̄ = m ⊙ ȳ

Linear in x, and its own adjoint with the mask of the forward pass: nothing is drawn again.  Dropout's m is 0 with
probability p and 1/(1 − p) otherwise, so that its mean is 1; dropout of channels has an m of one number a channel.

Shapes: x any, m one that x's is the broadcast of; the result is x's.  Source: collected notes (B19); Srivastava et al.
2014, "Dropout: a simple way to prevent neural networks from overfitting".
"""

from __future__ import annotations

from torch import Tensor

from manualconv.autograd.pointwise import Stepwise


class Mask(Stepwise):
    """``y = m ⊙ x``."""

    @staticmethod
    def forward(x: Tensor, m: Tensor) -> Tensor:
        return x * m
