"""The passes of a convolution layer, and its input gradient as a full convolution.

    forward   Z = W * A + b                  dA = dZ *full* (W turned by 180 degrees)
    backward  dW = A * dZ                    db = sum dZ

Shapes: A, dA ``(H, W)``, W, dW ``(KH, KW)``, Z, dZ ``(PH, PW)``, b and db one number; stride 1, no padding.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figures 10 and 11.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.figures.sheet import LIGHT, MIDDLE, PALE, QUIET, Sheet
from manualconv.explain.tracing.layer import make
from manualconv.explain.tracing.trace import Trace, trace
from manualconv.functional import conv2d
from manualconv.geometry import full_padding

A = torch.tensor([[1.0, 2, 0], [3, 1, 1], [0, 2, 4]])
W = torch.tensor([[1.0, 2], [3, -1]])
DZ = torch.tensor([[1.0, 2], [3, 4]])
BIAS = 1.0


class Numbers(NamedTuple):
    """A layer of one channel and one filter, forward and backward."""

    A: Tensor
    W: Tensor
    b: Tensor
    Z: Tensor
    dZ: Tensor
    dA: Tensor
    dW: Tensor
    db: Tensor


def numbers(A: Tensor, W: Tensor, b: float, dZ: Tensor) -> Numbers:
    """All tensors of the layer, by `manualconv.functional` and its autograd.

    Raises:
        ValueError: the kernel is larger than the input, or dZ has another shape than Z.
    """
    layer = make("conv", tuple(A.shape), tuple(W.shape))
    if tuple(dZ.shape) != layer.window.output_size:
        raise ValueError(f"dZ has the shape {tuple(dZ.shape)}, and Z has {layer.window.output_size}")
    bias = torch.tensor([b])
    x, w, c = (t.detach().double().requires_grad_() for t in (A[None, None], W[None, None], bias))
    z = conv2d(x, w, c)
    dA, dW, db = grad(z, (x, w, c), dZ.double()[None, None])
    return Numbers(A, W, bias, z.detach()[0, 0], dZ, dA[0, 0], dW[0, 0], db)


def passes(A: Tensor = A, W: Tensor = W, b: float = BIAS, dZ: Tensor = DZ) -> Figure:
    """The forward pass of a layer and its three gradients, each with its numbers.

    Args:
        A, W: ``(H, W)`` and ``(KH, KW)``.
        b: the bias.
        dZ: the cotangent of Z, ``(PH, PW)``.

    Returns:
        A `Figure`, the article's figure 10.

    Raises:
        ValueError: the kernel is larger than the input, or dZ has another shape than Z.
    """
    all_of = numbers(A, W, b, dZ)
    lines = ["the passes of a convolution layer, stride 1"]
    for words, shown in (
        ("forward    Z = W * A + b", ("A", "W", "b", "Z")),
        ("backward   dA = dZ, full, * W turned: to the layer before", ("dZ", "W", "dA")),
        ("           dW = A * dZ: to update W", ("A", "dZ", "dW")),
        ("           db = sum dZ: to update b", ("dZ", "db")),
    ):
        lines += [f"  {words}", *printed.beside(*((name, getattr(all_of, name)) for name in shown))]
    return Figure("the passes of a layer", "\n".join(lines), {"10-passes.png": lambda: _flow(all_of).png()})


def _flow(all_of: Numbers) -> Sheet:
    """Forward above, from left to right; backward below, from right to left; the weights between."""
    (rows, columns), (tall, wide), pw = all_of.A.shape, all_of.W.shape, all_of.Z.shape[1]
    middle = columns + 5.2
    right = middle + wide + 5.0
    down = 1.2 + max(rows, tall + 2.2) + 2.4
    sheet = Sheet(right + pw + 1.0, down + max(rows, tall + 2.2) + 1.2, "The passes of a convolution layer")
    sheet.grid(0.5, 1.2, printed.rows(all_of.A), "A, input", base=PALE)
    sheet.grid(middle, 1.2, printed.rows(all_of.W), "W, weights", base=LIGHT)
    sheet.grid(middle, 1.2 + tall + 1.2, printed.rows(all_of.b), "b, bias", base=LIGHT)
    sheet.grid(right, 1.2, printed.rows(all_of.Z), "Z, output", base=MIDDLE)
    for start, end, y in ((columns + 0.9, middle - 0.4, 2.2), (middle + wide + 0.4, right - 0.4, 2.2)):
        sheet.arrow((start, y), (end, y))
    sheet.words((middle + wide + right) / 2, 1.7, "Z = W * A + b", 10, "center")
    sheet.line((0.5, right + pw + 0.5), (down - 1.2, down - 1.2), QUIET, 0.7)
    sheet.words(0.5, down - 1.5, "forward, to the right", 10)
    sheet.words(0.5, down - 0.85, "backward, to the left", 10)
    below = down + 0.5
    sheet.grid(0.5, below, printed.rows(all_of.dA), "dA, to the layer before", base=PALE)
    sheet.grid(middle, below, printed.rows(all_of.dW), "dW, updates W", base=LIGHT)
    sheet.grid(middle, below + tall + 1.2, printed.rows(all_of.db), "db, updates b", base=LIGHT)
    sheet.grid(right, below, printed.rows(all_of.dZ), "dZ, given", base=MIDDLE)
    sheet.arrow((right - 0.4, below + 1), (middle + wide + 0.4, below + 1))
    sheet.words((middle + wide + right) / 2, below + 0.5, "dW = A * dZ", 10, "center")
    sheet.words((middle + wide + right) / 2, below + 1.5, "db = sum dZ", 10, "center")
    sheet.arrow((middle - 0.4, below + 1), (columns + 0.9, below + 1))
    sheet.words((columns + 0.5 + middle) / 2, below + 1.5, "dA = dZ *full* W turned", 10, "center")
    return sheet


def full(A: Tensor = A, W: Tensor = W, dZ: Tensor = DZ) -> Figure:
    """The input gradient as a full convolution: dZ with zeros around it, and the kernel turned by 180 degrees.

    Args:
        A: the input ``(H, W)``, of which only the size matters.
        W: the kernel ``(KH, KW)``.
        dZ: the cotangent of Z, ``(PH, PW)``.

    Returns:
        A `Figure`, the article's figure 11.

    Raises:
        ValueError: the kernel is larger than the input, or dZ has another shape than Z.
    """
    all_of = numbers(A, W, 0.0, dZ)
    done = trace(make("conv", tuple(A.shape), tuple(W.shape)), "input-full", {"dy": dZ, "w": W})
    lines = ["the input gradient as a full convolution: dA = dZ, with K - 1 zeros around, * W turned by 180 degrees"]
    lines += printed.beside(("dZ", dZ), ("W", W), ("W turned", W.flip(0, 1)))
    for step in done.steps:
        terms = [printed.product(w, dz) for dz, w in (term.factors for term in step.terms)]
        value = all_of.dA[step.at[2], step.at[3]]
        lines.append(printed.line("dA", step.at[2:], terms, value))
    lines += printed.beside(("dA", all_of.dA))
    return Figure("full convolution", "\n".join(lines), {"11-full.png": lambda: _framed(all_of, done).png()})


def _framed(all_of: Numbers, done: Trace) -> Sheet:
    """dZ in its zeros; the placement of the first gradient and of one in the middle are framed."""
    (rows, columns), (tall, wide) = all_of.dA.shape, all_of.W.shape
    (top, bottom), (before, after) = full_padding((tall, wide), (1, 1))
    ph, pw = all_of.dZ.shape
    padded = [["0"] * (before + pw + after) for _ in range(top + ph + bottom)]
    inside = {(top + r, before + c) for r in range(ph) for c in range(pw)}
    for r, c in inside:
        padded[r][c] = printed.number(all_of.dZ[r - top, c - before])
    middle = 0.5 + len(padded[0]) + 1.6
    last = middle + 2 * wide + 3.4
    height = max(len(padded), rows, tall)
    sheet = Sheet(last + columns + 0.8, height + 4.4, "dA is the full convolution of dZ with the kernel turned by 180°")
    at = (0, columns // 2)
    step = done.steps[at[0] * columns + at[1]]
    read = [(term.read[0][2] + top, term.read[0][3] + before) for term in step.terms]
    sheet.grid(0.5, 1, padded, "dZ, zeros around it", dict.fromkeys(inside, LIGHT), read)
    sheet.grid(middle, 1, printed.rows(all_of.W), "W", base=PALE)
    sheet.arrow((middle + wide + 0.25, 1 + tall / 2), (middle + wide + 1.15, 1 + tall / 2))
    sheet.grid(middle + wide + 1.4, 1, printed.rows(all_of.W.flip(0, 1)), "W turned", base=PALE)
    sheet.arrow((last - 1.5, 1 + tall / 2), (last - 0.4, 1 + tall / 2))
    sheet.grid(last, 1, printed.rows(all_of.dA), "dA", {at: MIDDLE}, [at])
    terms = [printed.product(w, dz) for dz, w in (term.factors for term in step.terms)]
    below = height + 1.8
    sheet.words(0.5, below, f"framed: dZ[p] times W turned, summed, is dA[{at[0]},{at[1]}]")
    sheet.words(0.5, below + 0.8, f"{printed.total(terms)} = {printed.number(all_of.dA[at])}", 12)
    sheet.words(0.5, below + 1.6, "full: k - 1 zeros on each side, so every overlap counts; o = i + k - 1", 11)
    return sheet
