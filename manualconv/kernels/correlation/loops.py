"""Correlation by the article's own loops, compiled: for groups too narrow for a matrix product.

A depthwise layer multiplies each number by ΠK others and adds the products up.  As a matrix product it is one row high,
and torch's operations would add the taps up one by one, each reading and writing the whole output.  A loop does not.

*One long row.*  Let f be the padded input of a channel, flat, and cut into its phases: position ``s·q + r`` of an axis
stands at q of phase r.  Tap k of an axis, ``d·k = s·q(k) + r(k)``, then reads placement p at ``p + q(k)`` of phase
r(k), without a stride, and so do all axes together on flat positions j, on rows as wide as the frame:

    to_output:  y'_o[j] = Σ_{c,k} w[o, c, k] · f_c[j + ω(k)]                ω(k) = phase r(k) begins + flat q(k)
    to_input:   f_c[i] = Σ_{o,k} w[o, c, k] · y'_o[i − ω(k)]                phase by phase: k of that phase only
    to_weight:  w[o, c, k] = Σ_j f_c[j + ω(k)] · y'_o[j]

Positions j between the end of an output row and the end of the frame's row are no placements: they are computed and
left out of y, and are zeros of y' for the adjoints.  Zero times NaN is NaN, even where no placement reads that NaN: so
if the result or the weights have a NaN, the sum is taken again, over placements only.

The frame of an image and a group fits in the first caches; the taps are added six at a time to a row held there.  Each
image and group is computed alone and the weights' share of each image is added in the order of images: the bits do not
depend on how many threads there are.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``; one to three spatial axes; float32 and float64.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*; the phases are those of polyphase
filters, Vaidyanathan, *Multirate systems and filter banks*, section 4.3.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.compiling import COMPILING, NUMBERS, is_installed, share, values
from manualconv.kernels.correlation.cost import COPY, Sizes

if TYPE_CHECKING:
    from manualconv.kernels.correlation import compiled_correlation

#: Nanoseconds for one product of a tap, by bytes of a number.
TAP = {4: 0.055, 8: 0.11}
#: Pairs of channels in a group up to which a matrix product does not pay.
PAIRS = 64
#: Bytes of the frames of one group up to which the second cache holds them.
FRAMES = 2**22


#: The products of the definition, added up in another order.
accuracy = "exact"


def refusal(sizes: Sizes) -> str | None:
    """Why it cannot compute such a window; None if it can."""
    window = sizes.window
    if not 1 <= window.ndim <= 3 or sizes.dtype not in NUMBERS:
        return "one to three axes of float32 or float64"
    channels, outputs = sizes.channels // window.groups, sizes.outputs // window.groups
    if channels * outputs > PAIRS:
        return f"{channels} · {outputs} channels a group, more than {PAIRS}"
    if max(channels, outputs) * prod(map(_padded_up, window.padded_size, window.stride)) * sizes.item > FRAMES:
        return "its frame does not fit in the caches"
    if not is_installed():
        return "there is no Numba that compiles: pip install '.[fast]' in the clone"
    return None


def _padded_up(size: int, stride: int) -> int:
    """A frame's length with all its phases."""
    return size + -size % stride


def _work(sizes: Sizes) -> float:
    """Nanoseconds of one map on one core."""
    window = sizes.window
    columns = -(-window.padded_size[-1] // window.stride[-1])
    ratio = columns / window.output_size[-1]
    moved = (sizes.input_bytes + sizes.output_bytes) * COPY
    return sizes.multiplications * TAP.get(sizes.item, TAP[8]) * ratio + 2 * moved


def cost(map: str, sizes: Sizes) -> float:
    """Nanoseconds on one core of a map; small layers are not worth a compilation."""
    return _work(sizes) + COMPILING


def _kernels() -> type[compiled_correlation.Correlation]:
    """The compiled loops: a file that needs Numba."""
    from manualconv.kernels.correlation.compiled_correlation import Correlation

    return Correlation


def _nanoseconds(batch: int, channels: int, outputs: int, like: Tensor, window: Window) -> float:
    return _work(Sizes(batch, channels, outputs, like.dtype, window))


def to_output(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """``y[n, (g o), p] = b[(g o)] + Σ_{c,k} x[n, (g c), s·p + d·k − a] · w[(g o), c, k]``."""
    y = x.new_empty((x.shape[0], w.shape[0], *window.output_size))
    bias = w.new_zeros(w.shape[0]) if b is None else values(b)
    loops = _kernels()(window, w.shape[1], w.shape[0] // window.groups)
    run = loops.to_output(values(x).numpy(), values(w).numpy(), bias.numpy(), y.numpy())
    share(run, x.shape[0] * window.groups, _nanoseconds(x.shape[0], x.shape[1], w.shape[0], x, window))
    return y


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """``x[n, (g c), i] = Σ_{o,k,p : s·p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""
    x = y.new_empty((y.shape[0], w.shape[1] * window.groups, *window.input_size))
    loops = _kernels()(window, w.shape[1], w.shape[0] // window.groups)
    run = loops.to_input(values(w).numpy(), values(y).numpy(), x.numpy())
    share(run, y.shape[0] * window.groups, _nanoseconds(y.shape[0], x.shape[1], y.shape[1], y, window))
    return x


def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), s·p + d·k − a] · y[n, (g o), p]``."""
    channels = x.shape[1] // window.groups
    each = x.new_empty((x.shape[0], y.shape[1], channels, *window.kernel_size))
    loops = _kernels()(window, channels, y.shape[1] // window.groups)
    run = loops.to_weight(values(x).numpy(), values(y).numpy(), each.numpy())
    share(run, x.shape[0] * window.groups, _nanoseconds(x.shape[0], x.shape[1], y.shape[1], x, window))
    return each.sum(0)
