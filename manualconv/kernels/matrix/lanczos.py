"""The spectral norm of a matrix that is never formed: Lanczos' iteration on AᴴA.

From a start v_1 of length 1, each step multiplies once by A and once by Aᴴ:

    u = AᴴA·v_j,    α_j = ⟨v_j, u⟩,    u ← u − its part along v_1 … v_j,    β_j = ‖u‖,    v_{j+1} = u/β_j

In the basis of the v's AᴴA is the tridiagonal T with α on its diagonal and β beside it.  T's largest eigenvalue θ, with
eigenvector q, approaches that of AᴴA from below, and an eigenvalue of AᴴA lies within β_j·|q_j| of θ.  So

    σ = √θ      has a relative error of at most about      β_j·|q_j| / (2θ)

once θ has settled on the largest, which a start with a part along every singular vector sees to.  The part along *all*
earlier v's is taken out, twice: rounding would otherwise bring back eigenvectors that were found already.

Source: Golub and Van Loan, *Matrix Computations*, chapter 10; Parlett, *The Symmetric Eigenvalue Problem*, chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Apply = Callable[[Tensor], Tensor]


def _projected(alphas: list[float], betas: list[float]) -> tuple[float, float]:
    """The largest eigenvalue θ of T, and the last entry of its eigenvector."""
    diagonal = torch.tensor(alphas, dtype=torch.float64, device="cpu").diag()
    beside = torch.tensor(betas, dtype=torch.float64, device="cpu").diag(1) if betas else 0
    values, vectors = torch.linalg.eigh(diagonal + beside, UPLO="U")
    return float(values[-1]), float(vectors[-1, -1].abs())


def largest_singular_value(apply: Apply, adjoint: Apply, start: Tensor, tolerance: float, steps: int) -> float:
    """‖A‖₂ from ``apply``: v ↦ A·v and ``adjoint``: y ↦ Aᴴ·y, both on tensors of any shape.

    Raises:
        RuntimeError: after `steps` steps the relative error may still be above `tolerance`.
    """
    basis = [start / torch.linalg.vector_norm(start)]
    alphas: list[float] = []
    betas: list[float] = []
    bound = float("inf")
    for step in range(1, min(steps, start.numel()) + 1):
        u = adjoint(apply(basis[-1]))
        alphas.append(float(torch.linalg.vecdot(basis[-1].flatten(), u.flatten()).real))
        known = torch.stack([v.flatten() for v in basis])
        for _ in range(2):
            u = u - ((known.conj() @ u.flatten()) @ known).reshape(u.shape)
        beta = float(torch.linalg.vector_norm(u))
        theta, last = _projected(alphas, betas)
        # An exhausted space or a zero matrix: nothing is left to find.
        if step == start.numel() or theta <= 0 or beta <= 1e-14 * theta:
            return math.sqrt(max(theta, 0.0))
        bound = beta * last / (2 * theta)
        if bound <= tolerance:
            return math.sqrt(theta)
        betas.append(beta)
        basis.append(u / beta)
    raise RuntimeError(
        f"the spectral norm has not converged: after {steps} steps its relative error may be {bound:.1e}, above "
        f"tolerance={tolerance:.1e} [allow more steps or a larger tolerance]"
    )
