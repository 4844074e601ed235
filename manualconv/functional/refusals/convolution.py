"""What a convolution takes: types, numbers per axis, padding in any spelling, ranks, channels, a kernel that fits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    crossed,
    is_pairs,
    kind,
    listed,
    overflow,
    read,
    reject_arguments,
    whole,
)
from manualconv.geometry import Axes, Pair, Window, full_padding, per_axis, same_padding

MOST_PADDING = 2**62 - 1

#: What torch's convolutions multiply, and ours.
MULTIPLIED = frozenset(
    getattr(torch, name)
    for name in (
        *("float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128"),
        *("uint8", "int8", "int16", "int32", "int64"),
    )
)


def read_arguments(
    name: str, ndim: int, tensors: tuple[Any, Any, Any], stride: Any, padding: Any, dilation: Any, groups: Any
) -> tuple[Any, Any, Any, Any]:
    """Stride, padding, dilation, groups as ints, tuples of ints, a word: what torch's argument parser sees to."""
    input, weight, bias = tensors
    s, p, d, g = whole(stride), padding, whole(dilation), whole(groups)
    if type(p) is not str and not is_pairs(p):
        p = p.decode() if isinstance(p, bytes) else str(p) if isinstance(p, str) else whole(p)
    if (
        s is None
        or p is None
        or d is None
        or g is None
        or type(g) is tuple
        or not isinstance(input, Tensor)
        or not isinstance(weight, Tensor)
        or not (bias is None or isinstance(bias, Tensor))
    ):
        numbers = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        raise _unreadable(name, ndim, {"input": input, "weight": weight, "bias": bias}, numbers)
    return s, p, d, g


def _unreadable(name: str, ndim: int, tensors: dict[str, Any], numbers: dict[str, Any]) -> Exception:
    """The error of the first argument that is not of its type, or else too wide."""
    got = [*tensors.items(), *numbers.items()]
    for key, value in tensors.items():
        if not isinstance(value, Tensor) and not (key == "bias" and value is None):
            fix = f"{name} needs one" if value is None else "torch.as_tensor(...) makes one"
            return reject_arguments(name, got, f"{key} must be a Tensor, not {kind(value)} [{fix}]")
    for key, value in numbers.items():
        if key == "padding" and (isinstance(value, (str, bytes)) or is_pairs(value)):
            continue
        if read(value) is None or (key == "groups" and isinstance(value, (tuple, list))):
            rule = "an int" if key == "groups" else f"an int or a tuple of {ndim} ints"
            return reject_arguments(
                name, got, f"{key} must be {rule}, got {value!r} [a {kind(value)} is not read as one]"
            )
    wide = (overflow(name, key, v) for key, v in numbers.items() if not isinstance(v, (str, bytes)) and not is_pairs(v))
    return next(error for error in wide if error is not None)


def over_axes(key: str, value: Any, ndim: int) -> Axes:
    """An int or tuple over the axes; torch's RuntimeError where the length is off."""
    try:
        return value if type(value) is tuple and len(value) == ndim else per_axis(value, ndim)
    except ValueError:
        raise RuntimeError(
            f"expected {key} to be a single integer value or a list of {ndim} values to match the convolution "
            f"dimensions, but got {key}={listed(value)} [{len(value)} values for {ndim} spatial axes]"
        ) from None


def convolution_numbers(ndim: int, stride: Any, dilation: Any, groups: int) -> tuple[Axes, Axes]:
    """Stride and dilation per axis, all positive."""
    stride, dilation = over_axes("stride", stride, ndim), over_axes("dilation", dilation, ndim)
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported, got groups={groups} [1 connects all channels]")
    for s, d in zip(stride, dilation):
        if s <= 0:
            raise RuntimeError(
                f"non-positive stride is not supported, got stride={stride} [1 moves to the next position]"
            )
        if d <= 0:
            raise RuntimeError(
                f"dilation should be greater than zero, but got dilation={dilation} [1 means neighbouring taps]"
            )
    return stride, dilation


def convolution_padding(padding: Any, kernel_size: Axes, stride: Axes, dilation: Axes) -> tuple[Pair, ...]:
    """Padding in any of its spellings as ``(lo, hi)`` per axis."""
    ndim = len(kernel_size)
    if isinstance(padding, str):
        return _padding_of_word(padding, kernel_size, stride, dilation)
    pairs: tuple[Pair, ...]
    if is_pairs(padding):
        if len(padding) != ndim:
            raise RuntimeError(
                f"expected padding to be a single integer value or a list of {ndim} values to match the convolution "
                f"dimensions, but got {len(padding)} (lo, hi) pairs [one pair per spatial axis]"
            )
        pairs = tuple((lo, hi) for lo, hi in padding)
    else:
        pairs = tuple([(p, p) for p in over_axes("padding", padding, ndim)])
    for axis, (lo, hi) in enumerate(pairs):
        if lo < 0 or hi < 0:
            raise RuntimeError(f"negative padding is not supported, got padding={padding} [crop the input instead]")
        if lo > MOST_PADDING or hi > MOST_PADDING:
            raise RuntimeError(
                f"Given padding={max(lo, hi)} at dimension {axis} , expected padding to be at most {MOST_PADDING} [the "
                f"padded size must be a number of 64 bits]"
            )
    return pairs


def _padding_of_word(word: str, kernel_size: Axes, stride: Axes, dilation: Axes) -> tuple[Pair, ...]:
    if word == "same":
        if any(s != 1 for s in stride):
            raise RuntimeError(
                f"padding='same' is not supported for strided convolutions [stride is {stride}: give the padding as "
                f"numbers]"
            )
        return same_padding(kernel_size, dilation)
    if word == "full":
        return full_padding(kernel_size, dilation)
    if word == "valid":
        return ((0, 0),) * len(kernel_size)
    raise RuntimeError(f"Invalid padding string: '{word}' [it must be 'valid', 'same' or 'full']")


def check_same_kind(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """One dtype, one device: the rule torch states as 'types should be the same'."""
    dtype, device = input.dtype, input.device
    if (
        weight.dtype is not dtype
        or weight.device != device
        or (bias is not None and (bias.dtype is not dtype or bias.device != device))
    ):
        raise _mixed(input, weight, bias)


def _mixed(input: Tensor, weight: Tensor, bias: Tensor | None) -> RuntimeError:
    """The error that names what differs, and as torch does the bias before the weight."""
    key, t = "weight", weight
    if bias is not None and (bias.dtype != input.dtype or bias.device != input.device):
        key, t = "bias", bias
    hint = f"input is {input.dtype} on {input.device}, {key} is {t.dtype} on {t.device}: .to() one"
    return RuntimeError(f"Input type ({input.type()}) and {key} type ({t.type()}) should be the same [{hint}]")


def check_numbers(name: str, input: Tensor, kernel: str) -> None:
    """A dtype that can be multiplied and added; `kernel` is the one of torch's that says which cannot."""
    if input.dtype not in MULTIPLIED:
        known = str(input.dtype).removeprefix("torch.").capitalize().replace("Uint", "UInt")
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{known}' [{name} multiplies and adds: input.float() makes numbers]"
        )


def check_convolution_shapes(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, ndim: int, groups: int
) -> None:
    """Ranks and channel counts of x ``(N, C, *I)`` or ``(C, *I)``, w ``(O, C/g, *K)``, b ``(O,)``."""
    size, shape = input.shape, weight.shape
    if len(shape) != ndim + 2 or not ndim + 1 <= len(size) <= ndim + 2:
        raise _ranks(name, ndim, size, shape)
    check_groups(weight, groups)
    channels = size[-ndim - 1]
    if channels != shape[1] * groups:
        layout = "; did you pass NHWC?" if size[-1] == shape[1] * groups else ""
        raise RuntimeError(
            f"Given groups={groups}, weight of size {listed(shape)}, expected input{listed(size)} to have "
            f"{shape[1] * groups} channels, but got {channels} channels instead [input channels must be "
            f"weight.shape[1]*groups = {shape[1]}*{groups} = {shape[1] * groups}{layout}]"
        )
    if bias is not None and (len(bias.shape) != 1 or bias.shape[0] != shape[0]):
        raise RuntimeError(
            f"Given weight of size {listed(shape)}, expected bias to be 1-dimensional with {shape[0]} elements, but "
            f"got bias of size {listed(bias.shape)} instead [one number per output channel, weight.shape[0]]"
        )


def _ranks(name: str, ndim: int, size: Axes, shape: Axes) -> RuntimeError:
    """The error for an input or a weight of another rank; a kernel's rank is named as that."""
    needed = f"{name} needs a weight of (out_channels, in_channels/groups, *kernel_size), {ndim + 2} dimensions"
    if len(shape) < 3:
        return RuntimeError(
            f"weight should have at least three dimensions, but got weight of size {listed(shape)} [{needed}]"
        )
    if not ndim + 1 <= len(size) <= ndim + 2:
        return RuntimeError(
            f"Expected {ndim + 1}D (unbatched) or {ndim + 2}D (batched) input to {name}, but got input of size: "
            f"{listed(size)} [unsqueeze(0) adds a missing channel axis]"
        )
    return RuntimeError(
        f"kernel_size must have {ndim} entries, but got {len(shape) - 2} in weight of size {listed(shape)} [{needed}]"
    )


def check_groups(weight: Tensor, groups: int) -> None:
    """At least one output channel a group, and as many in each."""
    outputs = weight.shape[0]
    if outputs < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{listed(weight.shape)} instead [each group makes at least one output channel]"
        )
    if outputs % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size {listed(weight.shape)} instead [{outputs} mod {groups} = {outputs % groups}]"
        )


def check_window(window: Window) -> None:
    """Every axis has a tap, and room for a placement: d·(k−1)+1 ≤ i + lo + hi."""
    for k, p in zip(window.kernel_size, window.output_size):
        if k == 0:
            raise RuntimeError(
                f"kernel size should be greater than zero, but got kernel_size={window.kernel_size} [1 tap or more]"
            )
        if p < 1:
            raise RuntimeError(
                f"Calculated padded input size per channel: ({crossed(window.padded_size)}). Kernel size: "
                f"({crossed(window.extent)}). Kernel size can't be greater than actual input size [d*(k-1)+1 with "
                f"k={window.kernel_size}, d={window.dilation} against i+lo+hi with i={window.input_size}, (lo, "
                f"hi)={window.padding}: pad the input, or take a smaller kernel]"
            )


def check_positions(input: Tensor, size: Axes) -> None:
    """An axis without positions only where there are no samples or no channels either, however much it is padded."""
    if 0 in size and 0 not in input.shape[: input.dim() - len(size)]:
        shape = input.shape if input.dim() == len(size) + 2 else (1, *input.shape)
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {listed(shape)} [no spatial "
            f"axis may be empty]"
        )
