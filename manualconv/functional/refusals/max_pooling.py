"""What max pooling takes."""

from __future__ import annotations

from typing import Any

import torch

from manualconv.functional.refusals.arguments import axes, check_flags, check_input, check_ranks
from manualconv.functional.refusals.pooling import pooling_window
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Window

#: What can be ordered, as far as torch's kernels go; in one dimension integers only together with their indices.
_FRACTIONS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})
_ORDERED = _FRACTIONS | {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


def checked_window(
    ndim: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any, indices: bool
) -> Window:
    """The window of a max pooling that torch takes."""
    check_input(input)
    stride = kernel_size if stride is None or (isinstance(stride, (tuple, list)) and not stride) else stride
    of_line = ndim == 1 and not indices  # torch has a kernel of its own for it
    limit = 2**63 if of_line else 2**31
    k, s, p, d = axes(ndim, limit, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
    check_flags(ceil_mode=ceil_mode)
    check_ranks(input, ndim)
    if input.dtype not in (_FRACTIONS if of_line else _ORDERED):
        raise Refusal(
            f"{input.dtype} has no order here: pool .real, .imag, .abs() or .int(), integers of one axis with "
            "return_indices=True"
        )
    return pooling_window(tuple(input.shape[input.dim() - ndim :]), k, s, p, d, ceil_mode)


def check_ties(ties: Any) -> None:
    """A rule for ties that there is."""
    if ties not in ("first", "split"):
        raise ValueError(f"ties must be 'first' (torch's rule) or 'split' (equal parts to all), but got {ties!r}")
