"""What there is to compute of an operation, by values and reverse mode on plain tensors alone.

The oracle is asked for these; a mode must come to the same in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.autograd import grad

Apply = Callable[..., Tensor]
Tensors = tuple[Tensor, ...]
Run = Callable[[Apply, Tensors], Sequence[Tensor]]


class OneSampleAtATime(Exception):
    """The result is right, but vmap fell back to a loop."""


class FormatLost(Exception):
    """The values are right, but channels_last went in and did not come out."""


class NotAsked(Exception):
    """The question does not arise for this operation."""


def weighted(y: Tensor) -> Tensor:
    """A real scalar, cubic in y, that weighs every entry differently."""
    real = torch.view_as_real(y.resolve_conj()) if y.is_complex() else y
    weights = torch.arange(1, real.numel() + 1, dtype=torch.float64).reshape(real.shape) / real.numel()
    weights = weights.to(real.dtype)
    return (weights * real * real * real).sum() + (weights * real).sum()


def leaves(inputs: Tensors) -> Tensors:
    """Asking for gradients."""
    return tuple(t.detach().clone().requires_grad_() for t in inputs)


def directions(inputs: Sequence[Tensor], seed: int = 0) -> Tensors:
    """Small numbers of either sign, different for every entry; exact in every dtype."""
    return tuple(
        (((torch.arange(t.numel()) * 5 + seed + n) % 7 - 3).double() / 4).reshape(t.shape).to(t.dtype)
        for n, t in enumerate(inputs)
    )


def along(gradients: Sequence[Tensor], vectors: Sequence[Tensor]) -> Tensor:
    """Σ Re⟨gradient, vector⟩."""
    terms = [(g * v.conj()).real if g.is_complex() else g * v for g, v in zip(gradients, vectors)]
    return sum((t.sum() for t in terms), start=torch.zeros(()))


def slots(inputs: Tensors) -> tuple[int, ...]:
    return tuple(range(len(inputs)))


def value(apply: Apply, inputs: Tensors) -> Tensors:
    return (apply(*inputs),)


def gradients(apply: Apply, inputs: Tensors) -> Tensors:
    moving = leaves(inputs)
    return grad(weighted(apply(*moving)), moving)


def value_and_gradients(apply: Apply, inputs: Tensors) -> Tensors:
    moving = leaves(inputs)
    y = apply(*moving)
    return (y.detach(), *grad(weighted(y), moving))


def double(apply: Apply, inputs: Tensors) -> Tensors:
    """Derivatives of ⟨gradient of ⟨y, ȳ⟩, v⟩ in the inputs and in ȳ."""
    moving = leaves(inputs)
    y = apply(*moving)
    (cotangent,) = leaves(directions([y.detach()], 3))
    first = grad(y, moving, cotangent, create_graph=True)
    return grad(along(first, directions(inputs)), (*moving, cotangent), materialize_grads=True)


def second(apply: Apply, inputs: Tensors) -> Tensors:
    """The Hessian of `weighted` times a direction."""
    moving = leaves(inputs)
    first = grad(weighted(apply(*moving)), moving, create_graph=True)
    return grad(along(first, directions(inputs)), moving)


def third(apply: Apply, inputs: Tensors) -> Tensors:
    moving = leaves(inputs)
    first = grad(weighted(apply(*moving)), moving, create_graph=True)
    then = grad(along(first, directions(inputs)), moving, create_graph=True)
    return grad(along(then, directions(inputs, 2)), moving)


def derivative(apply: Apply, inputs: Tensors, vectors: Tensors | None = None) -> Tensors:
    """J·v by reverse mode twice: v ↦ J·v is the adjoint of ȳ ↦ Jᴴ·ȳ."""
    moving = leaves(inputs)
    y = apply(*moving)
    (cotangent,) = leaves([torch.ones_like(y.detach())])
    pulled = grad(y, moving, cotangent, create_graph=True, materialize_grads=True)
    return grad(along(pulled, vectors or directions(inputs)), cotangent)


def second_derivative(apply: Apply, inputs: Tensors) -> Tensors:
    """d²/dt² of the operation at x + t·v, by reverse mode three times."""
    vectors = directions(inputs)

    def derivative_at(*moving: Tensor) -> Tensor:
        y = apply(*moving)
        cotangent = torch.ones_like(y.detach()).requires_grad_()
        pulled = grad(y, moving, cotangent, create_graph=True)
        pushed = grad(along(pulled, vectors), cotangent, create_graph=True)[0]
        # A linear operation's J·v does not depend on x: an empty sum keeps it in the graph.
        return pushed + 0 * along(moving, vectors)

    return derivative(derivative_at, inputs, vectors)


def jacobians(apply: Apply, inputs: Tensors) -> Tensors:
    """Row by row."""
    moving = leaves(inputs)
    y = apply(*moving)
    rows = [grad(entry, moving, retain_graph=True) for entry in y.reshape(-1)]
    return tuple(torch.stack(parts).reshape(*y.shape, *t.shape) for parts, t in zip(zip(*rows), inputs))


def hessian_of_first(apply: Apply, inputs: Tensors) -> Tensors:
    """∂²/∂x² of `weighted` in the first tensor, row by row."""
    x, *others = inputs

    def slope(first: Tensor) -> Tensor:
        return grad(weighted(apply(first, *others)), first, create_graph=True)[0]

    return jacobians(slope, (x,))
