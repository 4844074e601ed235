"""Adaptive pooling: the output size is given, and each axis divided into as many intervals.

    mean  y[p] = 1/|p| · Σ_{i ∈ p} x[i]               MeanIntervals          p the interval ⌊pI/P⌋ ≤ i < ⌈(p + 1)I/P⌉
    max   y[p] = x[i*(p)],  i*(p) = argmax_{i ∈ p} x  Select at i*

With one interval per axis it is global pooling, which ends most networks; with P a divisor of I, ordinary pooling with
kernel and stride I/P.

Source: Lin, Chen and Yan, *Network in network* (2013), section 3.2; He, Zhang, Ren and Sun, *Spatial pyramid pooling in
deep convolutional networks* (2014), section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from manualconv.autograd.averaging import MeanIntervals
from manualconv.autograd.layout import Lay
from manualconv.autograd.replaced import under_rule
from manualconv.autograd.selection import Select, argmax_intervals
from manualconv.autograd.slots import pool_in_force
from manualconv.functional.layout import pooled_channels_last
from manualconv.functional.precision import cast
from manualconv.functional.refusals import sized_pooling as refusals
from manualconv.kernels.movement.layout import laid
from manualconv.torch_internals import channels_last_format

#: None in the place of all is refused in torch's words.
Sizes = int | Sequence[int | None] | None


def _batched(input: Tensor, ndim: int) -> Tensor:
    """``(N, C, *I)``; all axes before the pooled ones are channels if there are not two."""
    lead = input.shape[: input.dim() - ndim]
    return input if len(lead) == 2 else input.reshape(1, lead.numel(), *input.shape[input.dim() - ndim :])


def _lies_channels_last(input: Tensor, ndim: int) -> bool:
    """As torch, images only: volumes come out contiguous."""
    return ndim == 2 and input.dim() == 4 and channels_last_format(input) == torch.channels_last


def _average(ndim: int, input: Tensor, output_size: Sizes) -> Tensor:
    intervals = refusals.of_average(ndim, input, output_size)
    (input,) = cast(f"adaptive_avg_pool{ndim}d", input)
    if not intervals.is_global and _lies_channels_last(input, ndim):
        intervals = replace(intervals, channels_last=True)
    x = _batched(input, ndim)
    y: Tensor = MeanIntervals.call(x, intervals)
    if input.dim() == ndim + 2 and intervals.is_global and pooled_channels_last(input):
        y = Lay.call(y, True)  # one position lies both ways: by its strides, as torch
    rules = pool_in_force()
    if rules is not None:
        y = under_rule(y, x, intervals, rules)
    return y if input.dim() == ndim + 2 else y.reshape(*input.shape[: input.dim() - ndim], *intervals.output_size)


def _maximum(ndim: int, input: Tensor, output_size: Sizes, return_indices: bool) -> Tensor | tuple[Tensor, Tensor]:
    intervals = refusals.of_maximum(ndim, input, output_size)
    (input,) = cast(f"adaptive_max_pool{ndim}d", input)
    x = batch = _batched(input, ndim)
    channels_last = _lies_channels_last(input, ndim)
    if channels_last:
        x = Lay.call(x, False)
    with torch.no_grad():
        index = argmax_intervals(x.detach(), intervals)
    y = Select.call(x, index, ndim)
    if channels_last:
        y, index = Lay.call(y, True), laid(index, True)
    rules = pool_in_force()
    if rules is not None:
        y = under_rule(y, batch, intervals, rules)
    if input.dim() == ndim + 1:
        y, index = y.squeeze(0), index.squeeze(0)
    return (y, index) if return_indices else y


def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """1-D average pooling to a given size: the mean of each of `output_size` intervals, as equal as they can be.

    Args:
        input: ``(N, C, L)`` or ``(C, L)``; floating point (complex too for a global mean).
        output_size: P, an int or one in a tuple; 1 is the global mean.

    Returns:
        ``(N, C, P)`` or ``(C, P)``.

    Raises:
        TypeError, ValueError, RuntimeError, NotImplementedError: as torch.nn.functional.adaptive_avg_pool1d.
    """
    return _average(1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Sizes) -> Tensor:
    """2-D average pooling to a given size: the mean of each interval of rows and columns.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``; floating point (complex too for a global mean).
        output_size: ``(PH, PW)``, or an int for both; None keeps an axis as it is, 1 is the global mean.

    Returns:
        ``(N, C, PH, PW)`` or ``(C, PH, PW)``; channels_last if input is.

    Raises:
        AttributeError, TypeError, ValueError, IndexError, RuntimeError, NotImplementedError: as
            torch.nn.functional.adaptive_avg_pool2d.
    """
    return _average(2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Sizes) -> Tensor:
    """3-D average pooling to a given size: the mean of each interval of planes, rows and columns.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``; floating point (complex too for a global mean).
        output_size: ``(PD, PH, PW)``, or an int for all; None keeps an axis as it is, 1 is the global mean.

    Returns:
        ``(N, C, PD, PH, PW)`` or ``(C, PD, PH, PW)``; in float32 where autocast wants it.

    Raises:
        AttributeError, TypeError, ValueError, IndexError, RuntimeError, NotImplementedError: as
            torch.nn.functional.adaptive_avg_pool3d.
    """
    return _average(3, input, output_size)


def adaptive_max_pool1d(
    input: Tensor, output_size: int | Sequence[int], return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """1-D max pooling to a given size: the largest entry of each interval, ties to the first in row-major order.

    Args:
        input: ``(N, C, L)`` or ``(C, L)``; floating point.
        output_size: P, an int or one in a tuple.
        return_indices: also return the flat positions of the maxima in ``L``, int64.

    Returns:
        ``(N, C, P)`` or ``(C, P)``, and the indices in the same shape if asked for.

    Raises:
        TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.adaptive_max_pool1d.
    """
    return _maximum(1, input, output_size, return_indices)


def adaptive_max_pool2d(
    input: Tensor, output_size: Sizes, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """2-D max pooling to a given size: the largest entry of each interval, ties to the first in row-major order.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``; floating point.
        output_size: ``(PH, PW)``, or an int for both; None keeps an axis as it is.
        return_indices: also return the flat positions of the maxima in ``H×W``, int64.

    Returns:
        ``(N, C, PH, PW)`` or ``(C, PH, PW)``, and the indices in the same shape if asked for; channels_last if input
        is.

    Raises:
        AttributeError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.adaptive_max_pool2d.
    """
    return _maximum(2, input, output_size, return_indices)


def adaptive_max_pool3d(
    input: Tensor, output_size: Sizes, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """3-D max pooling to a given size: the largest entry of each interval, ties to the first in row-major order.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``; floating point.
        output_size: ``(PD, PH, PW)``, or an int for all; None keeps an axis as it is.
        return_indices: also return the flat positions of the maxima in ``D×H×W``, int64.

    Returns:
        ``(N, C, PD, PH, PW)`` or ``(C, PD, PH, PW)``, and the indices in the same shape if asked for; in float32 where
        autocast wants it.

    Raises:
        AttributeError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.adaptive_max_pool3d.
    """
    return _maximum(3, input, output_size, return_indices)
