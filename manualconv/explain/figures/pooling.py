"""Max pooling, and the mask that leads its gradient back.

    Z[p] = max_k A[i]          dA[i] += M[p, k] * dZ[p]          M is 1 at the tap that won, else 0

Shapes: A, dA ``(H, W)``, Z, dZ ``(PH, PW)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figures 12 and 13.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.figures.sheet import LIGHT, MIDDLE, PALE, Cell, Sheet
from manualconv.explain.tracing.layer import Layer, make
from manualconv.explain.tracing.trace import Trace, trace
from manualconv.functional import max_pool2d

A = torch.tensor([[1.0, 2, 2, 1], [3, 4, 0, 0], [5, 2, 1, 1], [3, 4, 0, 3]])
DZ = torch.tensor([[3.0, 1], [8, 2]])


def max_pooling(A: Tensor = A, kernel: int = 2, stride: int = 2) -> Figure:
    """Max pooling of one channel: the largest number of each window.

    Args:
        A: ``(H, W)``; every channel is pooled on its own.
        kernel, stride: one number each, for both axes.

    Returns:
        A `Figure`, the article's figure 12.

    Raises:
        ValueError: the window is larger than the input.
    """
    layer = _layer(A, kernel, stride)
    done = trace(layer, "forward", {"x": A})
    Z = max_pool2d(A[None].double(), kernel, stride)[0]
    lines = [f"max pooling: windows of {kernel} x {kernel}, stride {stride}", *printed.beside(("A", A))]
    for step in done.steps:
        named = ", ".join(printed.number(term.factors[0]) for term in step.terms)
        value = printed.number(Z[step.at[2], step.at[3]])
        shown = f"max({named})" if len(step.terms) > 1 else named
        lines.append(printed.equal(printed.cell("Z", step.at[2:]), shown, value))
    lines += printed.beside(("Z", Z))
    return Figure("max pooling", "\n".join(lines), {"12-max-pooling.png": lambda: _pooled(A, Z, done).png()})


def _layer(A: Tensor, kernel: int, stride: int) -> Layer:
    return make("max_pool", tuple(A.shape), kernel, stride)


def winners(done: Trace) -> list[Cell]:
    """Where each window has its maximum, in the order of the outputs."""
    return [next((t.read[0][2], t.read[0][3]) for t in step.terms if t.factors[-1]) for step in done.steps]


def _windows(done: Trace) -> dict[Cell, str]:
    """A shade for each window, neighbours apart; where windows overlap the last one's."""
    fill: dict[Cell, str] = {}
    for step in done.steps:
        shade = (PALE, LIGHT)[(step.at[2] + step.at[3]) % 2]
        fill |= {(term.read[0][2], term.read[0][3]): shade for term in step.terms}
    return fill


def _checked(shape: tuple[int, ...]) -> dict[Cell, str]:
    return {(r, c): (PALE, LIGHT)[(r + c) % 2] for r, c in product(range(shape[0]), range(shape[1]))}


def _pooled(A: Tensor, Z: Tensor, done: Trace) -> Sheet:
    rows, columns = A.shape
    right = columns + 3.0
    sheet = Sheet(max(right + Z.shape[1] + 1, 13), rows + 3.2, "Max pooling: the largest of each window")
    sheet.grid(0.5, 1, printed.rows(A), "A, its windows shaded", _windows(done), winners(done))
    sheet.arrow((columns + 0.9, 1 + rows / 2), (right - 0.4, 1 + rows / 2))
    sheet.grid(right, 1 + (rows - len(Z)) / 2, printed.rows(Z), "Z", _checked(tuple(Z.shape)))
    size, steps = done.layer.window.kernel_size, done.layer.window.stride
    sheet.words(
        0.5, rows + 1.8, f"windows of {size[0]} x {size[1]}, stride {steps[0]}; framed: the maximum of a window"
    )
    sheet.words(0.5, rows + 2.5, "of equal numbers the first wins, row by row")
    return sheet


def mask(A: Tensor = A, dZ: Tensor = DZ, kernel: int = 2, stride: int = 2) -> Figure:
    """Max pooling backward: the mask remembers where each maximum was, and the cotangent goes there alone.

    Args:
        A: ``(H, W)``.
        dZ: the cotangent of Z, ``(PH, PW)``.
        kernel, stride: one number each, for both axes.

    Returns:
        A `Figure`, the article's figure 13.

    Raises:
        ValueError: the window is larger than the input, or dZ has another shape than Z.
    """
    layer = _layer(A, kernel, stride)
    if tuple(dZ.shape) != layer.window.output_size:
        raise ValueError(f"dZ has the shape {tuple(dZ.shape)}, and Z has {layer.window.output_size}")
    done = trace(layer, "forward", {"x": A})
    wide = A.detach().double().requires_grad_()
    (dA,) = grad(max_pool2d(wide[None], kernel, stride)[0], wide, dZ.double())
    M = torch.zeros(A.shape, dtype=torch.int64)
    for at in winners(done):
        M[at] = 1
    lines = [
        "max pooling backward: dA[i] += M[p, k] * dZ[p]",
        *printed.beside(("A", A), ("M", M), ("dZ", dZ), ("dA", dA)),
    ]
    for at, dz in zip(winners(done), dZ.flatten()):
        lines.append(f"    {printed.number(dz)} goes to {printed.cell('dA', at)}, where the maximum was")
    files = {"13-mask.png": lambda: _masked((A, M, dZ, dA), done).png()}
    return Figure("the mask of max pooling", "\n".join(lines), files)


def _masked(tensors: tuple[Tensor, Tensor, Tensor, Tensor], done: Trace) -> Sheet:
    A, M, dZ, dA = tensors
    rows, columns = A.shape
    won, gap = winners(done), columns + 1.5
    sheet = Sheet(3 * gap + dZ.shape[1] + 3.2, rows + 3.2, "Max pooling backward: the mask remembers the maximum")
    sheet.grid(0.5, 1, printed.rows(A), "A, forward", _windows(done), won)
    sheet.grid(0.5 + gap, 1, printed.rows(M), "mask M", dict.fromkeys(won, MIDDLE))
    last = 0.5 + 2 * gap
    sheet.grid(last, 1, printed.rows(dA), "dA, backward", dict.fromkeys(won, MIDDLE), won)
    right = last + columns + 2.2
    sheet.grid(right, 1 + (rows - len(dZ)) / 2, printed.rows(dZ), "dZ, given", _checked(tuple(dZ.shape)))
    sheet.arrow((right - 0.4, 1 + rows / 2), (last + columns + 0.4, 1 + rows / 2))
    sheet.words(0.5, rows + 1.8, "each dZ goes to the pixel that won its window, and nowhere else: 0 in all others")
    sheet.words(0.5, rows + 2.5, "where windows overlap and one pixel won several, what it gets is added")
    return sheet
