"""The innermost loops of correlation, whose sums stay in registers: what LLVM is given for them, as Numba's intrinsics.

    put_taps:   out[a, j] = b[a] + Σ_r w[r, a] · f[at[r] + j]            a < A, j < V vectors
    add_dots:   out[a, t] += Σ_i Σ_j y[a, yᵢ + j] · f[at[t] + fᵢ + j]    a < A, t < T, j < whole vectors, runs i

Left to itself, LLVM keeps an array of sums in memory and writes it once a term.  Here all sums of a block are values of
one loop, and so stay in registers.  A core with 256-bit vectors has 16 of them: A·V = 12 sums, V = 3 vectors of f and
one weight fill them, with 12 products to 7 reads.  Fewer outputs take more vectors.

Arguments are flat arrays and positions in them; nothing is checked.  Importing this file imports Numba.

Source: Goto and van de Geijn, *Anatomy of high-performance matrix multiplication* (2008), section 6; an operand read
through a table of positions is Dukhan's, *The indirect convolution algorithm*, arXiv 1907.02129.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

Array = np.ndarray[Any, np.dtype[Any]]

#: Bytes of a vector.
VECTOR = 32
#: Sums that a block of products leaves, rounded up to vectors.
SUMS = 16
_INDEX, _LANE = ir.IntType(64), ir.IntType(32)


class _Code:
    """Writes one intrinsic on arrays of one dtype."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.arguments = [self._argument(t, v) for t, v in zip(signature.args, arguments)]
        number = signature.args[0].dtype
        self.scalar = ir.FloatType() if number == types.float32 else ir.DoubleType()
        self.size = number.bitwidth // 8
        self.lanes = VECTOR // self.size
        self.vector = ir.VectorType(self.scalar, self.lanes)
        self.nothing = ir.Constant(self.vector, ir.Undefined)
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)

    def _argument(self, t: Any, v: Any) -> Any:
        return self.context.make_array(t)(self.context, self.builder, v).data if isinstance(t, types.Array) else v

    def place(self, array: Any, *terms: Any) -> Any:
        """The address of ``array[Σ terms]``."""
        at = _INDEX(0)
        for term in terms:
            at = self.builder.add(at, _INDEX(term) if isinstance(term, int) else term)
        return self.builder.gep(array, [at])

    def times(self, a: Any, b: int) -> Any:
        """A product of indices."""
        return self.builder.mul(a, _INDEX(b))

    def load(self, place: Any) -> Any:
        """A vector."""
        found = self.builder.load(self.builder.bitcast(place, self.vector.as_pointer()))
        found.align = self.size
        return found

    def store(self, vector: Any, place: Any) -> None:
        """A vector."""
        self.builder.store(vector, self.builder.bitcast(place, self.vector.as_pointer())).align = self.size

    def everywhere(self, place: Any) -> Any:
        """One number in every lane."""
        first = self.builder.insert_element(self.nothing, self.builder.load(place), _LANE(0))
        return self.builder.shuffle_vector(first, self.nothing, self._lanes([0] * self.lanes))

    def multiplied_and_added(self, total: Any, a: Any, b: Any) -> Any:
        """``total + a·b``, rounded once where the core can."""
        product = self.builder.fmul(a, b, flags=("contract",))
        return self.builder.fadd(total, product, flags=("contract",))

    def _lanes(self, numbers: list[int]) -> Any:
        return ir.Constant(ir.VectorType(_LANE, len(numbers)), numbers)

    def sums(self, vectors: list[Any]) -> list[Any]:
        """Vectors whose lanes are, in order, the sums of these vectors' lanes: neighbours first, log₂ times."""
        even, odd = (self._lanes([begin + 2 * lane for lane in range(self.lanes)]) for begin in (0, 1))
        rest, found = [*vectors, *[self.zero] * (-len(vectors) % self.lanes)], []
        for first in range(0, len(rest), self.lanes):
            some = rest[first : first + self.lanes]
            while len(some) > 1:
                halves = (
                    [self.builder.shuffle_vector(p, q, of) for of in (even, odd)] for p, q in zip(some[::2], some[1::2])
                )
                some = [self.builder.fadd(*half) for half in halves]
            found += some
        return found

    def every_other(self) -> Any:
        """Numbers 0, 2, … of two vectors, the second of which begins with the last number of the first."""
        return self._lanes([place + (place >= self.lanes) for place in range(0, 2 * self.lanes, 2)])

    def alternating(self, begin: int) -> Any:
        """Numbers of two vectors in turn, from the `begin`-th of each on."""
        return self._lanes([begin + p // 2 + p % 2 * self.lanes for p in range(self.lanes)])

    def loop(self, count: Any, values: list[Any], step: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
        """``for i in range(count): values = step(i, values)``; the count is not 0."""
        before = self.builder.block
        block, after = self.builder.append_basic_block(), self.builder.append_basic_block()
        self.builder.branch(block)
        self.builder.position_at_end(block)
        i, carried = self.builder.phi(_INDEX), [self.builder.phi(v.type) for v in values]
        results = step(i, carried)
        following = self.builder.add(i, _INDEX(1))
        for phi, start, result in zip([i, *carried], [_INDEX(0), *values], [following, *results]):
            phi.add_incoming(start, before)
            phi.add_incoming(result, self.builder.block)
        self.builder.cbranch(self.builder.icmp_signed("<", following, count), block, after)
        self.builder.position_at_end(after)
        return results


def _generator(write: Callable[..., None]) -> Callable[..., Any]:
    """What writes an intrinsic without a result."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Code(context, builder, signature, arguments)
        write(code, *code.arguments)
        return context.get_dummy_value()

    return generate


def put_taps(outputs: int, vectors: int) -> Any:
    """The first sum of the equations above for A outputs and V vectors.

    Its arguments: out, the position of out[0, 0], that of out[1, 0] beyond it; w, b, f and at, each with its first
    position; the number of r, which is not 0.
    """

    def write(k: _Code, *arguments: Any) -> None:
        out, y0, pitch, w, w0, b, b0, f, f0, at, at0, count = arguments
        block = [(a, v) for a in range(outputs) for v in range(vectors)]

        def tap(r: Any, sums: list[Any]) -> list[Any]:
            reads = k.builder.load(k.place(at, at0, r))
            row = [k.load(k.place(f, f0, reads, v * k.lanes)) for v in range(vectors)]
            weights = [k.everywhere(k.place(w, w0, k.times(r, outputs), a)) for a in range(outputs)]
            return [k.multiplied_and_added(s, weights[a], row[v]) for s, (a, v) in zip(sums, block)]

        sums = k.loop(count, [k.everywhere(k.place(b, b0, a)) for a, _ in block], tap)
        for s, (a, v) in zip(sums, block):
            k.store(s, k.place(out, y0, k.times(pitch, a), v * k.lanes))

    @intrinsic
    def put(
        _: Any,
        out: Any,
        y0: Any,
        pitch: Any,
        w: Any,
        w0: Any,
        b: Any,
        b0: Any,
        f: Any,
        f0: Any,
        at: Any,
        at0: Any,
        count: Any,
    ) -> Any:
        i = types.intp
        return types.void(out, i, i, w, i, b, i, f, i, at, i, i), _generator(write)

    return put


def add_dots(outputs: int, taps: int) -> Any:
    """The second sum of the equations above for A outputs and T taps.

    Its arguments: out and its first position, A·T sums in rows there, and as many numbers more as fill the last vector;
    y, the position of y[0], that of y[1] beyond it; f and its first position; at and its first position; runs, fᵢ and
    yᵢ in turn, how many, and how many vectors each has; neither is 0.
    """

    def write(k: _Code, *arguments: Any) -> None:
        out, out0, y, y0, pitch, f, f0, at, at0, runs, count, length = arguments
        rows = [k.place(y, y0, k.times(pitch, a)) for a in range(outputs)]
        reads = [k.place(f, f0, k.builder.load(k.place(at, at0, t))) for t in range(taps)]

        def run(i: Any, sums: list[Any]) -> list[Any]:
            fi, yi = (k.builder.load(k.place(runs, k.times(i, 2), which)) for which in (0, 1))

            def products(j: Any, sums: list[Any]) -> list[Any]:
                j = k.times(j, k.lanes)
                # f stays in registers, and y is read where it is multiplied: the other way round is one register more.
                fs = [k.load(k.place(place, fi, j)) for place in reads]
                ys = [k.load(k.place(row, yi, j)) for row in rows]
                pairs = [(a, t) for a in range(outputs) for t in range(taps)]
                return [k.multiplied_and_added(s, ys[a], fs[t]) for s, (a, t) in zip(sums, pairs)]

            return k.loop(length, sums, products)

        for number, vector in enumerate(k.sums(k.loop(count, [k.zero] * (outputs * taps), run))):
            place = k.place(out, out0, number * k.lanes)
            k.store(k.builder.fadd(k.load(place), vector), place)

    @intrinsic
    def add(
        _: Any,
        out: Any,
        out0: Any,
        y: Any,
        y0: Any,
        pitch: Any,
        f: Any,
        f0: Any,
        at: Any,
        at0: Any,
        runs: Any,
        count: Any,
        length: Any,
    ) -> Any:
        i = types.intp
        return types.void(out, i, y, i, i, f, i, at, i, runs, i, i), _generator(write)

    return add


def _copy_vector(_: Any, to: Any, i: Any, of: Any, j: Any) -> Any:
    def write(k: _Code, to: Any, i: Any, of: Any, j: Any) -> None:
        k.store(k.load(k.place(of, j)), k.place(to, i))

    return types.void(to, types.intp, of, types.intp), _generator(write)


def _gather_vector(_: Any, to: Any, i: Any, of: Any, j: Any) -> Any:
    def write(k: _Code, to: Any, i: Any, of: Any, j: Any) -> None:
        # The second vector overlaps the first: no number behind the last is read.
        read = [k.load(k.place(of, j, begin)) for begin in (0, k.lanes - 1)]
        k.store(k.builder.shuffle_vector(*read, k.every_other()), k.place(to, i))

    return types.void(to, types.intp, of, types.intp), _generator(write)


def _interleave_vectors(_: Any, to: Any, i: Any, of: Any, j: Any, other: Any) -> Any:
    def write(k: _Code, to: Any, i: Any, of: Any, j: Any, other: Any) -> None:
        read = [k.load(k.place(of, j)), k.load(k.place(of, other))]
        for half in (0, 1):
            numbers = k.builder.shuffle_vector(*read, k.alternating(half * k.lanes // 2))
            k.store(numbers, k.place(to, i, half * k.lanes))

    return types.void(to, types.intp, of, types.intp, types.intp), _generator(write)


#: ``to[i:] = of[j:]``, as many numbers as a vector has.
copy_vector: Any = intrinsic(_copy_vector)
#: ``to[i:] = of[j::2]``, as many.
gather_vector: Any = intrinsic(_gather_vector)
#: ``to[i::2] = of[j:]`` and ``to[i + 1::2] = of[other:]``, as many of each.
interleave_vectors: Any = intrinsic(_interleave_vectors)
