"""What average pooling takes."""

from __future__ import annotations

from typing import Any

import torch

from manualconv.functional.refusals.arguments import axes, check_flags, check_input, check_ranks, int_of
from manualconv.functional.refusals.pooling import pooling_window
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Window
from manualconv.torch_internals import channels_last_format


def checked_window(
    ndim: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: Any,
    count_include_pad: Any,
    divisor_override: Any,
) -> tuple[Window, int | None]:
    """The window of an average pooling that torch takes, and the divisor in place of the window's own."""
    check_input(input)
    check_flags(ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    divisor = None if divisor_override is None else int_of("divisor_override", divisor_override)
    stride = kernel_size if stride is None or (isinstance(stride, (tuple, list)) and not stride) else stride
    k, s, p = axes(ndim, 2**31, kernel_size=kernel_size, stride=stride, padding=padding)
    if divisor == 0:
        raise Refusal("divisor_override=0 is what each window's sum is divided by")
    check_ranks(input, ndim)
    if not (input.is_floating_point() or input.dtype == torch.int64):
        raise Refusal(f"input is {input.dtype}, and floating point and int64 have means: input.float()")
    size = tuple(input.shape[input.dim() - ndim :])
    if ndim == 3 and any(i < n for i, n in zip(size, k)):
        raise Refusal(
            f"kernel_size={k} must be <= {size}, the input's axes; in three dimensions padding does not count"
        )
    channels_last = ndim == 2 and channels_last_format(input) == torch.channels_last
    return pooling_window(size, k, s, p, (1,) * ndim, ceil_mode, channels_last), divisor
