"""Rows copied to and from frames, by vectors: with a step, two in turn, or as they are.

Arrays are flat; i and j are positions in them.  Importing this file imports Numba.
"""

from __future__ import annotations

from manualconv.kernels.compiling import compiled
from manualconv.kernels.correlation.compiled_sums import VECTOR, Array, copy_vector, gather_vector, interleave_vectors


@compiled
def copy(to: Array, i: int, row_to: int, of: Array, j: int, row_of: int, rows: int, n: int) -> None:
    """``to[i + row_to·r + k] = of[j + row_of·r + k]``, r < rows, k < n: by vectors, the last two may overlap."""
    lanes = VECTOR // to.itemsize
    for _ in range(rows):
        if n >= lanes:
            for k in range(0, n - lanes, lanes):
                copy_vector(to, i + k, of, j + k)
            copy_vector(to, i + n - lanes, of, j + n - lanes)
        else:
            for k in range(n):
                to[i + k] = of[j + k]
        i += row_to
        j += row_of


@compiled
def gather(to: Array, i: int, row_to: int, of: Array, j: int, row_of: int, step: int, rows: int, n: int) -> None:
    """``to[i + row_to·r + k] = of[j + row_of·r + step·k]``: by vectors where the step is 2."""
    lanes = VECTOR // to.itemsize
    for _ in range(rows):
        if step == 2 and n >= lanes:
            for k in range(0, n - lanes, lanes):
                gather_vector(to, i + k, of, j + 2 * k)
            gather_vector(to, i + n - lanes, of, j + 2 * (n - lanes))
        else:
            for k in range(n):
                to[i + k] = of[j + step * k]
        i += row_to
        j += row_of


@compiled
def scatter(to: Array, i: int, row_to: int, of: Array, j: int, row_of: int, step: int, rows: int, n: int) -> None:
    """``to[i + row_to·r + step·k] = of[j + row_of·r + k]``."""
    for _ in range(rows):
        for k in range(n):
            to[i + step * k] = of[j + k]
        i += row_to
        j += row_of


@compiled
def interleave(
    to: Array, i: int, row_to: int, of: Array, j: int, other: int, row_of: int, rows: int, n: int, n_other: int
) -> None:
    """Rows of n numbers from j on and of `n_other` from there on, in turn; one less or as many are of the other."""
    lanes = VECTOR // to.itemsize
    for _ in range(rows):
        if n_other >= lanes:
            for k in range(0, n_other - lanes, lanes):
                interleave_vectors(to, i + 2 * k, of, j + k, other + k)
            k = n_other - lanes
            interleave_vectors(to, i + 2 * k, of, j + k, other + k)
        else:
            for k in range(n_other):
                to[i + 2 * k] = of[j + k]
                to[i + 2 * k + 1] = of[other + k]
        if n > n_other:
            to[i + 2 * n_other] = of[j + n_other]
        i += row_to
        j += row_of
        other += row_of


@compiled
def clear(f: Array) -> None:
    """``f[i] = 0``."""
    for i in range(f.shape[0]):
        f[i] = 0
