"""Max unpooling: every entry back at the position it was the maximum of, zeros elsewhere.

    x[l] = y[p] where i[p] = l                       Place

The partial inverse of max pooling, whose indices it takes: max pooling of its output gives y again wherever windows do
not overlap and y is positive.

Source: Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*, arXiv 1311.2901 (unpooling by
switches).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from manualconv.autograd.layout import Lay
from manualconv.autograd.selection import Place
from manualconv.functional.layout import pooled_channels_last
from manualconv.functional.precision import cast
from manualconv.functional.refusals import sized_pooling as refusals
from manualconv.geometry import Numbers


def _max_unpool(
    ndim: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    output_size: Sequence[int] | None,
) -> Tensor:
    size = refusals.of_unpooling(ndim, input, indices, kernel_size, stride, padding, output_size)
    x: Tensor = Place.call(*cast(f"max_unpool{ndim}d", input), indices, size)
    # torch's kernel for volumes knows no other layout.
    return Lay.call(x, True) if ndim == 2 and pooled_channels_last(input) else x


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """1-D max unpooling: `max_unpool2d` over one axis.

    Args:
        input, indices: ``(N, C, P)`` or ``(C, P)``.
        kernel_size, stride, padding, output_size: as `max_unpool2d`, with tuples of one.

    Returns:
        ``(N, C, L)`` or ``(C, L)``.

    Raises:
        AttributeError, IndexError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.max_unpool1d.
    """
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """2-D max unpooling: the partial inverse of `max_pool2d`, every maximum at its position and zeros elsewhere.

    Of several entries with one index the last in row-major order stays; as in torch each of them is given the whole
    cotangent of that position all the same.

    Args:
        input: ``(N, C, PH, PW)`` or ``(C, PH, PW)``; floating point.
        indices: flat positions in ``H×W``, int64, in the shape of `input`, as `max_pool2d` returns them.
        kernel_size, stride, padding: of the pooling, an int or a tuple of two; `stride` defaults to `kernel_size`.
        output_size: ``(H, W)`` or ``(N, C, H, W)`` of what was pooled, where the stride left positions over; by default
            ``s·(P − 1) + k − 2·a``.

    Returns:
        ``(N, C, H, W)`` or ``(C, H, W)``; channels_last if `input` is.  Under the CPU's autocast float32, as torch's.

    Raises:
        AttributeError, IndexError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.max_unpool2d.
    """
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """3-D max unpooling: `max_unpool2d` over three axes.

    Args:
        input, indices: ``(N, C, PD, PH, PW)`` or ``(C, PD, PH, PW)``.
        kernel_size, stride, padding, output_size: as `max_unpool2d`, with tuples of three.

    Returns:
        ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Raises:
        AttributeError, IndexError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.max_unpool3d.
    """
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
