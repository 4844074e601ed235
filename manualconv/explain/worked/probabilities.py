"""Softmax and the two losses on paper.

    p[i] = exp(z[i]) / sum_j exp(z[j])       J[i,j] = p[i] * (1[i = j] - p[j])        dz = p * (dp - sum(p * dp))
    E = -log p[t]                            dz = p - onehot(t)
    E = 1/2 * sum (t - y)**2, y = s(u)       delta = (y - t) * y * (1 - y)

Shapes: z, p, dz, u, y, t ``(C,)``, J ``(C, C)``.

Source: collected notes (softmax, cross-entropy, squared error); Bishop, *Pattern recognition and machine learning*,
section 4.3.4.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from manualconv.autograd import softmax as derivatives
from manualconv.autograd.pointwise import Square
from manualconv.autograd.softmax import LogSoftmax, Softmax
from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.printed import factor, number, product, total
from manualconv.explain.worked.ran import Run, equation, listing, run, stated
from manualconv.functional import cross_entropy as loss
from manualconv.functional import mse_loss, sigmoid
from manualconv.functional import softmax as layer

Z, DP = torch.tensor([1.0, 2, 3]), torch.tensor([1.0, 0, -2])
U, T = torch.tensor([0.5, -1, 2]), torch.tensor([1.0, 0, 0])


def _shares(z: Tensor, p: Tensor) -> Iterator[str]:
    exponentials = [f"exp({number(value)})" for value in z]
    for i in range(len(z)):
        yield printed.line("p", (i,), f"{exponentials[i]} / ({total(exponentials)})", p[i])


def softmax(z: Tensor = Z, dp: Tensor = DP) -> Figure:
    """Every number of a softmax, of its Jacobian and of its backward.

    Args:
        z: scores, ``(C,)``.
        dp: the cotangent of p, ``(C,)``.

    Returns:
        A `Figure` of words alone.
    """
    done = run(lambda t: layer(t, 0), (z,), dp)
    lines = ["softmax, forward and backward", *printed.beside(("z", z), ("dp", dp))]
    lines.append("  forward    p[i] = exp(z[i]) / sum_j exp(z[j])")
    lines += _shares(z, done.output)
    lines += _jacobian(z, dp, done)
    lines += listing([equation(Softmax), stated(derivatives, "z̄ = p ⊙ (p̄ − ⟨p, p̄⟩)")], done)
    return Figure("softmax, forward and backward", "\n".join(lines))


def _jacobian(z: Tensor, dp: Tensor, done: Run) -> Iterator[str]:
    p, dz = done.output, done.gradients[0]
    rows = [run(lambda t: layer(t, 0), (z,), unit).gradients[0] for unit in torch.eye(len(z))]
    yield "  Jacobian   J[i,j] = p[i] * (1[i = j] - p[j]): diag(p) - p pᵀ, symmetric; a row is the gradient of one p[i]"
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            shown = f"{number(p[i])}*({int(i == j)} - {number(p[j])})"
            yield printed.line("J", (i, j), shown, value)
    yield "  backward   dz[i] = p[i] * (dp[i] - s),  s = sum_j p[j] * dp[j]"
    level = number((p * dp.double()).sum())
    yield printed.equal("s", total(product(a, c) for a, c in zip(p, dp)), level)
    for i, value in enumerate(dz):
        shown = f"{number(p[i])}*({number(dp[i])} - {factor(float(level))})"
        yield printed.line("dz", (i,), shown, value)


def cross_entropy(z: Tensor = Z, target: int = 2) -> Figure:
    """Every number of the cross-entropy of one sample, forward and backward.

    Args:
        z: scores, ``(C,)``.
        target: the right class, counted from 0.

    Returns:
        A `Figure` of words alone.
    """
    p = run(lambda t: layer(t, 0), (z,), torch.zeros_like(z)).output
    done = run(lambda t: loss(t[None], torch.tensor([target])), (z,), torch.tensor(1.0))
    lines = [f"cross-entropy of a softmax, forward and backward; the target is class {target}, counted from 0"]
    lines += [*printed.beside(("z", z)), "  softmax    p[i] = exp(z[i]) / sum_j exp(z[j])", *_shares(z, p)]
    lines.append("  forward    E = -log p[t]")
    lines.append(printed.equal("E", f"-log({number(p[target])})", number(done.output)))
    lines.append("  backward   dz = p - onehot(t): every share down to its score, and 1 off at the target")
    for i, value in enumerate(done.gradients[0]):
        lines.append(printed.line("dz", (i,), f"{number(p[i])} - {int(i == target)}", value))
    lines.append("  batch      E is the mean over the samples, so each sample's dz is divided by their number: here 1")
    lines += listing([equation(LogSoftmax), stated(derivatives, "whose gradient is p − one-hot")], done)
    return Figure("cross-entropy, forward and backward", "\n".join(lines))


def squared_error(u: Tensor = U, t: Tensor = T) -> Figure:
    """Every number of half the squared error behind a sigmoid, forward and backward.

    Args:
        u: what the sigmoid reads, ``(C,)``.
        t: what it should give, ``(C,)``.

    Returns:
        A `Figure` of words alone.
    """
    wide = t.double()
    y = run(sigmoid, (u,), torch.zeros_like(u)).output
    done = run(lambda a: 0.5 * mse_loss(sigmoid(a), wide, reduction="sum"), (u,), torch.tensor(1.0))
    lines = ["half the squared error behind a sigmoid, forward and backward", *printed.beside(("u", u), ("t", t))]
    lines.append("  forward    y = 1 / (1 + exp(-u))      E = 1/2 * sum_i (t[i] - y[i])**2")
    for i, value in enumerate(y):
        lines.append(printed.line("y", (i,), f"1 / (1 + exp({number(-u[i])}))", value))
    squares = [f"1/2*({number(a)} - {number(c)})**2" for a, c in zip(t, y)]
    lines.append(printed.equal("E", total(squares), number(done.output)))
    lines.append("  backward   delta = dE/du = (y - t) * y * (1 - y)")
    for i, value in enumerate(done.gradients[0]):
        shown = f"({number(y[i])} - {factor(t[i])})*{number(y[i])}*(1 - {number(y[i])})"
        lines.append(printed.line("delta", (i,), shown, value))
    lines += listing([equation(Square)], done)
    return Figure("squared error, forward and backward", "\n".join(lines))
