"""Laws of further derivatives: the second and third, by difference quotients, and forward mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan
from typing import Any

import torch
from torch import Tensor
from torch.autograd import backward, forward_ad, grad, gradcheck, gradgradcheck
from torch.autograd.gradcheck import GradcheckError

from manualconv.testing.judge import ROUNDING
from manualconv.testing.laws.operation.asked import Asked, Broken, Unfit, law

#: A difference quotient with step 1 of what is linear in each tensor, on small whole numbers, has no error at all.
EXACTLY: dict[str, Any] = {"eps": 1.0, "atol": 0.0, "rtol": 0.0}
SMOOTHLY: dict[str, Any] = {"eps": 1e-5, "atol": 1e-5, "rtol": 1e-5}


@law("gradients", "order 2", small=True, share=0.1)
def the_second_derivative_is_the_first_one_s(asked: Asked) -> None:
    cotangent = asked.question.cotangent.detach().requires_grad_()
    leaves = asked.leaves()
    first = grad(asked.apply(*leaves), leaves[: asked.count], cotangent, create_graph=True, allow_unused=True)
    # What once_differentiable leaves behind says no to `backward` alone: `grad` passes it by, since it leads nowhere.
    backward([g.sum() for g in first if g is not None and g.requires_grad])
    _differentiates(lambda: gradgradcheck(asked.apply, asked.leaves(), cotangent, **_room(asked)), "second")


@law("gradients", "order 2", "order 3", small=True, share=0.05)
def the_third_derivative_is_the_second_one_s(asked: Asked) -> None:
    leaves, count = asked.leaves(), asked.count

    def second(*tensors: Tensor) -> tuple[Tensor, ...]:
        at, cotangent, directions = tensors[:count], tensors[count], tensors[count + 1 :]
        first = grad(asked.apply(*at, *leaves[count:]), at, cotangent, create_graph=True)
        total = sum((g * v).sum() for g, v in zip(first, directions))
        if not isinstance(total, Tensor) or not total.requires_grad:
            return tuple(t * 0 for t in (*at, cotangent))
        return grad(total, (*at, cotangent), create_graph=True, materialize_grads=True)

    directions = [(t + 1).detach().requires_grad_() for t in leaves[:count]]
    operands = (*leaves[:count], asked.question.cotangent.detach().requires_grad_(), *directions)
    _differentiates(lambda: gradcheck(second, operands, **_room(asked)), "third")


def _room(asked: Asked) -> dict[str, Any]:
    if not asked.question.exact and asked.base != torch.float64:
        raise NotImplementedError(f"a smooth operation's difference quotients see nothing in {asked.base}")
    return EXACTLY if asked.question.exact else SMOOTHLY


def _differentiates(check: Callable[[], bool], which: str) -> None:
    try:
        check()
    except GradcheckError as error:
        raise Broken(f"the {which} derivative is wrong: {_in_a_line(error)}") from None


def _in_a_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]


@law("gradients", "forward mode", share=0.2)
def forward_mode_pairs_with_the_gradients(asked: Asked) -> None:
    """⟨J·v, ȳ⟩ = ⟨v, Jᵀ·ȳ⟩; at copies, since a tangent of entries that share their memory cannot be written.

    Both sides are sums of products, S of n terms: rounded, each is off by at most u·n·Σ|term|, and not at all where the
    terms are whole numbers that fit with their sum, Σ|term| ≤ 1/u.  Where the entries of ẏ and x̄ may be off themselves,
    by r of 1 and of the entry, that adds r·Σ|ȳ|·(1 + |ẏ|) and r·Σ|v|·(1 + |x̄|).
    """
    question, count = asked.question, asked.count
    directions = [t.detach().flip(-1) + 1 if t.dim() else t.detach() + 1 for t in question.inputs[:count]]
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(t.detach().clone(), v) for t, v in zip(question.inputs, directions)]
        tangent = forward_ad.unpack_dual(asked.apply(*duals, *question.inputs[count:])).tangent
    if tangent is None:
        raise Unfit("forward mode gives no tangent", says_no=True)
    ahead, room = _paired([question.cotangent], [tangent], asked.room)
    back, more = _paired(directions, asked.both()[1:], asked.room)
    if not (ahead == back or abs(ahead - back) <= room + more or (isnan(ahead) and isnan(back))):
        one, other = next((f"{ahead:.{d}g}", f"{back:.{d}g}") for d in (6, 17) if f"{ahead:.{d}g}" != f"{back:.{d}g}")
        raise Broken(f"forward mode gives <J v, y> = {one}, the gradients give {other}")


def _paired(given: Sequence[Tensor], found: Sequence[Tensor], off: float) -> tuple[float, float]:
    """The inner product of what was given with what was found, and how far it may be from the exact one."""
    u = ROUNDING[torch.float64]
    one, other = (torch.cat([t.detach().double().flatten() for t in side]) for side in (given, found))
    size = float((one * other).abs().sum())
    room = off * float((one.abs() * (1 + other.abs())).sum())
    if off or size > 1 / u:
        room += u * len(one) * size
    return float((one * other).sum()), room
