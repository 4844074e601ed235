"""What a transposed convolution takes: the convolution's rules with the roles of input and output exchanged."""

from __future__ import annotations

from typing import Any

from manualconv.functional.refusals.arguments import listed
from manualconv.functional.refusals.convolution import check_dangers, check_sizes, frame_of, over_axes
from manualconv.functional.refusals.refusal import Refusal, once
from manualconv.geometry import Axes, Window, window_of_output


@once
def transposed_convolution_window(
    ndim: int,
    size: Axes,
    shape: Axes,
    bias: Axes | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Window:
    """The window of x ``([N,] C, *I)``, w ``(C, O/g, *K)`` and b ``(O,)``, whose sizes are `size`, `shape`, `bias`."""
    check_dangers(padding, stride=stride, dilation=dilation, groups=groups, kernel_size=tuple(shape[2:]))
    negative = [p for p in (padding if isinstance(padding, tuple) else (padding,)) if isinstance(p, int) and p < 0]
    if negative:  # has crashed some torch
        raise RuntimeError(f"negative padding is not supported, got padding={padding} [0 or more]")
    check_sizes(
        f"conv_transpose{ndim}d takes weights (C, O/groups, *K)", ndim, size, shape, bias, groups, transposed=True
    )
    places, k = tuple(size[len(size) - ndim :]), tuple(shape[2:])
    if shape[1] == 0 or 0 in places:
        raise Refusal(
            f"weight {listed(shape)} must have an output channel, input {listed(size)} positions on every axis"
        )
    s, d, more = over_axes(ndim, stride=stride, dilation=dilation, output_padding=output_padding)
    least = tuple(max(a, b) for a, b in zip(s, d))
    if any(m < 0 or m >= n for m, n in zip(more, least)):
        raise Refusal(f"0 <= output_padding={more} < max(stride, dilation) = {least} is needed on every axis")
    window = window_of_output(places, k, s, d, frame_of(padding, k, s, d), groups, more)
    if any(length >= 2**63 for length in window.input_size):
        raise RuntimeError(f"the output would have {window.input_size} positions [less than 2**63 on every axis]")
    if any(length < 0 for length in window.input_size):
        raise Refusal(
            f"s*(i-1) + d*(k-1) + 1 - lo - hi + output_padding >= 0 is needed on every axis with s={s}, i={places}, "
            f"d={d}, k={k}, (lo, hi - output_padding)={window.padding}"
        )
    return window
