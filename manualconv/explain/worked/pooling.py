"""Pooling on paper: the maximum and the mean of each window, and where a cotangent goes.

    max      Z[p] = max_k A[i]           dA[i] += M[p, k] * dZ[p]        M is 1 at the tap that won, else 0
    mean     Z[p] = sum_k A[i] / D       dA[i] += dZ[p] / D              D taps, here with the padding counted

Shapes: A, dA ``(H, W)``, Z, dZ ``(PH, PW)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figures 12 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from manualconv.autograd.maximum import Maximum, ScatterTaps
from manualconv.autograd.summation import SpreadWindows, SumWindows
from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.worked.ran import Run, equation, listing, run
from manualconv.functional import avg_pool2d, max_pool2d
from manualconv.geometry import Window
from manualconv.kernels.matrix.toeplitz import readings

A = torch.tensor([[1.0, 2, 2, 1], [3, 4, 0, 0], [5, 2, 1, 1], [3, 4, 0, 3]])
DZ = torch.tensor([[3.0, 1], [8, 2]])
DZ_MEAN = torch.tensor([[4.0, 8], [12, 16]])


def pooling(
    A: Tensor = A, dZ: Tensor = DZ, dZ_mean: Tensor = DZ_MEAN, kernel: int = 2, stride: int = 2, padding: int = 0
) -> Figure:
    """Every number of max and average pooling, forward and backward.

    Args:
        A: one channel, ``(H, W)``; every channel is pooled on its own.
        dZ, dZ_mean: the cotangents of the maxima and of the means, ``(PH, PW)``.
        kernel, stride, padding: one number each, for both axes.

    Returns:
        A `Figure` of words alone.

    Raises:
        RuntimeError: sizes that do not fit, as the pooling layers say it.
    """
    lines = [f"pooling, forward and backward: windows of {kernel}x{kernel}, stride {stride}, padding {padding}"]
    lines += printed.beside(("A", A), ("dZ of the maxima", dZ), ("dZ of the means", dZ_mean))
    most, winners = _maxima(A, dZ, kernel, stride, padding)
    mean = _means(A, dZ_mean, kernel, stride, padding)
    size = (A.shape[0], A.shape[1])
    window = Window(size, (kernel,) * 2, (stride,) * 2, (1, 1), ((padding, padding),) * 2)
    lines += _max_lines(A, dZ, most, winners, window)
    lines += _mean_lines(A, dZ_mean, mean, window)
    lines += _conventions()
    lines += listing([equation(m) for m in (Maximum, ScatterTaps)], most)
    lines += listing([equation(m) for m in (SumWindows, SpreadWindows)], mean)
    return Figure("pooling, forward and backward", "\n".join(lines))


def _maxima(A: Tensor, dZ: Tensor, kernel: int, stride: int, padding: int) -> tuple[Run, Tensor]:
    done = run(lambda a: max_pool2d(a[None], kernel, stride, padding)[0], (A,), dZ)
    _, winners = max_pool2d(A[None].double(), kernel, stride, padding, return_indices=True)
    return done, winners[0]


def _means(A: Tensor, dZ: Tensor, kernel: int, stride: int, padding: int) -> Run:
    return run(lambda a: avg_pool2d(a[None], kernel, stride, padding)[0], (A,), dZ)


def _read(window: Window, values: Tensor) -> list[list[tuple[int, str]]]:
    """Of every placement the positions on the input that its taps read, and their numbers."""
    positions, inside = readings(window, torch.device("cpu"))
    flat = [printed.number(value) for value in values.flatten()]
    return [[(int(i), flat[int(i)]) for i, on in zip(at, here) if on] for at, here in zip(positions.tolist(), inside)]


def _cell(name: str, n: int, like: Tensor) -> str:
    return printed.cell(name, divmod(n, like.shape[-1]))


def _max_lines(A: Tensor, dZ: Tensor, done: Run, winners: Tensor, window: Window) -> Iterator[str]:
    yield "  maximum    Z[p] = max_k A[i]      i = s*p + k - a; the mask M remembers which tap won"
    read = _read(window, A)
    for n, (value, winner) in enumerate(zip(done.output.flatten(), winners.flatten().tolist())):
        mask = " ".join(str(int(i == winner)) for i, _ in read[n])
        shown = f"max({', '.join(text for _, text in read[n])})" if len(read[n]) > 1 else read[n][0][1]
        yield printed.line("Z", divmod(n, dZ.shape[-1]), shown, value)
        yield f"      won by {_cell('A', winner, A)}; M of its taps: {mask}"
    yield "  backward   dA[i] = sum_p M[p, k] * dZ[p]      to the winner and nowhere else"
    gradient = done.gradients[0]
    for n, value in enumerate(gradient.flatten()):
        terms = [printed.number(dz) for dz, winner in zip(dZ.flatten(), winners.flatten()) if winner == n]
        yield printed.line("dA", divmod(n, A.shape[-1]), terms, value)
    yield from printed.beside(("Z", done.output), ("dA", gradient))


def _mean_lines(A: Tensor, dZ: Tensor, done: Run, window: Window) -> Iterator[str]:
    taps = window.taps
    yield f"  mean       Z[p] = sum_k A[i] / {taps}"
    read = _read(window, A)
    for n, value in enumerate(done.output.flatten()):
        yield printed.line("Z", divmod(n, dZ.shape[-1]), _over([text for _, text in read[n]], taps), value)
    yield f"  backward   dA[i] = sum_p dZ[p] / {taps}      to every tap the same"
    gradient, sent = done.gradients[0], [printed.number(dz) for dz in dZ.flatten()]
    for n, value in enumerate(gradient.flatten()):
        terms = [sent[p] for p, taps_of in enumerate(read) for i, _ in taps_of if i == n]
        yield printed.line("dA", divmod(n, A.shape[-1]), _over(terms, taps), value)
    yield from printed.beside(("Z", done.output), ("dA", gradient))


def _over(terms: list[str], count: int) -> str:
    """``(1 + 2) / 4``."""
    summed = printed.total(terms)
    return f"({summed}) / {count}" if len(terms) > 1 else f"{summed} / {count}"


def _conventions() -> Iterator[str]:
    """What the example does not show: a tie, and windows that overlap; both computed."""
    for words, row in (
        ("a tie goes to the first in row-major order, as in torch", [2.0, 2, 0]),
        ("where windows overlap, what they send back is added", [1.0, 5, 2]),
    ):
        a, dz = torch.tensor([row]), torch.tensor([[1.0, 10]])
        done = run(lambda t: max_pool2d(t[None], (1, 2), 1)[0], (a,), dz)
        yield f"  maxima     {words}: windows of 1x2, stride 1"
        yield from printed.beside(("A", a), ("Z", done.output), ("dZ", dz), ("dA", done.gradients[0]))
