"""Pooling: the same windows as convolution's, a maximum or a mean in place of the weighted sum.

    max   y[p] = x[i*(p)],  i*(p) the position of the maximum over {s·p + d·k − a}         Select at i*
    mean  y[p] = Σ_k x[s·p + k − a] / count(p)                                             D·SumWindows, D = 1/count

``ceil_mode`` is one more placement where the stride leaves positions over: a larger right padding, nothing else.
The mean's variants (`count_include_pad`, `divisor_override`, the overhang of ``ceil_mode``) all live in the diagonal D.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, Figs 12 and 13; lecture notes on pooling.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.selection import Select, argmax
from manualconv.autograd.summation import SumWindows
from manualconv.functional.validation import pooling as validation
from manualconv.geometry import Window, ceil_padding, per_axis

Numbers = int | tuple[int, ...]


def _window(
    name: str,
    ndim: int,
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    dilation: Numbers,
    ceil_mode: bool,
) -> tuple[Window, tuple[int, ...]]:
    """The checked window, and the symmetric padding asked for (which ceil_mode's overhang does not belong to)."""
    validation.check_pooling(name, ndim, input, kernel_size, stride, padding, dilation)
    k, p, d = (per_axis(v, ndim) for v in (kernel_size, padding, dilation))
    s = per_axis(stride, ndim) if stride or stride == 0 else k
    window = Window(tuple(input.shape[-ndim:]), k, s, d, tuple((a, a) for a in p))
    if ceil_mode:
        window = ceil_padding(window)
    validation.check_pooling_window(name, input, window, p)
    return window, p


def _max_pool(
    name: str,
    ndim: int,
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    dilation: Numbers,
    ceil_mode: bool,
    return_indices: bool,
) -> Tensor | tuple[Tensor, Tensor]:
    window, _ = _window(name, ndim, input, kernel_size, stride, padding, dilation, ceil_mode)
    x = input.unsqueeze(0) if input.dim() == ndim + 1 else input
    with torch.no_grad():
        index = argmax(x.detach(), window)
    y = Select.call(x, index, ndim)
    if input.dim() == ndim + 1:
        y, index = y.squeeze(0), index.squeeze(0)
    return (y, index) if return_indices else y


def max_pool2d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """2-D max pooling: the largest entry of each window, padding counted as −∞, ties to the first in row-major order.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``; any real dtype.
        kernel_size, stride, padding, dilation: an int or a tuple of two; `stride` defaults to `kernel_size`, `padding`
            is at most half of the dilated kernel.
        ceil_mode: round the output size up.
        return_indices: also return the flat positions of the maxima in ``H×W``, int64.

    Returns:
        ``(N, C, PH, PW)`` or ``(C, PH, PW)``, and the indices in the same shape if asked for.

    Raises:
        TypeError, RuntimeError: as torch.nn.functional.max_pool2d.
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _counts(window: Window, padding: tuple[int, ...], include_pad: bool, like: Tensor) -> Tensor:
    """How many positions each window averages over, ``(*P,)``: the product of an interval's length per axis.

    With `include_pad` the interval is cut at ``I + a``, so that ceil_mode's overhang never counts; without it at the
    input itself.
    """
    count = torch.ones((), dtype=torch.int64, device=like.device)
    for axis in range(window.ndim):
        size, a = window.input_size[axis], padding[axis]
        start = torch.arange(window.output_size[axis], device=like.device) * window.stride[axis] - a
        end = start + window.kernel_size[axis]
        low, high = (-a, size + a) if include_pad else (0, size)
        count = count.unsqueeze(-1) * (end.clamp(max=high) - start.clamp(min=low))
    return count


def _avg_pool(
    name: str,
    ndim: int,
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero: divisor_override is the number each window's sum is divided by")
    window, p = _window(name, ndim, input, kernel_size, stride, padding, 1, ceil_mode)
    x = input.unsqueeze(0) if input.dim() == ndim + 1 else input
    total: Tensor = SumWindows.call(x, window)
    divisor = divisor_override if divisor_override is not None else _counts(window, p, count_include_pad, x)
    y = total / divisor if x.dtype.is_floating_point else torch.div(total, divisor, rounding_mode="trunc")
    return y.squeeze(0) if input.dim() == ndim + 1 else y


def avg_pool2d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """2-D average pooling: the mean of each window.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``; floating point or int64.
        kernel_size, stride, padding: an int or a tuple of two; `stride` defaults to `kernel_size`.
        ceil_mode: round the output size up.
        count_include_pad: padding zeros count in the divisor.
        divisor_override: divide every window's sum by this instead.

    Returns:
        ``(N, C, PH, PW)`` or ``(C, PH, PW)``.

    Raises:
        TypeError, RuntimeError: as torch.nn.functional.avg_pool2d.
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
