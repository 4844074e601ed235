"""Average pooling: the windows of convolution, a mean in place of the weighted sum.

    y[p] = Σ_k x[s·p + k − a] / count(p)                                             D·SumWindows, D = 1/count

The variants (`count_include_pad`, `divisor_override`, the overhang of ``ceil_mode``) all live in the diagonal D.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*; lecture notes on pooling.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.summation import SumWindows
from manualconv.functional.pooling_window import Numbers, pooling_window
from manualconv.geometry import Window


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
    window, p = pooling_window(name, ndim, input, kernel_size, stride, padding, 1, ceil_mode)
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
