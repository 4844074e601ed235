"""What a linear and a bilinear map imply, written once: set-up and tangent of both, and every mode of a linear one.

    Linear      y = A·x          ẏ = A·ẋ                    x̄ = Aᵀ·ȳ, the partner's forward
    Bilinear    y = T(x, w)      ẏ = T(ẋ, w) + T(x, ẇ)      x̄, w̄: two other slots of the trilinear form ⟨T(x, w), y⟩

A linear map keeps no x: its derivative is itself forwards and its partner backwards, at every order.  A bilinear map
keeps each tensor for the other's gradient, x only where w̄ is wanted and w only where x̄ is.  Its backward is a row of a
table that stands in its own file, and so does its ``vmap``.

Maps that act on every entry alone are in `pointwise`.

Shapes: those of the map.  Source: the words of linear algebra; ``deflinear`` and ``defbilinear`` of JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, ClassVar, NoReturn

import torch
from torch import Tensor

from manualconv.autograd.definition import PAGE, arguments_of, fill_in, rules_of
from manualconv.autograd.function import Map, constant_in, fold, unfold


def refuse_moving(cls: type) -> NoReturn:
    """Refuse a derivative by one of the constants of a map, or a constant for each sample."""
    raise RuntimeError(
        f"{cls.__name__} has no derivative by its numbers, and all samples share them, but one of them is a "
        "tensor that asks for a derivative or is mapped; write a Map, whose rules know every argument "
        "(docs/DERIVATIVES.md)"
    )


def any_mapped(axes: Iterable[Any]) -> bool:
    """Whether a constant is mapped; for a constant that is a tuple, the axes are a tuple of None."""
    return any(isinstance(axis, int) for axis in axes)


def in_front(size: int, t: Tensor, mapped: int | None) -> Tensor:
    """The mapped axis in front; repeated there if t has none."""
    return t.expand(size, *t.shape) if mapped is None else t.movedim(mapped, 0)


class Linear(Map):
    """A map that is linear in its first tensor; run it by ``call(x, *constants)``.

    A subclass gives two static methods, and all modes and orders follow::

        forward(x, *constants)              y
        adjoint(y_bar, shape, *constants)   x̄, of x's shape, which is `shape`: ⟨forward(x), ȳ⟩ = ⟨x, adjoint(ȳ)⟩

    The adjoint is the ``call`` of a partner, whose own adjoint is a ``call`` of this one; for complex x it is the
    conjugate transpose.

    Args:
        call's: x, then tensors that stay as they are (positions, masks), then numbers or words, by position.

    Attributes:
        folded: the axes of x and y into which ``vmap`` folds the mapped axis, ``(0, 0)`` for those of a batch.  None
            unless the class says so: the mapped axis is then one more in front, so that forward counts from the end.
        sampled: True where the tensors after x have the axes before x's last ones too, so that each sample may have its
            own.  Otherwise all samples share them.
        reads_input: where ``flat`` (see `Map`), a static method of the constants; False if torch's gradient does not
            read the input for them, so that there is no second derivative.  Forward's last argument is then the edge.

    Raises:
        TypeError: when the class is defined, if a method is missing, is not static or takes too few arguments.
        RuntimeError: at any time, if a derivative by one of the constants is asked for, or one that all samples share
            is mapped.

    Example::

        class Reversed(Linear):
            @staticmethod
            def forward(x, axis):
                return x.flip(axis)

            @staticmethod
            def adjoint(y_bar, shape, axis):
                return Reversed.call(y_bar, axis)

        y = Reversed.call(torch.randn(3, 4, requires_grad=True), -1)

    More: docs/DERIVATIVES.md.
    """

    abstract = True
    adjoint: Callable[..., Tensor]
    folded: ClassVar[tuple[int, int] | None] = None
    sampled: ClassVar[bool] = False
    reads_input: ClassVar[Callable[..., bool] | None] = None

    def __init_subclass__(cls) -> None:
        if not vars(cls).get("abstract", False):
            rules_of(cls, ("forward", "adjoint"), fewest=1 + cls.flat)
            adjoint, flat, folded, reads_input = cls.adjoint, cls.flat, cls.folded, cls.reads_input
            #: Where the constants end among the arguments: before the edge.
            end = -1 if flat else None

            def kept(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
                constants, tensors = inputs[1:end], list[Tensor]()
                for each in constants:
                    if not isinstance(each, Tensor):
                        break
                    tensors.append(each)
                ctx.shape, ctx.numbers = tuple(inputs[0].shape), constants[len(tensors) :]
                if flat or tensors:
                    ctx.save_for_backward(inputs[-1] if flat else None, *tensors)
                    ctx.save_for_forward(*tensors)

            def pulled(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, ...]:
                edge, *tensors = ctx.saved_tensors or (None,)
                constants, wanted = (*tensors, *ctx.numbers), ctx.needs_input_grad
                if True in wanted[1:end]:
                    refuse_moving(cls)
                x_bar = adjoint(y_bar, ctx.shape, *constants)
                if edge is not None and torch.is_grad_enabled() and (reads_input is None or reads_input(*constants)):
                    x_bar = constant_in(edge, x_bar)
                return (x_bar, *((None,) * (len(wanted) - 1)))

            def pushed(ctx: Any, x_dot: Tensor, *others: Tensor | None) -> Tensor:
                if any(other is not None for other in others[:end]):
                    refuse_moving(cls)
                y_dot: Tensor = cls.call(x_dot, *ctx.saved_tensors, *ctx.numbers)
                return y_dot

            def mapped(info: Any, in_dims: tuple[Any, ...], x: Tensor, *others: Any) -> tuple[Tensor, int]:
                (at, *axes), constants, size = in_dims[:end], others[:end], info.batch_size
                if cls.sampled:
                    tensors = ((t, a) for t, a in zip(constants, axes) if isinstance(t, Tensor))
                    front = [in_front(size, t, a) for t, a in ((x, at), *tensors)]
                    return cls.call(*front, *constants[len(front) - 1 :]), 0
                if any_mapped(axes):
                    refuse_moving(cls)
                if folded is None:
                    return cls.call(x.movedim(at, 0), *constants), 0
                return unfold(cls.call(fold(x, at, size, folded[0]), *constants), size, folded[1]), folded[1]

            fill_in(cls, setup_context=kept, backward=pulled, jvp=pushed, vmap=mapped)
        super().__init_subclass__()


class Bilinear(Map):
    """A map that is linear in each of its first two tensors; run it by ``call(x, w, *numbers)``.

    A subclass gives three static methods; what is kept and ``jvp`` follow::

        forward(x, w, *numbers)             y
        backward(ctx, y_bar)                x̄, w̄, None for each number; ``x, w = ctx.saved_tensors``, where x is None
                                            unless w̄ is wanted and w unless x̄ is: see ``ctx.needs_input_grad``
        vmap(info, in_dims, x, w, *numbers) as for `Map`

    Numbers are found in ctx under the names that forward gives them.

    Args:
        call's: two tensors, a third if the class has `added`, then numbers or words, by position.

    Attributes:
        added: ``added(b, x, w, *numbers)``, what a third tensor b adds to y: forward is then ``forward(x, w, b,
            *numbers)``, where b may be None.  None unless the class gives it.

    Raises:
        TypeError: when the class is defined, as for `Map`; if forward takes too few arguments, or any number of them.
        RuntimeError: in forward mode, if a derivative by one of the numbers is asked for.

    More: docs/DERIVATIVES.md.
    """

    abstract = True
    jvp: ClassVar[Callable[..., Tensor | None]]
    added: ClassVar[Callable[..., Tensor] | None] = None

    def __init_subclass__(cls) -> None:
        if not vars(cls).get("abstract", False):
            added = cls.added
            tensors = 2 if added is None else 3
            names = arguments_of(rules_of(cls, ("forward", "backward", "vmap"), fewest=tensors)["forward"])[tensors:]
            if names and names[-1].startswith("*"):
                raise TypeError(f"forward of {cls.__qualname__} takes {names[-1]}; give each number a name ({PAGE})")

            def kept(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
                x, w, *_ = inputs
                of_x, of_w, *_ = ctx.needs_input_grad
                for name, number in zip(names, inputs[tensors:]):
                    setattr(ctx, name, number)
                ctx.save_for_backward(x if of_w else None, w if of_x else None)
                ctx.save_for_forward(x, w)

            def pushed(ctx: Any, x_dot: Tensor | None, w_dot: Tensor | None, *others: Tensor | None) -> Tensor | None:
                if any(other is not None for other in others[tensors - 2 :]):
                    refuse_moving(cls)
                (x, w), numbers = ctx.saved_tensors, [getattr(ctx, name) for name in names]
                rest = numbers if added is None else [None, *numbers]
                terms: list[Tensor] = []
                if x_dot is not None:
                    terms.append(cls.call(x_dot, w, *rest))
                if w_dot is not None:
                    terms.append(cls.call(x, w_dot, *rest))
                if added is not None and others[0] is not None:
                    terms.append(added(others[0], x, w, *numbers))
                return reduce(torch.add, terms) if terms else None

            fill_in(cls, setup_context=kept, jvp=pushed)
        super().__init_subclass__()
