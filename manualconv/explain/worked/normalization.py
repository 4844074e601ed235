"""Batch normalisation and dropout on paper.

    mu = mean x      v = mean (x - mu)**2      r = 1 / sqrt(v + eps)      x^ = r * (x - mu)      y = gamma * x^ + beta
    dx = r * gamma * (dy - mean(dy) - x^ * mean(x^ * dy))       dgamma = sum x^ * dy       dbeta = sum dy

Shapes: x, y, dx, dy ``(M,)``, all entries of one channel over samples and positions; gamma, beta one number each.

Source: Ioffe and Szegedy, *Batch Normalization*, arXiv 1502.03167, section 3; collected notes (dropout).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from manualconv.autograd import standardization
from manualconv.autograd.masking import Mask
from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.printed import factor, number, product, total
from manualconv.explain.worked.ran import Run, equation, listing, run, stated
from manualconv.functional import batch_norm as layer
from manualconv.functional import dropout as drop

X, DY = torch.tensor([1.0, 2, 4, 7]), torch.tensor([1.0, -1, -2, 4])


def batch_norm(
    x: Tensor = X, dy: Tensor = DY, gamma: float = 2.0, beta: float = -1.0, eps: float = 1e-5, momentum: float = 0.1
) -> Figure:
    """Every number of one channel's batch normalisation in training, forward and backward.

    Args:
        x: all entries of a channel, ``(M,)``: M counts samples and positions.
        dy: the cotangent of y, ``(M,)``.
        gamma, beta: the channel's scale and shift.
        eps, momentum: as of `manualconv.functional.batch_norm`.

    Returns:
        A `Figure` of words alone.
    """
    mean, variance = torch.zeros(1).double(), torch.ones(1).double()

    def channel(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return layer(x[:, None], mean, variance, gamma, beta, True, momentum, eps)[:, 0]

    done = run(channel, (x, torch.tensor([gamma]), torch.tensor([beta])), dy)
    lines = [
        f"batch normalisation of one channel, forward and backward; gamma = {number(gamma)}, beta = {number(beta)}"
    ]
    lines += printed.beside(("x", x), ("dy", dy))
    lines += _norm_lines(x, dy, done, (gamma, beta, eps))
    m, rest = len(x), number(1 - momentum)
    lines.append(
        f"  running    of mean 0 and variance 1, momentum {number(momentum)}; the variance is the unbiased one"
    )
    x_mean, x_variance = x.double().mean(), x.double().var()
    lines.append(printed.equal("mean", f"{rest}*0 + {number(momentum)}*{factor(x_mean)}", number(mean)))
    shown = f"{rest}*1 + {number(momentum)}*{number(x_variance * (m - 1) / m)}*{m}/{m - 1}"
    lines.append(printed.equal("variance", shown, number(variance)))
    equations = [stated(standardization, words) for words in ("v = ‖Cx‖²/m", "x̄ = r·(C g", "γ̄ = Σ")]
    lines += listing(equations, done)
    return Figure("batch normalisation, forward and backward", "\n".join(lines))


def _norm_lines(x: Tensor, dy: Tensor, done: Run, numbers: tuple[float, float, float]) -> Iterator[str]:
    (gamma, beta, eps), m = numbers, len(x)
    wide = x.double()
    mu, v = wide.mean(), wide.var(correction=0)
    r = 1 / (v + eps).sqrt()
    x_hat = (done.output - beta) / gamma if gamma else r * (wide - mu)
    yield "  forward    mu = mean x, v = mean (x - mu)**2, r = 1 / sqrt(v + eps)"
    yield printed.equal("mu", f"({total(map(number, x))}) / {m}", number(mu))
    yield printed.equal("v", f"({total(f'({number(a)} - {factor(mu)})**2' for a in x)}) / {m}", number(v))
    yield printed.equal("r", f"1 / sqrt({number(v)} + {number(eps)})", number(r))
    yield "             x^ = r * (x - mu),  y = gamma * x^ + beta"
    for i, value in enumerate(x_hat):
        yield printed.line("x^", (i,), f"{number(r)}*({number(x[i])} - {factor(mu)})", value)
        shown = total([product(gamma, value), number(beta)])
        yield printed.line("y", (i,), shown, done.output[i])
    yield from _norm_backward(dy.double(), x_hat, r, gamma, done)


def _norm_backward(dy: Tensor, x_hat: Tensor, r: Tensor, gamma: float, done: Run) -> Iterator[str]:
    m = len(dy)
    dx, dgamma, dbeta = done.gradients
    level, along = dy.mean(), (x_hat * dy).mean()
    yield "  backward   dgamma = sum x^ * dy,  dbeta = sum dy"
    yield printed.equal("dgamma", total(product(a, c) for a, c in zip(x_hat, dy)), number(dgamma))
    yield printed.equal("dbeta", total(map(number, dy)), number(dbeta))
    yield "             dx = r * gamma * (dy - dbeta / m - x^ * dgamma / m): mu and v depend on x too, hence two terms"
    yield printed.equal("dbeta/m", f"{number(dbeta)} / {m}", number(level))
    yield printed.equal("dgamma/m", f"{number(dgamma)} / {m}", number(along))
    for i, value in enumerate(dx):
        inside = f"{number(dy[i])} - {factor(level)} - {product(x_hat[i], along)}".replace("- -", "+ ")
        yield printed.line("dx", (i,), f"{product(r, gamma)}*({inside})", value)


def dropout(x: Tensor = X, dy: Tensor = DY, p: float = 0.5, seed: int = 4) -> Figure:
    """Every number of dropout in training, forward and backward.

    Args:
        x, dy: the input and the cotangent of the output, ``(M,)``.
        p: how probably an entry is dropped, below 1.
        seed: of the mask.

    Returns:
        A `Figure` of words alone.
    """

    def drawn(t: Tensor) -> Tensor:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            return drop(t, p)

    done = run(drawn, (x,), dy)
    mask = [int(value) for value in drawn(torch.ones(len(x)).double()) != 0]
    lines = [
        f"dropout, forward and backward: an entry is dropped with probability p = {number(p)}; mask of seed {seed}"
    ]
    lines += printed.beside(("x", x), ("dy", dy))
    lines.append("  forward    y[i] = x[i] * mask[i] / (1 - p) in training, and x[i] in evaluation")
    for i, value in enumerate(done.output):
        lines.append(printed.line("y", (i,), f"{number(x[i])}*{mask[i]} / (1 - {number(p)})", value))
    lines.append("  backward   dx[i] = dy[i] * mask[i] / (1 - p), the same mask")
    for i, value in enumerate(done.gradients[0]):
        lines.append(printed.line("dx", (i,), f"{number(dy[i])}*{mask[i]} / (1 - {number(p)})", value))
    lines += listing([equation(Mask)], done)
    return Figure("dropout, forward and backward", "\n".join(lines))
