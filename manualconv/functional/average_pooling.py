"""Average pooling: the windows of convolution, a mean in place of the weighted sum.

    y[n, c, p] = D[p] · Σ_k x[n, c, s·p + k − a],   D = 1/count           D·SumWindows, x = 0 outside

D is a diagonal, so the gradient is the same numbers the other way round, and every further order is one of the two::

    x̄[n, c, i] = Σ_{k,p : s·p + k − a = i} D[p] · ȳ[n, c, p]              SpreadWindows·D: δ/k² to every tap

All variants live in D: the positions counted are the window's taps on the padded input, or on the input alone
(`count_include_pad` False), or there is one number for all (`divisor_override`).  What ``ceil_mode`` adds at the far
border is one more placement; its taps beyond the padding asked for, the overhang, are in no count.

One N-dimensional `_avg_pool` under three names.  Half precision is summed and divided in float32 and rounded once, so
that a mean of large numbers does not overflow on the way.

Source: notes on convolution and collected notes (B10, B11).
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.layout import Lay
from manualconv.autograd.replaced import under_rule
from manualconv.autograd.slots import pool_in_force
from manualconv.autograd.summation import SumWindows
from manualconv.functional.precision import cast
from manualconv.functional.refusals import pooling as refusals
from manualconv.geometry import Numbers, Window
from manualconv.kernels.precision import single


def _counts(window: Window, include_pad: bool, like: Tensor) -> Tensor | int:
    """How many positions each window averages over, ``(*P,)``: the product of an interval's length per axis.

    With `include_pad` the interval is cut at ``I + a``, so that ceil_mode's overhang never counts; without it at the
    input itself.  Where nothing is cut the count is the same number everywhere.
    """
    if not window.is_padded or (include_pad and all(a == b for a, b in window.padding)):
        return window.taps
    count = torch.ones((), dtype=torch.int64, device=like.device)
    for axis in range(window.ndim):
        size, (a, _) = window.input_size[axis], window.padding[axis]
        start = torch.arange(window.output_size[axis], device=like.device) * window.stride[axis] - a
        end = start + window.kernel_size[axis]
        low, high = (-a, size + a) if include_pad else (0, size)
        count = count.unsqueeze(-1) * (end.clamp(max=high) - start.clamp(min=low))
    return count


def _avg_pool(
    ndim: int,
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> Tensor:
    window, divisor = refusals.of_mean(
        ndim, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
    (input,) = cast(f"avg_pool{ndim}d", input)
    x = input if input.dim() == ndim + 2 else input.unsqueeze(0)
    y = _mean(x, window, divisor or _counts(window, count_include_pad, x))
    if window.channels_last and window.placements == 1:
        y = Lay.call(y, True)  # one position lies both ways: the strides say which
    rules = pool_in_force()
    if rules is not None:
        y = under_rule(y, x, window, rules)
    return y if input.dim() == ndim + 2 else y.squeeze(0)


def _mean(x: Tensor, window: Window, divisor: Tensor | int) -> Tensor:
    """``SumWindows(x) / divisor``; integers are cut towards zero."""
    total: Tensor = SumWindows.call(single(x), window)
    if x.dtype.is_floating_point:
        return (total / divisor).to(x.dtype)
    return torch.div(total, divisor, rounding_mode="trunc")


def avg_pool1d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """1-D average pooling: `avg_pool2d` on ``(N, C, L)`` or ``(C, L)``, without a divisor of one's own, as in torch."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


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
        input: ``(N, C, H, W)`` or ``(C, H, W)``; floating point, or int64, whose means are cut towards zero.
        kernel_size, stride, padding: an int or a tuple of two; `stride` defaults to `kernel_size`, `padding` is at most
            half of the kernel.
        ceil_mode: round the output size up, unless the last window would start in the right padding.
        count_include_pad: padding zeros count in the divisor; what ceil_mode adds beyond them never does.
        divisor_override: divide every window's sum by this instead; any int but 0.

    Returns:
        ``(N, C, PH, PW)`` or ``(C, PH, PW)`` with ``P = ⌊(I + 2·padding − K)/stride⌋ + 1``, channels_last if the input
        is.

    Raises:
        TypeError: an argument of another kind, or a number of more than 64 bits inside a tuple.
        ValueError: a number of more than 64 bits.
        IndexError: fewer than three axes, of images only.
        RuntimeError: another wrong rank, numbers that make no window, an input too small for one, a divisor of 0.
        NotImplementedError: integers but int64, bool, complex or sparse input.

        All as torch.nn.functional.avg_pool2d.
    """
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """3-D average pooling: `avg_pool2d` on ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    As in torch an axis must be at least as long as the kernel without its padding, the result is contiguous, and under
    autocast on the CPU it is float32.  Half precision is taken on every device, where torch's CPU has no kernel.
    """
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
