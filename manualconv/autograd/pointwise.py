"""Pointwise maps: the Jacobian is diagonal, dZ = dA ⊙ g′(Z), and written in the output where that is possible.

A diagonal is its own transpose, so forward and reverse mode multiply by the same φ′ (`times_slope`), conjugated on the
way back if complex, and further orders differentiate that product: where y is kept, it is this Function's own output,
whose derivative is again φ′.

    Pointwise   y = φ(z)                 kept: y, or z            ż, ȳ ↦ φ′ ⊙ ·
    Stepwise    t ⊙ d(z), d constant     linear in t and its own adjoint; between its kinks φ′ is constant, so zeros
                between kinks            flow to z
    Square      y = z²                   φ′ = 2·z                 squared error is the mean of Square(x − t)

The maps with an exponential are in `sigmoidal`, those of straight pieces in `rectifiers`.

Shapes: any; the same in and out.  Source: article (B3); notes on convolution and collected notes (B14, B17).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.definition import fill_in, rules_of
from manualconv.autograd.function import Map, conj
from manualconv.autograd.kinds import any_mapped, refuse_moving
from manualconv.kernels.entrywise.pointwise import tensor
from manualconv.kernels.precision import WIDENED, single


def in_float32(rule: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A rule whose half-precision tensors are widened, and whose result is narrowed again."""

    @wraps(rule)
    def wide(first: Tensor, *others: Any) -> Tensor:
        dtype = first.dtype
        if dtype not in WIDENED:
            found: Tensor = tensor(rule(first, *others))
            return found
        wide_ones = (single(a) if isinstance(a, Tensor) else a for a in others)
        narrow: Tensor = tensor(rule(single(first), *wide_ones)).to(dtype)
        return narrow

    return wide


def _keep(ctx: Any, kept: Tensor, numbers: tuple[Any, ...]) -> None:
    ctx.numbers = numbers
    ctx.save_for_backward(kept)
    ctx.save_for_forward(kept)


def _keep_output(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _keep(ctx, output, inputs[1:])


def _keep_input(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _keep(ctx, inputs[0], inputs[1:])


def _keep_either(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *_, overwritten = inputs
    (_keep_output if overwritten else _keep_input)(ctx, inputs, output)


#: What the slope is written in: a subclass whose slope needs z says ``setup_context = OF_INPUT``; one for which either
#: will do says ``OF_EITHER``, and its last argument tells whether z is about to be overwritten.
OF_OUTPUT, OF_INPUT, OF_EITHER = (staticmethod(keep) for keep in (_keep_output, _keep_input, _keep_either))


class Pointwise(Map):
    """A map that acts on every entry alone; run it by ``call(z, *numbers)``.

    A subclass gives two static methods, and all modes and orders follow::

        forward(z, *numbers)            y, of the shape of z
        times_slope(kept, t, *numbers)  φ′ ⊙ t, of the shape of t, by differentiable operations; kept is y, or z

    For complex z, φ′ of conj(kept) must be conj(φ′), as it is where the numbers are real and φ is holomorphic.  A slope
    that is constant between its kinks is better written with a `Stepwise`.  Half precision: see `in_float32`.

    Args:
        call's: a tensor of any shape, then numbers or words, by position.  A second tensor has no derivative here.

    Attributes:
        setup_context: ``OF_OUTPUT``, what is kept is y, unless the class says ``setup_context = OF_INPUT``: z.

    Raises:
        TypeError: when the class is defined, if a method is missing, is not static or takes too few arguments.
        RuntimeError: when it first runs, if forward gives another shape, or changes or returns z; at any time, if a
            derivative by one of the numbers is asked for, or a number is mapped.

    Example::

        class Snake(Pointwise):
            setup_context = OF_INPUT

            @staticmethod
            def forward(z, a):
                return z + torch.sin(a * z) ** 2 / a

            @staticmethod
            def times_slope(z, t, a):
                return t * (1 + torch.sin(2 * a * z))

        y = Snake.call(torch.randn(3, requires_grad=True), 0.5)

    More: docs/DERIVATIVES.md.
    """

    abstract = True
    same_shape = True
    times_slope: Callable[..., Tensor]
    setup_context = OF_OUTPUT

    def __init_subclass__(cls) -> None:
        if not vars(cls).get("abstract", False):
            rules_of(cls, ("forward", "times_slope"))
            times_slope = cls.times_slope

            def pushed(ctx: Any, t: Tensor, *others: Tensor | None) -> Tensor:
                if any(other is not None for other in others):
                    refuse_moving(cls)
                return times_slope(ctx.saved_tensors[0], t, *ctx.numbers)

            def pulled(ctx: Any, t: Tensor) -> tuple[Tensor | None, ...]:
                numbers = ctx.numbers
                if True in ctx.needs_input_grad[1:]:
                    refuse_moving(cls)
                return (times_slope(conj(ctx.saved_tensors[0]), t, *numbers), *((None,) * len(numbers)))

            def entry_by_entry(info: Any, in_dims: tuple[Any, ...], z: Tensor, *numbers: Any) -> tuple[Tensor, int]:
                if any_mapped(in_dims[1:]):
                    refuse_moving(cls)
                return cls.call(z, *numbers), in_dims[0]

            fill_in(cls, backward=pulled, jvp=pushed, vmap=entry_by_entry)
        super().__init_subclass__()


class Stepwise(Map):
    """``t ⊙ d(z)`` for a d that is constant between its kinks; run it by ``call(t, z, *numbers)``.

    It is what `Pointwise.times_slope` of a map of straight pieces returns.  Torch gives zeros, not no gradient, for the
    derivative of such a slope by z, and so does this.  A subclass gives one static method::

        forward(t, z, *numbers)   t ⊙ d(z)

    Args:
        call's: two tensors of one shape, then numbers or words, by position.

    Raises:
        TypeError: when the class is defined, if forward is missing, is not static or takes fewer than two arguments.
        RuntimeError: as for `Pointwise`.

    Example::

        class Outside(Stepwise):
            @staticmethod
            def forward(t, z, least):
                return torch.where(z.abs() > least, t, 0)

    More: docs/DERIVATIVES.md.
    """

    abstract = True
    same_shape = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep z."""
        _, z, *numbers = inputs
        ctx.numbers = tuple(numbers)
        ctx.save_for_backward(z)
        ctx.save_for_forward(z, output)

    def __init_subclass__(cls) -> None:
        if not vars(cls).get("abstract", False):
            rules_of(cls, ["forward"], fewest=2)

            def pushed(ctx: Any, t_dot: Tensor | None, _: Any, *others: Tensor | None) -> Tensor:
                if any(other is not None for other in others):
                    refuse_moving(cls)
                z, y = ctx.saved_tensors
                stepped: Tensor = torch.zeros_like(y) if t_dot is None else cls.call(t_dot, z, *ctx.numbers)
                return stepped

            def pulled(ctx: Any, t: Tensor) -> tuple[Tensor | None, ...]:
                (z,), (to_t, to_z, *others) = ctx.saved_tensors, ctx.needs_input_grad
                if True in others:
                    refuse_moving(cls)
                t_bar = cls.call(t, z, *ctx.numbers) if to_t else None
                return (t_bar, torch.zeros_like(z) if to_z else None, *((None,) * len(ctx.numbers)))

            def entry_by_entry(
                info: Any, in_dims: tuple[Any, ...], t: Tensor, z: Tensor, *numbers: Any
            ) -> tuple[Tensor, int]:
                if any_mapped(in_dims[2:]):
                    refuse_moving(cls)
                t, z = (
                    u.unsqueeze(0) if at is None else u.movedim(at, 0) for u, at in ((t, in_dims[0]), (z, in_dims[1]))
                )
                return cls.call(t.expand(info.batch_size, *t.shape[1:]), z, *numbers), 0

            fill_in(cls, backward=pulled, jvp=pushed, vmap=entry_by_entry)
        super().__init_subclass__()


class Square(Pointwise):
    """``y = z²``."""

    setup_context = OF_INPUT

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return z * z

    @staticmethod
    def times_slope(z: Tensor, t: Tensor) -> Tensor:
        return t * (2 * z)
