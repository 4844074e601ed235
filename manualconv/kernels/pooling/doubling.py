"""Sums of K neighbours along one axis by doubling: about log₂ K additions an output, not K.

    r_1[j] = f[j]        r_2w[j] = r_w[j] + r_w[j + d·w]        r_w+1[j] = r_w[j] + f[j + d·w]

The binary digits of K say which step comes: each digit doubles, and a 1 adds one more neighbour.  Nothing is
subtracted, so no digits cancel as in differences of running totals, and a sum is only about log₂ K roundings deep.

f is the axis with zeros around it, an entry at `front`, the next `step` positions on, and the sums are read `every` so
many positions.  So the one function is a window sum and its adjoint,

    y[p] = Σ_k x[s·p + d·k − a]                    front = a,             step = 1,  every = s
    x[i] = Σ_{k,p : s·p + d·k − a = i} y[p]        front = d·(K − 1) − a, step = s,  every = 1

the second because a sum over k read backwards is a sum over K − 1 − k.  Everything lies in one flat row, so that an
addition is one pass over memory whichever axis it is along; what reaches over the end of the axis is never read.  Rows
are taken in blocks that the caches hold.

Shapes: x ``(A, I, B)`` → ``(A, P, B)``.

Source: the doubling of running maxima, van Herk (1992), on sums, where runs may not overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Window

#: Numbers in a block.
BLOCK = 2**17
#: Columns of an axis that is not the last, at the least: shorter rows are copied number by number.
COLUMNS = 64
#: Additions of a whole frame that filling and reading it are worth.
MOVING = 3.0


@dataclass(frozen=True)
class Runs:
    """One axis: ``y[p] = Σ_{k < K} f[every·p + d·k]``, where ``f[front + step·i] = x[i]`` and 0 elsewhere."""

    taps: int
    dilation: int
    front: int
    step: int
    every: int
    length: int
    count: int

    @property
    def frame(self) -> int:
        """``every·(P − 1) + d·(K − 1) + 1``: the positions that are read."""
        return self.every * (self.count - 1) + self.dilation * (self.taps - 1) + 1

    @property
    def pays(self) -> bool:
        """Whether tap by tap takes more additions."""
        additions = self.taps.bit_length() + self.taps.bit_count() - 2
        return (self.taps - 1) * min(self.count, self.length) > (additions + MOVING) * self.frame


def runs_of(window: Window, axis: int) -> Runs:
    """The window sums along an axis."""
    k, s, d = window.kernel_size[axis], window.stride[axis], window.dilation[axis]
    return Runs(k, d, window.padding[axis][0], 1, s, window.input_size[axis], window.output_size[axis])


def spreads_of(window: Window, axis: int) -> Runs:
    """Their adjoint."""
    k, s, d = window.kernel_size[axis], window.stride[axis], window.dilation[axis]
    front = d * (k - 1) - window.padding[axis][0]
    return Runs(k, d, front, s, 1, window.output_size[axis], window.input_size[axis])


def _doubled(frame: Tensor, spare: list[Tensor], runs: Runs) -> Tensor:
    """At every position of a frame ``(A, F, B)``, the sum of K entries from there on, where the axis has that many."""
    flat, others = frame.view(-1), [numbers.view(-1) for numbers in spare]
    run, width, step, n = flat, 1, runs.dilation * frame.shape[2], flat.numel()
    for digit in bin(runs.taps)[3:]:
        total, n = others[0], n - width * step
        torch.add(run[:n], run[width * step :][:n], out=total[:n])
        run, width = total, 2 * width
        others.reverse()
        if digit == "1":
            n -= step
            total[:n].add_(flat[width * step :])
            width += 1
    return run.view(frame.shape)


def _pieces(runs: Runs) -> Iterator[tuple[slice, Runs]]:
    """The placements of an axis in stretches, so that a frame is no longer than a block, or twice a window."""
    span = runs.dilation * (runs.taps - 1) + 1
    longest = max(1, (max(BLOCK, 2 * span) - span) // runs.every)
    for first in range(0, runs.count, longest):
        count = min(longest, runs.count - first)
        yield slice(first, first + count), replace(runs, front=runs.front - first * runs.every, count=count)


def _blocks(size: int, length: int) -> list[slice]:
    """0 … size − 1 in stretches of `length`."""
    return [slice(first, min(first + length, size)) for first in range(0, size, length)]


def _sum_piece(x: Tensor, y: Tensor, runs: Runs) -> None:
    """``(A, I, B)`` → y ``(A, P, B)``, which is written to."""
    outer, _, inner = x.shape
    columns = min(inner, max(COLUMNS, BLOCK // runs.frame))
    rows = min(outer, max(1, BLOCK // (runs.frame * columns)))
    first = max(0, -(runs.front // runs.step))
    last = max(first, min(runs.length, 1 + (runs.frame - 1 - runs.front) // runs.step))
    begin = runs.front + first * runs.step
    memory = [x.new_empty(rows * runs.frame * columns) for _ in range(3)]
    for some in _blocks(inner, columns):
        size = (rows, runs.frame, some.stop - some.start)
        frame, *spare = (numbers[: prod(size)].view(size) for numbers in memory)
        frame.zero_()
        for part in _blocks(outer, rows):
            n = part.stop - part.start
            frame[:n, begin :: runs.step][:, : last - first] = x[part, first:last, some]
            sums = _doubled(frame[:n], [numbers[:n] for numbers in spare], runs)
            y[part, :, some] = sums[:, :: runs.every][:, : runs.count]


def run_sums(x: Tensor, runs: Runs) -> Tensor:
    """``(A, I, B)`` → ``(A, P, B)``."""
    y = x.new_empty((x.shape[0], runs.count, x.shape[2]))
    if not y.numel():
        return y
    for places, piece in _pieces(runs):
        _sum_piece(x, y[:, places], piece)
    return y
