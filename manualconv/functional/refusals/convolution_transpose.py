"""What a transposed convolution takes: the convolution's rules with the roles of input and output exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from manualconv.functional.refusals.arguments import listed
from manualconv.functional.refusals.convolution import check_dangers, frame_of, over_axes
from manualconv.functional.refusals.refusal import Refusal, once
from manualconv.geometry import Axes, Pair, Window, window_of_output


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
    if len(shape) != ndim + 2 or not ndim + 1 <= len(size) <= ndim + 2:
        raise Refusal(
            f"conv_transpose{ndim}d takes ([N,] C, *I) and weights (C, O/groups, *K) with {ndim} axes I and K, not an "
            f"input of size {listed(size)} and a weight of size {listed(shape)}: unsqueeze(0) adds a missing axis"
        )
    (inputs, terms, *kernel), channels, places = shape, size[-ndim - 1], tuple(size[len(size) - ndim :])
    if inputs < groups or inputs % groups:
        raise Refusal(f"groups must divide weight.shape[0], and {inputs} mod {groups} = {inputs % groups}")
    if channels != inputs:
        layout = "; did you pass NHWC?" if size[-1] == inputs else ""
        raise Refusal(f"input channels must be weight.shape[0] = {inputs}, not {channels}{layout}")
    if terms == 0 or 0 in places:
        raise Refusal(
            f"weight {listed(shape)} must have an output channel, input {listed(size)} positions on every axis"
        )
    if bias is not None and bias != (terms * groups,):
        raise Refusal(
            f"bias {listed(bias)} must be ({terms * groups},), one number per output channel, weight.shape[1]*groups"
        )
    s, d, more = over_axes(ndim, stride=stride, dilation=dilation, output_padding=output_padding)
    least = tuple(max(a, b) for a, b in zip(s, d))
    if any(m < 0 or m >= n for m, n in zip(more, least)):
        raise Refusal(f"0 <= output_padding={more} < max(stride, dilation) = {least} is needed on every axis")
    k = tuple(kernel)
    window = window_of_output(places, k, s, d, frame_of(padding, k, s, d), groups, more)
    if any(length < 1 for length in window.input_size):
        raise Refusal(
            f"s*(i-1) + d*(k-1) + 1 - lo - hi + output_padding >= 1 is needed on every axis with s={s}, i={places}, "
            f"d={d}, k={k}, (lo, hi - output_padding)={window.padding}"
        )
    return window


def output_padding_for(
    output_size: Sequence[int],
    input: Tensor,
    kernel_size: Axes,
    stride: Axes,
    dilation: Axes,
    padding: tuple[Pair, ...],
) -> Axes:
    """The output_padding under which a layer gives `output_size`: ``(*I)``, or a whole shape that ends so."""
    ndim = len(kernel_size)
    lead = 2 if input.dim() == ndim + 2 else 1
    size = tuple(output_size[lead:] if len(output_size) == lead + ndim else output_size)
    if len(size) != ndim:
        raise ValueError(
            f"ConvTranspose{ndim}D: for {input.dim()}D input, output_size must have {ndim} or {lead + ndim} elements "
            f"(got {len(size)})"
        )
    smallest = tuple(
        s * (p - 1) + d * (k - 1) + 1 - a - b
        for p, k, s, d, (a, b) in zip(input.shape[lead:], kernel_size, stride, dilation, padding)
    )
    largest = tuple(i + s - 1 for i, s in zip(smallest, stride))
    if any(not low <= i <= high for low, i, high in zip(smallest, size, largest)):
        raise ValueError(
            f"requested an output size of {list(size)}, but valid sizes range from {list(smallest)} to "
            f"{list(largest)} (for an input of {listed(input.shape[lead:])}) [smallest + stride - 1]"
        )
    return tuple(i - low for i, low in zip(size, smallest))
