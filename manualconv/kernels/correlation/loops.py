"""Correlation by compiled loops: blocks of sums that stay in registers, of images that stay in the caches.

A matrix product needs every window unrolled in memory, and has nothing to gain on narrow groups.  A loop reads the taps
where they lie, through a table of positions.

*One long row.*  Let f be the padded input of a channel, flat, and cut into its phases: position ``s·q + r`` of an axis
stands at q of phase r.  Tap k of an axis, ``d·k = s·q(k) + r(k)``, then reads placement p at ``p + q(k)`` of phase
r(k), without a stride, and so do all axes together on flat positions j, on rows as wide as the frame:

    to_output:  y'_o[j] = Σ_{c,k} w[o, c, k] · f_c[j + ω(k)]                ω(k) = phase r(k) begins + flat q(k)
    to_input:   f_c[i] = Σ_{o,k} w[o, c, k] · y'_o[i − ω(k)]                phase by phase: k of that phase only
    to_weight:  w[o, c, k] = Σ_j f_c[j + ω(k)] · y'_o[j]

The first two are one loop on two tables: x is read through the phases and y is written, or y read and x written phase
by phase.  At a stride of 2 vectors part a row of x into its phases, and put it together from both.  `compiled_sums`
has the innermost loops, four outputs by three vectors of j, or four outputs by three taps.

Positions j between the end of an output row and the end of the frame's row are no placements: they are computed and
left out of y, and are zeros of y' for `to_weight`; whole rows are joined where that takes no more vectors.  Beyond
y there is nothing either, and `to_input` reads zeros there.  Zero times NaN is NaN, even where no placement reads that
NaN: so if the weights, read or computed, are not finite, matrix products compute the map, which multiply no such zeros.

*Bands.*  Rows of placements are cut into bands whose frame the second cache holds.  Bands, images and groups are
shared by threads.  Each output is one sum in the order of taps, and `to_weight` adds up a fixed number of parts, so
that bits do not depend on the threads.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; one to three spatial axes; float32 and float64.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*; the phases are those of polyphase
filters, Vaidyanathan, *Multirate systems and filter banks*, section 4.3; direct convolution blocked for registers and
caches: Zhang, Franchetti and Low, *High performance zero-memory overhead direct convolutions*, arXiv 1809.10170.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from torch import Tensor

from manualconv.geometry import Axes, Window
from manualconv.kernels.compiling import COMPILING, NUMBERS, all_finite, array, is_installed, share
from manualconv.kernels.correlation import lowering_batch_last
from manualconv.kernels.correlation.cost import COPY, Sizes

if TYPE_CHECKING:
    from manualconv.kernels.correlation import compiled_correlation

#: Nanoseconds for one product of a tap in a block of outputs, and for one output alone, by bytes of a number.
TAP, LONE_TAP = {4: 0.021, 8: 0.042}, {4: 0.04, 8: 0.08}
#: Bytes of a block's sums for one output, where one or two are written and where more are: runs are computed in blocks.
BLOCKS, BLOCK = {1: 256, 2: 160}, 96
#: What the sums of a band cost the weight map, in placements.
SUMMING = 48
#: Bytes of a frame that a second cache holds with rows and weights beside it, and that a third cache holds.
FRAME, LARGEST_FRAME = 2**18, 2**20
#: Shares that there are, where rows can be cut: some for each of a few threads.  They decide no bit of a result.
SHARES = 8
#: Placements of a run up to which rows are joined: more do not save blocks.
RUN = 512

#: The products of the definition, added up in another order.
accuracy = "exact"


@dataclass(frozen=True)
class Bands:
    """How the placements of a map are cut into bands, and those into runs.

    Attributes:
        size: placements of a band, an axis each.
        places: of the frame that they read.
        rows: of placements that make a run.
        computed: placements that the blocks of all runs compute, of one image.
        count: how many bands there are.
    """

    size: tuple[int, ...]
    places: tuple[int, ...]
    rows: int
    computed: int
    count: int

    @classmethod
    def of(cls, grid: Axes, reach: Axes, bytes_a_place: int, units: int, written: int, item: int) -> Bands:
        """Of so many placements, each of which reaches as many places further.

        The second cache is to hold a frame.  But a band is no shorter than its reach: each of its places would be
        filled twice or more.
        """
        size = list(grid)
        for axis in range(len(grid)):
            line = bytes_a_place * prod(m + r for m, r in zip(size, reach)) // (size[axis] + reach[axis])
            least = max(1, reach[axis], RUN if axis == len(grid) - 1 else 1)
            fits = max(least, FRAME // line - reach[axis])
            shares = units * prod(-(-g // m) for g, m in zip(grid, size))
            if axis < len(grid) - 1 and shares < SHARES:
                fits = max(least, min(fits, grid[axis] * shares // SHARES))
            pieces = -(-grid[axis] // min(fits, grid[axis]))
            size[axis] = -(-grid[axis] // pieces)
        places = tuple(m + r for m, r in zip(size, reach))
        rows, columns = (1, *size)[-2:]
        block = BLOCKS.get(written, BLOCK) // item

        def computed(joined: int) -> int:
            return -(-rows // joined) * -(-((joined - 1) * places[-1] + columns) // block) * block

        # Of as many, the fewest runs.
        joined = min(range(min(rows, max(1, RUN // places[-1])), 0, -1), key=computed)
        count = prod(-(-g // m) for g, m in zip(grid, size))
        return cls(tuple(size), places, joined, count * prod(size[:-2]) * computed(joined), count)


def _bands(map: str, sizes: Sizes) -> tuple[Bands, int, int]:
    """The bands of a map, and bytes at one place of all channels and phases of its frames."""
    window = sizes.window
    reach = tuple(d * (k - 1) // s for k, s, d in zip(window.kernel_size, window.stride, window.dilation))
    if map == "input":
        grid = tuple(-(-i // s) for i, s in zip(window.input_size, window.stride))
        read, written = sizes.outputs // window.groups, sizes.channels // window.groups
        place = read * sizes.item
    else:
        grid = window.output_size
        phases = prod(min(s, k) for s, k in zip(window.stride, window.kernel_size))
        read, written = sizes.channels // window.groups, sizes.outputs // window.groups
        place = read * phases * sizes.item
    bands = Bands.of(grid, reach, place, sizes.batch * window.groups, written, sizes.item)
    return bands, place, prod(bands.places) * place


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    if not 1 <= sizes.window.ndim <= 3 or sizes.dtype not in NUMBERS:
        return "one to three axes of float32 or float64"
    if sizes.multiplications and max(_bands(map, sizes)[2] for map in ("output", "input")) > LARGEST_FRAME:
        return "its frame does not fit in the caches"
    if not is_installed():
        return "there is no Numba that compiles: pip install '.[fast]' in the clone"
    return None


def _work(map: str, sizes: Sizes) -> float:
    """Nanoseconds of one map on one core."""
    window, item = sizes.window, sizes.item
    if not sizes.multiplications:
        return 0
    channels, outputs = sizes.channels // window.groups, sizes.outputs // window.groups
    bands, _, frame = _bands(map, sizes)
    read, written = (outputs, channels) if map == "input" else (channels, outputs)
    lone = written & 1
    tap = (written - lone) * TAP.get(item, TAP[8]) + lone * LONE_TAP.get(item, LONE_TAP[8])
    placements = bands.computed + (bands.count * SUMMING if map == "weight" else 0)
    units = sizes.batch * window.groups
    moved = (sizes.input_bytes + sizes.output_bytes + units * bands.count * frame) * COPY
    return units * placements * read * window.taps * tap + moved


def cost(map: str, sizes: Sizes) -> float:
    """Nanoseconds on one core of a map; small layers are not worth a compilation."""
    window = sizes.window
    weights = sizes.outputs * sizes.channels // window.groups * window.taps * sizes.item
    if map == "weight" and 8 * weights > sizes.input_bytes + sizes.output_bytes:
        return float("inf")
    return _work(map, sizes) + COMPILING


def _kernels() -> type[compiled_correlation.Correlation]:
    """The compiled loops: a file that needs Numba."""
    from manualconv.kernels.correlation.compiled_correlation import Correlation

    return Correlation


def _nanoseconds(map: str, batch: int, channels: int, outputs: int, like: Tensor, window: Window) -> float:
    return _work(map, Sizes(batch, channels, outputs, like.dtype, window))


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, (g o), p] = b[(g o)] + Σ_{c,k} x[n, (g c), s·p + d·k − a] · w[(g o), c, k]``."""
    y = x.new_empty((x.shape[0], w.shape[0], *window.output_size))
    if not x.numel() * w.numel() * y.numel():
        return lowering_batch_last.to_output(x, w, b, window)
    bias = array(w.new_zeros(w.shape[0]) if b is None else b)
    loops = _kernels()(window, w.shape[1], w.shape[0] // window.groups, x.shape[0], x.element_size())
    run, units = loops.to_output(array(x), array(w), bias, y.numpy())
    share(run, units, _nanoseconds("output", x.shape[0], x.shape[1], w.shape[0], x, window))
    return y


def _writes_all(window: Window) -> bool:
    """Whether each phase of the input has a tap, so that `to_input` writes every number of x."""
    axes = zip(window.kernel_size, window.stride, window.dilation)
    return all(len({d * j % s for j in range(k)}) == s for k, s, d in axes)


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_{o,k,p : s·p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""
    made = y.new_empty if _writes_all(window) else y.new_zeros
    x = made((y.shape[0], w.shape[1] * window.groups, *window.input_size))
    if not y.numel() * w.numel() * x.numel() or not all_finite(filters := array(w)):
        return lowering_batch_last.to_input(w, y, window)
    loops = _kernels()(window, w.shape[1], w.shape[0] // window.groups, y.shape[0], y.element_size())
    run, units = loops.to_input(filters, array(y), x.numpy())
    share(run, units, _nanoseconds("input", y.shape[0], x.shape[1], y.shape[1], y, window))
    return x


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), s·p + d·k − a] · y[n, (g o), p]``."""
    if not x.numel() * y.numel():
        return lowering_batch_last.to_weight(x, y, window)
    channels, outputs = x.shape[1] // window.groups, y.shape[1] // window.groups
    loops = _kernels()(window, channels, outputs, x.shape[0], x.element_size())
    run, units, weights = loops.to_weight(array(x), array(y))
    share(run, units, _nanoseconds("weight", x.shape[0], x.shape[1], y.shape[1], x, window))
    w = x.new_empty((y.shape[1], channels, *window.kernel_size))
    weights(found := w.numpy())
    return w if all_finite(found) else lowering_batch_last.to_weight(x, y, window)
