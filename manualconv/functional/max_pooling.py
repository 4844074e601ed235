"""Max pooling: the windows of convolution, a maximum in place of the weighted sum.

    y[p] = x[s·p + d·k(p) − a],  k(p) the tap of the largest         Maximum; Select where ties are shared

Padding takes no part in the maximum, a NaN wins over everything.  A window that sees nothing but padding, where the
input is shorter than the dilation, is −∞ (the lowest integer) and sends no gradient anywhere; as in torch its index is
the position of its next tap, which lies outside.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, Figs 12 and 13; notes on
convolution (B8, B9).
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.layout import Lay
from manualconv.autograd.maximum import Maximum
from manualconv.autograd.replaced import under_rule
from manualconv.autograd.selection import Select, argmax
from manualconv.autograd.slots import pool_in_force
from manualconv.autograd.ties import SelectTied, tied_taps
from manualconv.functional.layout import pooled_channels_last
from manualconv.functional.precision import cast
from manualconv.functional.refusals import pooling as refusals
from manualconv.geometry import Numbers, Window
from manualconv.kernels.movement.layout import laid
from manualconv.kernels.pooling.maximum import lowest
from manualconv.kernels.pooling.taps import blind, has_blind


def _max_pool(
    ndim: int,
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    dilation: Numbers,
    ceil_mode: bool,
    return_indices: bool,
    ties: str,
) -> Tensor | tuple[Tensor, Tensor]:
    window = refusals.of_maximum(ndim, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    refusals.check_ties(ties)
    if not return_indices:  # torch's policy knows the operator without indices only
        (input,) = cast(f"max_pool{ndim}d", input)
    x = batch = input.unsqueeze(0) if input.dim() == ndim + 1 else input
    channels_last = input.dim() > ndim + 1 and pooled_channels_last(x)
    if channels_last:
        x = Lay.call(x, False)
    if ties == "first" and not return_indices and not has_blind(window):
        y, index = Maximum.call(x, window)[0], None
    else:
        y, index = _at_positions(x, window, ties == "split")
    if channels_last:
        y, index = Lay.call(y, True), None if index is None else laid(index, True)
    rules = pool_in_force()
    if rules is not None:
        y = under_rule(y, batch, window, rules)
    if input.dim() == ndim + 1:
        y, index = y.squeeze(0), None if index is None else index.squeeze(0)
    return y if index is None or not return_indices else (y, index)


def _at_positions(x: Tensor, window: Window, split: bool) -> tuple[Tensor, Tensor]:
    """Where positions are asked for, windows read padding alone or ties are shared: y as a selection of positions.

    The graph keeps the positions themselves: a user who edits them is told in the backward pass.
    """
    with torch.no_grad():
        index = argmax(x.detach(), window)
        hidden = blind(window, x.device) if has_blind(window) else None
        seen = index if hidden is None else index.masked_fill(hidden, 0)
        tied = tied_taps(x.detach(), seen, window) if split else None
    y: Tensor = Select.call(x, seen, window.ndim) if tied is None else SelectTied.call(x, seen, tied, window)
    return y if hidden is None else y.masked_fill(hidden, lowest(y.dtype)), index


def max_pool1d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    ties: str = "first",
) -> Tensor | tuple[Tensor, Tensor]:
    """1-D max pooling: `max_pool2d` over one axis.

    Args:
        input: ``(N, C, L)`` or ``(C, L)``; floating point, with `return_indices` also integers.
        kernel_size, stride, padding, dilation, ceil_mode, return_indices, ties: as `max_pool2d`, with tuples of one.

    Returns:
        ``(N, C, P)`` or ``(C, P)``, and the indices in the same shape if asked for.

    Raises:
        TypeError, ValueError, RuntimeError: as `max_pool2d`.
        NotImplementedError: also integers without `return_indices`, as torch.nn.functional.max_pool1d.
    """
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, ties)


def max_pool2d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    ties: str = "first",
) -> Tensor | tuple[Tensor, Tensor]:
    """2-D max pooling: the largest entry of each window, padding counted as −∞, ties to the first in row-major order.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``; any real dtype.
        kernel_size, stride, padding, dilation: an int or a tuple of two; `stride` defaults to `kernel_size`, `padding`
            is at most half of the kernel.
        ceil_mode: round the output size up.
        return_indices: also return the flat positions of the maxima in ``H×W``, int64.
        ties: where the cotangent of a window goes whose maximum is attained several times: ``'first'``, as in torch, to
            the position that the index names, or ``'split'``, to all of them in equal parts.  A window with a NaN is
            that NaN's (the last one's) under both rules.

    Returns:
        ``(N, C, PH, PW)`` or ``(C, PH, PW)``, and the indices in the same shape if asked for; channels_last if `input`
        is.

    Raises:
        TypeError: an argument of another kind, or a number of more than 64 bits inside a tuple.
        ValueError: a number of more than 64 bits; another word for `ties`.
        RuntimeError: a wrong rank, numbers that make no window, an input too small for one.
        NotImplementedError: bool, complex or sparse input.

        All but `ties` as torch.nn.functional.max_pool2d.
    """
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, ties)


def max_pool3d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    ties: str = "first",
) -> Tensor | tuple[Tensor, Tensor]:
    """3-D max pooling: `max_pool2d` over three axes.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``; any real dtype.
        kernel_size, stride, padding, dilation, ceil_mode, return_indices, ties: as `max_pool2d`, with tuples of three.

    Returns:
        ``(N, C, PD, PH, PW)`` or ``(C, PD, PH, PW)``, and the indices in the same shape if asked for.  Under the CPU's
        autocast float32, as torch's, unless indices are asked for.

    Raises:
        AttributeError: `input` is no tensor, with `return_indices`.
        TypeError, ValueError, RuntimeError, NotImplementedError: as `max_pool2d`.
    """
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, ties)
