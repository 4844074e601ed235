"""The fully connected layer and the activations on paper.

    Z[n, o] = b[o] + sum_c W[o, c] * A[n, c]       dA = dZ W       dW = dZᵀ A       db[o] = sum_n dZ[n, o]
    A = g(Z)                                       dZ = dA ⊙ g′(Z)

Shapes: A, dA ``(N, C)``, W, dW ``(O, C)``, b, db ``(O,)``, Z, dZ ``(N, O)``; an activation's all alike, ``(M,)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*; collected notes (fully connected).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import exp

import torch
from torch import Tensor

from manualconv.autograd import rectifiers, sigmoidal
from manualconv.autograd.correlation import Convolution, TransposedConvolution, WeightCorrelation
from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.printed import factor, number, product
from manualconv.explain.worked.ran import Run, equation, listing, run
from manualconv.functional import linear as layer
from manualconv.functional import relu, sigmoid, tanh

A, W, b = torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[1.0, -1], [2, 0], [-3, 1]]), torch.tensor([5.0, 0, -1])
DZ = torch.tensor([[1.0, 0, 2], [10, -1, 0]])
Z, DA = torch.tensor([-2.0, 0, 0.5, 3]), torch.tensor([5.0, 6, 7, -8])


def linear(A: Tensor = A, W: Tensor = W, b: Tensor = b, dZ: Tensor = DZ) -> Figure:
    """Every number of a fully connected layer, forward and backward: a convolution without positions.

    Args:
        A: input ``(N, C)``, a sample a row.
        W, b: weight ``(O, C)`` and bias ``(O,)``.
        dZ: the cotangent of Z, ``(N, O)``.

    Returns:
        A `Figure` of words alone.
    """
    done = run(layer, (A, W, b), dZ)
    lines = ["fully connected layer, forward and backward: Z = A Wᵀ + b"]
    lines += printed.beside(("A", A), ("W", W), ("b", b), ("dZ", dZ))
    lines += _linear_sums(A, W, b, dZ, done)
    lines += listing([equation(m) for m in (Convolution, TransposedConvolution, WeightCorrelation)], done)
    return Figure("a fully connected layer, forward and backward", "\n".join(lines))


def _linear_sums(A: Tensor, W: Tensor, b: Tensor, dZ: Tensor, done: Run) -> Iterator[str]:
    dA, dW, db = done.gradients
    (samples, channels), outputs = A.shape, len(W)
    yield "  forward    Z[n,o] = b[o] + sum_c W[o,c] * A[n,c]"
    for n, o in _pairs(samples, outputs):
        terms = [number(b[o]), *(product(W[o, c], A[n, c]) for c in range(channels))]
        yield printed.line("Z", (n, o), terms, done.output[n, o])
    yield "  backward   dA[n,c] = sum_o W[o,c] * dZ[n,o]"
    for n, c in _pairs(samples, channels):
        terms = [product(W[o, c], dZ[n, o]) for o in range(outputs)]
        yield printed.line("dA", (n, c), terms, dA[n, c])
    yield "             dW[o,c] = sum_n A[n,c] * dZ[n,o]"
    for o, c in _pairs(outputs, channels):
        terms = [product(A[n, c], dZ[n, o]) for n in range(samples)]
        yield printed.line("dW", (o, c), terms, dW[o, c])
    yield "             db[o] = sum_n dZ[n,o]"
    for o in range(outputs):
        yield printed.line("db", (o,), map(number, dZ[:, o]), db[o])


def _pairs(rows: int, columns: int) -> list[tuple[int, int]]:
    return [(row, column) for row in range(rows) for column in range(columns)]


def _relu(z: float, y: float) -> tuple[str, str]:
    return f"max({number(z)}, 0)", "1" if z > 0 else "0"


def _sigmoid(z: float, y: float) -> tuple[str, str]:
    return f"1 / (1 + exp({number(-z)}))", f"{number(y)}*(1 - {number(y)})"


def _tanh(z: float, y: float) -> tuple[str, str]:
    tail = number(exp(-2 * z))
    return f"(1 - {tail}) / (1 + {tail})", f"(1 - {factor(y)}**2)"


#: Function, map, g in words, g′ in words, and how both are written at a number.
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], type, str, str, Callable[[float, float], tuple[str, str]]]] = {
    "relu": (relu, rectifiers.ReLU, "max(z, 0)", "1 where z > 0, else 0", _relu),
    "sigmoid": (sigmoid, sigmoidal.Sigmoid, "s = 1 / (1 + exp(-z))", "s * (1 - s)", _sigmoid),
    "tanh": (tanh, sigmoidal.Tanh, "y = (1 - exp(-2z)) / (1 + exp(-2z))", "1 - y**2", _tanh),
}


def activation(Z: Tensor = Z, dA: Tensor = DA) -> Figure:
    """Every number of ReLU, sigmoid and tanh, forward and backward.

    Args:
        Z: ``(M,)``, what the activation reads.
        dA: the cotangent of what it computes, ``(M,)``.

    Returns:
        A `Figure` of words alone.
    """
    lines = ["activations, forward and backward: A = g(Z), entry by entry"]
    lines += printed.beside(("Z", Z), ("dA", dA))
    for name, (function, map, value, slope, written) in ACTIVATIONS.items():
        done = run(function, (Z,), dA)
        lines.append(f"  {name:10} g(z) = {value}      dZ = dA * g'(Z), g' = {slope}")
        entries = zip(Z.tolist(), done.output.tolist(), dA.tolist(), done.gradients[0].tolist())
        for n, (z, a, da, dz) in enumerate(entries):
            shown, sloped = written(z, a)
            lines.append(printed.line("A", (n,), shown, a))
            lines.append(printed.line("dZ", (n,), f"{number(da)}*{sloped}", dz))
        lines += listing([equation(map)], done)
    return Figure("activations, forward and backward", "\n".join(lines))
