"""Trainable sub-sampling on paper, the S layers of LeNet-5: a window's sum, scaled, shifted, through a sigmoid.

    u[p] = beta * sum_k x[i] + b          y = s(u)          du = dy * y * (1 - y)
    dbeta = sum du * sum_k x              db = sum du       dx[i] = beta * du[p]

Shapes: x, dx ``(H, W)``, y, u, du, dy ``(PH, PW)``, beta and b one number each; windows side by side.

Source: LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition*, 1998, section
II.B; collected notes (trainable sub-sampling).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from manualconv.autograd import scaling
from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.printed import number, product
from manualconv.explain.worked.ran import Run, listing, run, stated
from manualconv.functional import subsample2d

X = torch.arange(16.0).reshape(4, 4) / 16
DY = torch.ones(2, 2)


def subsampling(x: Tensor = X, dy: Tensor = DY, beta: float = 0.5, b: float = 0.1, kernel: int = 2) -> Figure:
    """Every number of a trainable sub-sampling layer of one channel, forward and backward.

    Args:
        x: ``(H, W)``.
        dy: the cotangent of y, ``(H // kernel, W // kernel)``.
        beta, b: the channel's coefficient and bias.
        kernel: of the windows, both axes; their stride too.

    Returns:
        A `Figure` of words alone.
    """

    def layer(x: Tensor, beta: Tensor, b: Tensor) -> Tensor:
        return subsample2d(x[None], beta, b, kernel)[0]

    done = run(layer, (x, torch.tensor([beta]), torch.tensor([b])), dy)
    lines = [f"trainable sub-sampling, windows of {kernel}x{kernel}: beta = {number(beta)}, b = {number(b)}"]
    lines += [*printed.beside(("x", x), ("dy", dy)), *_sums(x, dy, done, (beta, b), kernel)]
    lines += listing([stated(scaling, "y[n, c, p] =")], done)
    return Figure("trainable sub-sampling, forward and backward", "\n".join(lines))


def _sums(x: Tensor, dy: Tensor, done: Run, numbers: tuple[float, float], kernel: int) -> Iterator[str]:
    beta, b = numbers
    dx, dbeta, db = done.gradients
    places = [(r, c) for r in range(dy.shape[0]) for c in range(dy.shape[1])]
    blocks = [x[r * kernel : (r + 1) * kernel, c * kernel : (c + 1) * kernel].double() for r, c in places]
    sums = [block.sum() for block in blocks]
    yield "  forward    u[p] = beta * S[p] + b, S[p] = sum_k x[i]      y[p] = 1 / (1 + exp(-u[p]))"
    for at, block, s in zip(places, blocks, sums):
        u = beta * s + b
        yield printed.line("S", at, map(number, block.flatten()), s)
        yield printed.line("u", at, [product(beta, s), number(b)], u)
        yield printed.line("y", at, f"1 / (1 + exp({number(-u)}))", done.output[at])
    yield "  backward   du[p] = dy[p] * y[p] * (1 - y[p])"
    du = [dy[at].double() * done.output[at] * (1 - done.output[at]) for at in places]
    for at, value in zip(places, du):
        y = number(done.output[at])
        yield printed.line("du", at, f"{number(dy[at])}*{y}*(1 - {y})", value)
    yield "             dbeta = sum_p du[p] * S[p],  db = sum_p du[p]"
    yield printed.line("dbeta", (), [product(d, s) for d, s in zip(du, sums)], dbeta)
    yield printed.line("db", (), map(number, du), db)
    yield "             dx[i] = beta * du[p] at every i of window p"
    for at, value in zip(places, du):
        corner = (at[0] * kernel, at[1] * kernel)
        yield printed.line("dx", corner, product(beta, value), dx[corner])
    yield from printed.beside(("dx", dx))
