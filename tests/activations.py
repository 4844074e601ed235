"""An activation by hand and by torch, the numbers it is tried on, and its derivatives one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck

from manualconv import functional
from manualconv.testing.cases.tensors import laid_out

Apply = Callable[..., Any]
INF = float("inf")
#: Kinks, both zeros, infinities, and far out.
SPECIAL = torch.tensor([0.0, -0.0, 1, -1, 3, -3, 6, 1.5, INF, -INF, 1000, -1000, 1e-300, -1e-300], dtype=torch.float64)


def both(name: str, *arguments: Any) -> tuple[Apply, Apply]:
    """Ours and torch's, with the same arguments."""
    ours, theirs = getattr(functional, name), getattr(F, name)
    return tuple((lambda z, f=f, **options: f(z, *arguments, **options)) for f in (ours, theirs))


def drawn(shape: tuple[int, ...], seed: int, layout: str = "contiguous") -> Tensor:
    """Normal numbers of standard deviation 3, every fifth a whole one: there the kinks are."""
    z = 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    z.view(-1)[::5] = z.view(-1)[::5].round()
    return laid_out(z, layout)


def orders(apply: Apply, z: Tensor, cotangents: list[Tensor]) -> list[Tensor]:
    """The value and its derivatives, each with its own cotangent."""
    z = z.detach().requires_grad_()
    found = [apply(z)]
    for cotangent in cotangents:
        if not found[-1].requires_grad:
            return [*found, *(torch.zeros_like(z) for _ in range(len(cotangents) + 1 - len(found)))]
        found += grad(found[-1], z, cotangent, create_graph=True, allow_unused=True, materialize_grads=True)
    return [t.detach() for t in found]


def check_three_orders(apply: Apply, z: Tensor, random: bool = False) -> None:
    """gradcheck with every flag, of the first, second and third derivative; its old vmap draws no numbers."""
    assert gradcheck(
        apply,
        (z,),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=not random,
        check_undefined_grad=True,
        nondet_tol=0.0,
    )
    assert gradgradcheck(apply, (z,), gen_non_contig_grad_outputs=True, check_fwd_over_rev=True, nondet_tol=0.0)

    def second(z: Tensor) -> Tensor:
        (first,) = grad(apply(z).pow(3).sum(), z, create_graph=True)
        return grad(first.pow(2).sum(), z, create_graph=True, materialize_grads=True, allow_unused=True)[0]

    assert gradcheck(second, (z,), nondet_tol=0.0)


def outcome(apply: Apply, *arguments: Any) -> Any:
    """What a call gives, or the type of its error and the message without our advice in brackets."""
    try:
        return apply(*arguments)
    except (NotImplementedError, RuntimeError, TypeError, ValueError) as e:
        return type(e), str(e).split(" [")[0]
