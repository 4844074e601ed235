"""Eight numbers at a time, for loops of Numba whose rows are too short for the compiler's own vectors.

    v = evens(x, i)                v[l] = x[i + 2·l]
    v = odds(x, i)                 v[l] = x[i + 1 + 2·l]           both read x[i] … x[i + 15]
    v = alike(x, a)                v[l] = a, of the dtype of x
    k = labels(x, a)               k[l] = a, an integer as wide as the numbers of x
    v, k = better(v, k, w, m)      ``(w, m)[l]`` where w[l] is larger than v[l] or a NaN, else ``(v, k)[l]``
    store(y, i, v)                 y[i + l] = v[l], integers cut to the width of y's

The compiler takes up to four vectors in one step of a loop, and number by number what is left: for a row of fourteen,
all of it.  So these loops say themselves what eight lanes do.  The processor's vectors may have another width: LLVM
sees to that.

Shapes: l = 0 … 7; x and y ``(numbers,)``.  Source: the LLVM Language Reference Manual, "Vector Operations"; Numba's
manual, "Implementing intrinsics".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.datamodel.models import PrimitiveModel
from numba.extending import intrinsic, register_model

#: Numbers that are worked on at a time.
LANES = 8


def _operation(rule: Callable[..., object]) -> Any:
    """What loops call by this rule, which gives its types and writes its code; to Python it is of any type."""
    return intrinsic(rule)


class Eight(types.Type):
    """Numba's type of eight numbers."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"eight {dtype}")


@register_model(Eight)
class _EightModel(PrimitiveModel):
    """They lie in a vector of LLVM's."""

    def __init__(self, manager: Any, of: Any) -> None:
        super().__init__(manager, of, ir.VectorType(manager.lookup(of.dtype).get_value_type(), LANES))


def _integers(dtype: Any) -> Any:
    """The integers as wide as a floating dtype."""
    return types.Integer.from_bitwidth(dtype.bitwidth, True)


def _pointer(context: Any, builder: Any, array: Any, args: Any, lanes: int) -> tuple[Any, int]:
    """Where so many numbers of an array lie, from i on, and how they are aligned: (array, i, …) of this type."""
    data, i = context.make_array(array)(context, builder, args[0]).data, args[1]
    number = context.get_data_type(array.dtype)
    return builder.bitcast(builder.gep(data, [i]), ir.VectorType(number, lanes).as_pointer()), array.dtype.bitwidth // 8


def _filled(builder: Any, number: Any) -> Any:
    """One number in all lanes."""
    kind = ir.VectorType(number.type, LANES)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _every_other(first: int) -> Any:
    """What reads each second of sixteen numbers."""

    def read(typing: Any, x: Any, i: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer, align = _pointer(context, builder, signature.args[0], args, 2 * LANES)
            both = builder.load(pointer, align=align)
            lanes = [first + 2 * lane for lane in range(LANES)]
            return builder.shuffle_vector(both, both, ir.Constant(ir.VectorType(ir.IntType(32), LANES), lanes))

        return Eight(x.dtype)(x, types.intp), build

    return _operation(read)


evens, odds = _every_other(0), _every_other(1)


@_operation
def alike(typing: Any, x: Any, number: Any) -> Any:
    """One number, of the dtype of x, in all lanes."""
    return Eight(x.dtype)(x, x.dtype), lambda context, builder, signature, args: _filled(builder, args[1])


@_operation
def labels(typing: Any, x: Any, number: Any) -> Any:
    """One integer, as wide as the numbers of x, in all lanes."""
    wide = _integers(x.dtype)
    return Eight(wide)(x, wide), lambda context, builder, signature, args: _filled(builder, args[1])


@_operation
def better(typing: Any, v: Any, k: Any, w: Any, m: Any) -> Any:
    """In each lane the better of two candidates, the first of them unless the second is larger or a NaN."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, i, b, j = args
        taken = builder.or_(builder.fcmp_ordered(">", b, a), builder.fcmp_unordered("uno", b, b))
        return context.make_tuple(
            builder, signature.return_type, (builder.select(taken, b, a), builder.select(taken, j, i))
        )

    return types.Tuple((v, k))(v, k, w, m), build


@_operation
def store(typing: Any, y: Any, i: Any, v: Any) -> Any:
    """Eight numbers into y."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer, align = _pointer(context, builder, signature.args[0], args, LANES)
        to, numbers = ir.VectorType(context.get_data_type(signature.args[0].dtype), LANES), args[2]
        builder.store(numbers if numbers.type == to else builder.trunc(numbers, to), pointer, align=align)
        return context.get_dummy_value()

    return types.none(y, types.intp, v), build
