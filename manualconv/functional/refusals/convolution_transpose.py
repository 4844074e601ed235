"""What a transposed convolution takes: the convolution's rules with the roles of input and output exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from manualconv.functional.refusals.arguments import crossed, is_pairs, kind, listed, overflow, read, whole
from manualconv.functional.refusals.convolution import check_groups, over_axes
from manualconv.geometry import Axes, Pair, Window

_NAMED_AXES = {1: ("width",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def read_arguments(name: str, tensors: dict[str, Any], numbers: dict[str, Any]) -> tuple[Any, ...]:
    """The numbers in their order as ints and tuples of ints: what torch's argument parser sees to."""
    read_numbers = tuple(v if is_pairs(v) and key == "padding" else whole(v) for key, v in numbers.items())
    for place, (key, value) in enumerate(tensors.items(), 1):
        if not isinstance(value, Tensor) and not (key == "bias" and value is None):
            raise TypeError(
                f"{name}(): argument '{key}' (position {place}) must be Tensor, not {kind(value)} "
                f"[torch.as_tensor(...) makes one]"
            )
    for (key, value), number in zip(numbers.items(), read_numbers):
        if key == "groups" and (isinstance(number, tuple) or read(value) is None):
            raise TypeError(f"{name}(): argument 'groups' must be int, not {kind(value)} [groups was {value!r}]")
        if number is None and read(value) is None:
            raise TypeError(
                f"{name}(): argument '{key}' must be tuple of ints, not {kind(value)} [{key} was {value!r}]"
            )
    for (key, value), number in zip(numbers.items(), read_numbers):
        if number is None and (error := overflow(name, key, value)) is not None:
            raise error
    return read_numbers


def check_transposed_shapes(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, ndim: int, groups: int
) -> None:
    """Ranks and channel counts of x ``(N, C, *I)`` or ``(C, *I)``, w ``(C, O/g, *K)``, b ``(O,)``."""
    shape = f"(in_channels, out_channels/groups, *kernel_size), {ndim + 2} dimensions"
    if weight.dim() < 3:
        raise RuntimeError(
            f"weight should have at least three dimensions, but got weight of size {listed(weight.shape)} [{name} "
            f"needs {shape}]"
        )
    if input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"Expected {ndim + 1}D (unbatched) or {ndim + 2}D (batched) input to {name}, but got input of size: "
            f"{listed(input.shape)} [unsqueeze(0) adds a missing batch axis]"
        )
    if weight.dim() != ndim + 2:
        raise RuntimeError(
            f"kernel_size must have {ndim} entries, but got {weight.dim() - 2} in weight of size "
            f"{listed(weight.shape)} [{name} needs a weight of {shape}]"
        )
    check_groups(weight, groups)
    channels, size = input.shape[input.dim() - ndim - 1], tuple(input.shape[input.dim() - ndim :])
    if channels != weight.shape[0]:
        layout = "; did you pass NHWC?" if input.shape[-1] == weight.shape[0] else ""
        raise RuntimeError(
            f"Given transposed=1, weight of size {listed(weight.shape)}, expected input{listed(input.shape)} to have "
            f"{weight.shape[0]} channels, but got {channels} channels instead [a transposed convolution's weight is "
            f"{shape}{layout}]"
        )
    if any(k == 0 for k in weight.shape[2:]):
        raise RuntimeError(
            f"kernel size should be greater than zero, but got kernel_size={tuple(weight.shape[2:])} [1 tap or more]"
        )
    if weight.shape[1] == 0:
        raise RuntimeError(
            f"non-empty {ndim + 2}D weight tensor expected, but got: {listed(weight.shape)} [{name} needs {shape}]"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[1] * groups,):
        raise RuntimeError(
            f"Given transposed=1, weight of size {listed(weight.shape)}, expected bias to be 1-dimensional with "
            f"{weight.shape[1] * groups} elements, but got bias of size {listed(bias.shape)} instead [one "
            f"number per output channel, weight.shape[1]*groups]"
        )
    if any(length == 0 for length in size):
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {listed(input.shape)} [no "
            f"spatial axis may be empty]"
        )


def output_padding(value: Any, stride: Axes, dilation: Axes) -> Axes:
    """Positions added at the far border, per axis: 0 ≤ m < max(stride, dilation)."""
    ndim = len(stride)
    more = over_axes("output_padding", value, ndim)
    if any(m < 0 for m in more):
        raise RuntimeError(f"negative output_padding is not supported, got output_padding={more} [0 or more]")
    if any(m >= max(s, d) for m, s, d in zip(more, stride, dilation)):
        numbers = " ".join(
            f"{key}_{axis}: {number}"
            for key, values in (("output_padding", more), ("stride", stride), ("dilation", dilation))
            for axis, number in zip(_NAMED_AXES[ndim], values)
        )
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got {numbers} [0 <= output_padding < "
            f"max(stride, dilation) = {tuple(max(s, d) for s, d in zip(stride, dilation))} on every axis]"
        )
    return more


def check_output_size(window: Window) -> None:
    """The transposed layer's output, which is the window's input, has at least one position on every axis."""
    if any(length < 1 for length in window.input_size):
        raise RuntimeError(
            f"Given input size per channel: ({crossed(window.output_size)}). Calculated output size per channel: "
            f"({crossed(window.input_size)}). Output size is too small [s*(i-1) + d*(k-1) + 1 - lo - hi + "
            f"output_padding with s={window.stride}, d={window.dilation}, k={window.kernel_size}, (lo, hi - "
            f"output_padding)={window.padding}]"
        )


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
