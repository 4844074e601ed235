"""Max pooling: the windows of convolution, a maximum in place of the weighted sum.

    y[p] = x[i*(p)],  i*(p) the position of the maximum over {s·p + d·k − a}         Select at i*

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, Figs 12 and 13; lecture notes on pooling.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.selection import Select, argmax
from manualconv.functional.pooling_window import Numbers, pooling_window


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
    window, _ = pooling_window(name, ndim, input, kernel_size, stride, padding, dilation, ceil_mode)
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
