"""What pools of windows take: the maximum, the mean, the power-average, and trainable sub-sampling, which is ours."""

from __future__ import annotations

from collections.abc import Sized
from math import inf
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    FRACTIONS,
    WHOLE,
    axes,
    check_flags,
    check_input,
    check_ranks,
    check_tensors,
    int_of,
    is_of_numpy,
    listed,
)
from manualconv.functional.refusals.refusal import Refusal, once
from manualconv.geometry import Axes, Window, ceil_padding, within_reach
from manualconv.torch_internals import channels_last_format, is_moving

#: What can be ordered, as far as torch's kernels go; in one dimension integers only together with their indices.
_ORDERED = FRACTIONS | WHOLE


@once
def window(size: Axes, k: Axes, s: Axes, p: Axes, d: Axes, ceil_mode: bool, channels_last: bool = False) -> Window:
    """Positive kernel, stride and dilation, padding at most half the kernel, at least one placement."""
    for key, numbers in (("kernel_size", k), ("stride", s), ("dilation", d)):
        if min(numbers) < 1:
            raise Refusal(f"{key}={numbers} must be >= 1 on every axis; stride is kernel_size={k} if not given")
    if min(p) < 0 or any(a > n // 2 for a, n in zip(p, k)):
        raise Refusal(f"padding={p} must be >= 0 and <= {tuple(n // 2 for n in k)}, half of kernel_size={k}")
    made = Window(size, k, s, d, tuple((a, a) for a in p), channels_last=channels_last)
    made = ceil_padding(made) if ceil_mode else made
    if min(made.output_size) < 1:
        needed = ", ".join(f"{i} + {2 * a} >= {e}*{n - 1} + 1" for i, a, e, n in zip(size, p, d, k))
        raise Refusal(f"i + 2*pad >= d*(k-1) + 1 is needed on every axis: {needed}")
    return within_reach(made)


def _stride(kernel_size: Any, stride: Any) -> Any:
    return kernel_size if stride is None or (isinstance(stride, (tuple, list)) and not stride) else stride


def of_maximum(
    ndim: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any, indices: bool
) -> Window:
    """The window of a max pooling that torch takes."""
    check_input(input)
    check_flags(ceil_mode=ceil_mode)
    of_line, stride = ndim == 1 and not indices, _stride(kernel_size, stride)  # torch has a kernel of its own for lines
    limit = 2**63 if of_line else 2**31
    k, s, p, d = axes(ndim, limit, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
    check_ranks(input, ndim)
    if input.dtype not in (FRACTIONS if of_line else _ORDERED):
        integers = ", with return_indices=True" if of_line else ""
        raise Refusal(f"{input.dtype} has no order here: pool .real, .imag, .abs() or .int(){integers}")
    try:
        return window(tuple(input.shape[input.dim() - ndim :]), k, s, p, d, ceil_mode)
    except Refusal as refusal:
        if of_line and max(*k, *s, *p, *d) >= 2**31:  # torch counts outputs in 32 bits here, and then reads for hours
            raise RuntimeError(f"max_pool1d(): {refusal}") from None
        raise


def check_ties(ties: Any) -> None:
    """A rule for ties that there is."""
    if ties not in ("first", "split"):
        raise ValueError(f"ties must be 'first' (torch's rule) or 'split' (equal parts to all), but got {ties!r}")


def of_mean(
    ndim: int, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any, include: Any, override: Any
) -> tuple[Window, int | None]:
    """The window of an average pooling that torch takes, and the divisor in place of the window's own."""
    check_input(input)
    check_flags(ceil_mode=ceil_mode, count_include_pad=include)
    divisor = None if override is None else int_of("divisor_override", override)
    stride = _stride(kernel_size, stride)
    k, s, p = axes(ndim, 2**31, kernel_size=kernel_size, stride=stride, padding=padding)
    if divisor == 0:
        raise Refusal("divisor_override=0 is what each window's sum is divided by")
    check_ranks(input, ndim)
    if not (input.is_floating_point() or input.dtype == torch.int64):
        raise Refusal(f"input is {input.dtype}, and floating point and int64 have means: input.float()")
    size = tuple(input.shape[input.dim() - ndim :])
    if ndim == 3 and any(i < n for i, n in zip(size, k)):
        raise Refusal(f"kernel_size={k} must be <= {size}, the input's axes; of volumes padding does not count")
    channels_last = ndim == 2 and channels_last_format(input) == torch.channels_last
    return window(size, k, s, p, (1,) * ndim, ceil_mode, channels_last), divisor


def norm(ndim: int, input: Any, norm_type: Any, kernel_size: Any) -> float:
    """p, a number that is not 0, beside a tensor and, for images and volumes, a size for every axis."""
    single = is_of_numpy(norm_type, "biufc") or (isinstance(norm_type, Tensor) and norm_type.numel() == 1)
    p = norm_type.item() if single else norm_type if isinstance(norm_type, (int, float, complex)) else None
    if p == 0:
        raise Refusal(f"norm_type={norm_type}: the root 1/p has no meaning at 0")
    if ndim > 1 and isinstance(kernel_size, Sized) and len(kernel_size) != ndim:
        raise Refusal(f"kernel_size={kernel_size!r} must be an int or a tuple of {ndim}")
    check_input(input)
    if isinstance(norm_type, Tensor) and is_moving(norm_type):
        raise Refusal("norm_type has no derivative here, though torch.pow has one: norm_type.detach()", TypeError)
    if p is None or isinstance(p, complex):
        raise Refusal(f"norm_type={norm_type!r} must be a number, and real: 1.0, 2.0, inf")
    if ndim == 1 and p not in (inf, -inf) and isinstance(kernel_size, (tuple, list)) and len(kernel_size) == 1:
        raise Refusal(f"kernel_size={kernel_size}: lp_pool1d() takes an int")
    return p


def of_sum(ndim: int, input: Any, weight: Any, bias: Any, kernel_size: Any, stride: Any, activation: Any) -> Window:
    """The window of a sub-sampling of x ``(N, C, *I)`` or ``(C, *I)``, beside w and b ``(C,)``."""
    check_tensors(("bias",), input=input, weight=weight, bias=bias)
    k, s = axes(ndim, 2**63, kernel_size=kernel_size, stride=kernel_size if stride is None else stride)
    if activation is not None and not callable(activation):
        raise Refusal(f"activation must be a function of a tensor or None, not {activation!r}", TypeError)
    check_ranks(input, ndim, input.dim())
    return window(tuple(input.shape[input.dim() - ndim :]), k, s, (0,) * ndim, (1,) * ndim, False)


def check_coefficients(x: Tensor, weight: Tensor, bias: Tensor | None, channels: int) -> None:
    """One coefficient and one bias a channel, floating point, of the input's dtype and device."""
    if not x.is_floating_point():
        raise Refusal(f"input is {x.dtype}: input.float() makes numbers", NotImplementedError)
    for key, t in (("weight", weight), ("bias", bias)):
        if t is not None and (t.shape != (channels,) or t.dtype != x.dtype or t.device != x.device):
            needed = f"one number for each of the input's channels, ({channels},), of its type, {x.type()}"
            raise Refusal(f"{key} {listed(t.shape)} of {t.type()} must be {needed}")
