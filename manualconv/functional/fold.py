"""Unfold and fold: the windows of an image as the columns of a matrix, and columns added up to an image.

    unfold   v[n, (c k), p] = x[n, c, s·p + d·k − a]
    fold     x[n, c, i] = Σ_{k,p : s·p + d·k − a = i} v[n, (c k), p]

In one, two and three dimensions, where torch has two: the length of a tuple is the number of axes.  The derivatives
stand in `manualconv.autograd.windows`.

Source: Chellapilla, Puri and Simard, *High performance convolutional neural networks for document processing* (2006).
"""

from __future__ import annotations

from torch import Tensor

from manualconv.autograd.windows import OverlapAdd, Windows
from manualconv.functional.refusals import extent as refusals
from manualconv.geometry import Numbers

Padding = int | tuple[int, ...] | tuple[tuple[int, int], ...]


def unfold(
    input: Tensor, kernel_size: Numbers, dilation: Numbers = 1, padding: Padding = 0, stride: Numbers = 1
) -> Tensor:
    """Every window of the input as a column.

    The number of axes is the length of the tuple `kernel_size`, one to three.  An int has torch's meaning, two axes,
    for inputs of three and four dimensions; for ``(N, C, D, H, W)`` it means three.

    Args:
        input: ``(N, C, *I)`` or ``(C, *I)`` with one to three spatial axes; floating point, complex or bool.
        kernel_size: taps per axis, an int or a tuple.
        dilation, stride: an int or one number per axis.
        padding: zeros around the input: an int, one number per axis, or a ``(lo, hi)`` pair per axis.

    Returns:
        ``(N, C·ΠK, ΠP)`` or ``(C·ΠK, ΠP)`` with ``P = ⌊(I + lo + hi − dilation·(K − 1) − 1)/stride⌋ + 1`` per axis;
        channels outermost, then taps; taps and placements row-major.

    Raises:
        TypeError, RuntimeError, IndexError, NotImplementedError: as torch.nn.functional.unfold.
    """
    window = refusals.of_unfold(input, kernel_size, dilation, padding, stride)
    v: Tensor = Windows.call(input, window)
    return v


def fold(
    input: Tensor,
    output_size: Numbers,
    kernel_size: Numbers,
    dilation: Numbers = 1,
    padding: Padding = 0,
    stride: Numbers = 1,
) -> Tensor:
    """Columns laid back where `unfold` read them; where windows overlap they add up.

    The number of axes is the length of the tuple `output_size`, or else of `kernel_size`; two ints mean torch's two.
    ``fold(unfold(x)) = coverage·x``, where the coverage of a position, the number of windows that reach it, is
    ``fold(unfold(ones))``.

    Args:
        input: ``(N, C·ΠK, ΠP)`` or ``(C·ΠK, ΠP)``; floating point, complex or bool.
        output_size: ``I`` per axis, an int or a tuple.
        kernel_size, dilation, padding, stride: as in `unfold`.

    Returns:
        ``(N, C, *I)`` or ``(C, *I)``.

    Raises:
        TypeError, RuntimeError, NotImplementedError: as torch.nn.functional.fold.
    """
    window = refusals.of_fold(input, output_size, kernel_size, dilation, padding, stride)
    x: Tensor = OverlapAdd.call(input, window)
    return x
