"""Planes laid out as one flat row in which every tap of a window is a shift.

    f[front + step·i] = x[i] along each axis, elsewhere the padding        y[p] = ⊕_k f[every·p + d·k]

A frame holds several planes, so that loops are long where planes are small.  Along whichever axis, tap k of every
placement is the same row read d·k·(numbers behind the axis) further on; what reaches over the end of an axis is no
placement, and is left out when the results are kept.  Placements between the strides are computed and left out too: one
long loop is faster than many short ones.  Only along the last axis a stride of 2 has a loop of its own.

Shapes: x ``(N·C, ΠI)`` → y ``(N·C, ΠP)``, in memory flat.  The numbers of the axes are those of `doubling.Runs`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from manualconv.geometry import Window
from manualconv.kernels.pooling.doubling import Runs, runs_of

Three = tuple[int, int, int]
#: Numbers in a frame, unless one plane has more.
BLOCK = 2**13
#: Taps up to which the last axis is taken at its stride of 2.
PAIRS = 4


class Frame(NamedTuple):
    """The numbers of three axes, and how they are worked on.

    Attributes:
        taps, dilation, front, step, every, length: as `Runs`, by axis.
        placements: `Runs.count`.
        size: positions of the frame.
        inside: the first position of x along the last axis that the frame has, and the one after its last.
        halved: whether the last axis is taken at its stride of 2.
        given: whether x itself is the frame.
        planes: how many planes a frame holds.
    """

    taps: Three
    dilation: Three
    front: Three
    step: Three
    every: Three
    length: Three
    placements: Three
    size: Three
    inside: tuple[int, int]
    halved: bool
    given: bool
    planes: int


def frame_of(runs: tuple[Runs, ...]) -> Frame:
    """The frame of one to three axes."""
    axes = (*(Runs(1, 1, 0, 1, 1, 1, 1),) * (3 - len(runs)), *runs)
    halved = axes[2].every == 2 and axes[2].taps <= PAIRS
    given = all(r.front == 0 and r.step == 1 and r.length >= r.frame for r in axes)
    given &= not (halved and axes[2].length % 2)
    n0, n1, n2 = (r.length if given else r.frame for r in axes)
    size = (n0, n1, n2 + n2 % 2 if halved else n2)
    by_axis = [tuple(getattr(r, name) for r in axes) for name in (*Frame._fields[:6], "count")]
    front, step = axes[2].front, axes[2].step
    begin = max(0, -(front // step))
    inside = (begin, max(begin, min(axes[2].length, (size[2] - 1 - front) // step + 1)))
    return Frame._make([*by_axis, size, inside, halved, given, max(1, BLOCK // (size[0] * size[1] * size[2]))])


@lru_cache(1024)
def frame_of_window(window: Window) -> Frame:
    """The frame in which a window reads its input."""
    return frame_of(tuple(runs_of(window, axis) for axis in range(window.ndim)))
