"""The convolution of signals on paper: shift one, scale it, add.

    (f * g)(n) = sum_u f(u) * g(n - u)              (f * g)(t) = ∫ f(u) g(t - u) du

This is the mathematicians' convolution, which turns one of the two round; the layers of that name do not.

Shapes: f ``(K,)``, g ``(L,)``, f ∗ g ``(K + L - 1,)``.

Source: notes on convolution (shift and add; the continuous one).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from manualconv.autograd.correlation import Convolution, TransposedConvolution, WeightCorrelation
from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.worked.ran import Run, equation, listing, run
from manualconv.functional import conv1d

F, G = torch.tensor([1.0, 2, 3, 4]), torch.tensor([1.0, 2, 2, 3])
BOX = torch.tensor([1.0, 1, 1])


def convolved(f: Tensor, g: Tensor) -> Tensor:
    """``f ∗ g``, the true convolution: ``(K,)``, ``(L,)`` → ``(K + L - 1,)``."""
    return conv1d(f[None, None], g[None, None], padding="full", flip=True)[0, 0]


def integrated(f: Tensor, g: Tensor, step: float) -> Tensor:
    """The integral ``∫ f(u) g(t - u) du`` of two functions sampled every `step`, by the sum of rectangles."""
    return step * convolved(f, g)


def shift_add(f: Tensor = F, g: Tensor = G, dh: Tensor | None = None) -> Figure:
    """Every number of f ∗ g by shifting and adding, and of its gradients.

    Args:
        f: ``(K,)``, the factors.
        g: ``(L,)``, what is shifted.
        dh: the cotangent of f ∗ g, ``(K + L - 1,)``; counts up from 1 if None.

    Returns:
        A `Figure` of words alone.
    """
    cotangent = torch.arange(1.0, len(f) + len(g)) if dh is None else dh
    done = run(convolved, (f, g), cotangent)
    lines = ["convolution of signals by shift and add: h = f * g, h(n) = sum_u f(u) * g(n - u)"]
    lines += printed.beside(("f", f), ("g", g), ("dh", cotangent))
    lines += _shifted(f, g, done.output)
    lines += _sums(f, g, cotangent, done)
    lines.append("  moving sum with f = 1 1 1 each sum is of three neighbours")
    lines += _shifted(BOX, g, convolved(BOX, g.to(BOX.dtype)))
    lines += _continuous()
    lines += listing([equation(m) for m in (Convolution, TransposedConvolution, WeightCorrelation)], done)
    return Figure("convolution by shift and add", "\n".join(lines))


def _shifted(f: Tensor, g: Tensor, h: Tensor) -> Iterator[str]:
    rows = [(f"f({u}) g(n - {u})", torch.cat((h.new_zeros(u), value * g))) for u, value in enumerate(f)]
    shown = [
        (name, ["." if n < u else printed.number(v) for n, v in enumerate(row)]) for u, (name, row) in enumerate(rows)
    ]
    shown.append(("h(n)", [printed.number(value) for value in h]))
    width = max(len(text) for _, row in shown for text in row)
    yield "  forward    each row is g, shifted by u and times f(u); the column sums are h"
    for name, row in shown:
        yield f"    {name:14} {' '.join(text.rjust(width) for text in row)}"


def _sums(f: Tensor, g: Tensor, dh: Tensor, done: Run) -> Iterator[str]:
    df, dg = done.gradients
    for n, value in enumerate(done.output):
        terms = [printed.product(f[u], g[n - u]) for u in range(len(f)) if 0 <= n - u < len(g)]
        yield printed.line("h", (n,), terms, value)
    yield "  backward   df[u] = sum_v g[v] * dh[u + v],  dg[v] = sum_u f[u] * dh[u + v]: nothing is turned round"
    for name, gradient, other in (("df", df, g), ("dg", dg, f)):
        for at, value in enumerate(gradient):
            terms = [printed.product(other[v], dh[at + v]) for v in range(len(other))]
            yield printed.line(name, (at,), terms, value)


def _continuous(count: int = 5) -> Iterator[str]:
    step = 1 / count
    box, peak = torch.ones(count).double(), torch.tensor([count]).double()
    every = printed.number(step)
    yield f"  continuous the same sum every {every}, times {every}: an integral by rectangles"
    for name, other in (("box * box, a triangle", box), ("peak * box, the box: the peak of area 1 is neutral", peak)):
        values = " ".join(printed.number(value) for value in integrated(other, box, step))
        yield f"    {name}: {values}"
