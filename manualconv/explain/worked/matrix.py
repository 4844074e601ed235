"""A convolution as a matrix on paper: its letters, what it is made of, its product and its transpose's.

    Z = M x        dx = Mᵀ dZ

Shapes: x ``(I,)`` flattened, M ``(P, I)``, one channel and one filter.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figure 9.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.figures import connections
from manualconv.explain.figures.lettered import Lettered, letter, lettered, roman
from manualconv.explain.text import by
from manualconv.explain.worked.convolution import CONVOLUTIONS
from manualconv.explain.worked.ran import Run, listing, run, stated
from manualconv.functional.toeplitz import toeplitz
from manualconv.geometry import Axes
from manualconv.kernels.matrix import toeplitz as kernels

#: A matrix with more rows or columns is counted, not printed.
LEGIBLE = 40


def toeplitz_matrix(
    input_size: int | Axes = (3, 3),
    kernel_size: int | Axes = (2, 2),
    stride: int | Axes = 1,
    padding: Any = 0,
    dilation: int | Axes = 1,
) -> Figure:
    """A convolution as a matrix: sparse connections, shared weights, and the transpose that is the input gradient.

    Args:
        input_size: one number an axis, one to three axes.
        kernel_size, stride, dilation: one number, or one per axis.
        padding: one number, one or a ``(before, after)`` pair per axis, ``'valid'``, ``'same'`` or ``'full'``.

    Returns:
        A `Figure`, the matrix of the article's figure 9; rows and columns beyond 40 are counted, and not printed.

    Raises:
        ValueError: sizes that make no convolution, or a matrix of more than two million places.
        TypeError: no whole numbers.

    Example:
        >>> print(toeplitz_matrix().text.splitlines()[7])
          16 of 36 non-zeros, 4 distinct weights
    """
    made = lettered(input_size, kernel_size, stride, padding, dilation)
    window = made.window
    weight = torch.arange(1.0, window.taps + 1).double().reshape(1, 1, *window.kernel_size)
    x = torch.arange(1.0, prod(window.input_size) + 1).double().reshape(1, *window.input_size)
    dz = torch.arange(1.0, window.placements + 1).double().reshape(1, *window.output_size)
    layer, numbers = CONVOLUTIONS[window.ndim], (window.stride, window.padding, window.dilation)
    done = run(lambda a: layer(a, weight, None, *numbers), (x,), dz)
    matrix = toeplitz(weight, window.input_size, *numbers, layout=torch.strided)
    lines = [*_described(made), *_products(made, matrix, (x, dz), done)]
    lines += listing([stated(kernels, "A[(o, p), (c, i)] = w[(g o), c, k]")], done)
    name = "a convolution as a matrix"
    return Figure(name, "\n".join(lines), {"09-toeplitz.png": lambda: connections.matrix_sheet(made).png()})


def _described(made: Lettered) -> Iterator[str]:
    window, counts = made.window, made.counts
    sizes = [f"{name} {by(axes)}" for name, axes in (("stride", window.stride), ("dilation", window.dilation))]
    pads = ", ".join(f"{a}+{b}" for a, b in window.padding)
    head = f"input {by(window.input_size)}, kernel {by(window.kernel_size)}, padding {pads}, {', '.join(sizes)}"
    yield f"a convolution as a matrix: {head} -> output {by(window.output_size)}"
    yield "  columns are the input's neurons, 1, 2, ...; rows the outputs, A, B, ...; entries the weights, I, II, ..."
    if max(counts.rows, counts.columns) <= LEGIBLE:
        heads = [str(n + 1) for n in range(counts.columns)]
        yield from _table(heads, [letter(n) for n in range(counts.rows)], made.rows())
    else:
        yield f"    {counts.rows} x {counts.columns}: printed up to {LEGIBLE} x {LEGIBLE}"
    yield f"  {counts.nonzeros} of {counts.rows * counts.columns} non-zeros, {counts.weights} distinct weights"
    if counts.columns > LEGIBLE:
        return
    yield f"  sparse     uses per neuron {counts.uses_of_inputs.flatten().tolist()}"
    for neuron in range(counts.columns):
        fed = made.fed_by(neuron)
        named = ", ".join(map(letter, fed)) if fed else "no output: no placement reaches it"
        yield f"    neuron {neuron + 1} feeds {named}{' alone' if len(fed) == 1 else ''}"
    yield f"  shared     uses per weight {counts.uses_of_weights.flatten().tolist()}"


def _table(heads: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    width = max(len(text) for row in (heads, *rows) for text in row)
    first = max(map(len, names))
    for name, row in (("", heads), *zip(names, rows)):
        yield f"    {name:{first}}  {' '.join(text.rjust(width) for text in row)}"


def _products(made: Lettered, matrix: Tensor, numbers: tuple[Tensor, Tensor], done: Run) -> Iterator[str]:
    x, dz = numbers
    if max(made.counts.rows, made.counts.columns) > LEGIBLE:
        return
    weights = made.window.taps
    yield f"  with the numbers I = 1 ... {roman(weights)} = {weights}, x = 1, 2, ..., dZ = 1, 2, ..."
    yield from printed.beside(("M x   ", matrix @ x.flatten()))
    yield from printed.beside(("conv x", done.output.flatten()))
    yield "  the transpose is the input gradient"
    names = [str(n + 1) for n in range(made.counts.columns)]
    yield from _table([letter(n) for n in range(made.counts.rows)], names, [*zip(*made.rows())])
    yield from printed.beside(("Mᵀ dZ          ", matrix.T @ dz.flatten()))
    yield from printed.beside(("dx, by autograd", done.gradients[0].flatten()))
