"""What a convolution takes: types, numbers per axis, padding in any spelling, ranks, channels, a kernel that fits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.validation.arguments import (
    crossed,
    is_int,
    is_int_or_ints,
    is_pairs,
    kind,
    listed,
    reject_arguments,
)
from manualconv.geometry import Axes, Pair, full_padding, per_axis, same_padding


def check_convolution_types(name: str, ndim: int, tensors: dict[str, Any], numbers: dict[str, Any]) -> None:
    """Tensors are tensors, numbers are ints: what torch's argument parser sees to."""
    got = [*tensors.items(), *numbers.items()]
    for key, value in tensors.items():
        if not isinstance(value, Tensor) and not (key == "bias" and value is None):
            fix = "; torch.as_tensor(...) makes one" if value is not None else ""
            raise reject_arguments(name, got, f"{key} must be a Tensor, not {kind(value)}{fix}")
    for key, value in numbers.items():
        if key == "groups":
            if not is_int(value):
                raise reject_arguments(name, got, f"groups must be an int, got {value!r}")
        elif key == "padding" and (isinstance(value, str) or is_pairs(value)):
            continue
        elif not is_int_or_ints(value):
            raise reject_arguments(name, got, f"{key} must be an int or a tuple of {ndim} ints, got {value!r}")


def over_axes(key: str, value: Any, ndim: int) -> Axes:
    """An int or tuple over the axes; torch's RuntimeError where the length is off."""
    try:
        return per_axis(value, ndim)
    except ValueError:
        raise RuntimeError(
            f"expected {key} to be a single integer value or a list of {ndim} values to match the convolution "
            f"dimensions, but got {key}={listed(value)} [{len(value)} values for {ndim} spatial axes]"
        ) from None


def convolution_numbers(ndim: int, stride: Any, dilation: Any, groups: int) -> tuple[Axes, Axes]:
    """Stride and dilation per axis, all positive."""
    stride, dilation = over_axes("stride", stride, ndim), over_axes("dilation", dilation, ndim)
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported: expected groups to be greater than 0, got {groups}")
    if any(s <= 0 for s in stride):
        raise RuntimeError(f"non-positive stride is not supported: every stride must be at least 1, got {stride}")
    if any(d <= 0 for d in dilation):
        raise RuntimeError(f"dilation should be greater than zero, but got {dilation}: 1 means neighbouring taps")
    return stride, dilation


def convolution_padding(padding: Any, kernel_size: Axes, stride: Axes, dilation: Axes) -> tuple[Pair, ...]:
    """Padding in any of its spellings as ``(lo, hi)`` per axis."""
    ndim = len(kernel_size)
    if isinstance(padding, str):
        if padding == "same":
            if any(s != 1 for s in stride):
                raise RuntimeError(
                    f"padding='same' is not supported for strided convolutions [stride is {stride}: give the padding "
                    f"as numbers]"
                )
            return same_padding(kernel_size, dilation)
        if padding == "full":
            return full_padding(kernel_size, dilation)
        if padding == "valid":
            return ((0, 0),) * ndim
        raise RuntimeError(f"Invalid padding string: '{padding}' [it must be 'valid', 'same' or 'full']")
    pairs: tuple[Pair, ...]
    if is_pairs(padding):
        if len(padding) != ndim:
            raise RuntimeError(
                f"expected padding to be a single integer value or a list of {ndim} values to match the convolution "
                f"dimensions, but got {len(padding)} (lo, hi) pairs"
            )
        pairs = tuple((lo, hi) for lo, hi in padding)
    else:
        pairs = tuple((p, p) for p in over_axes("padding", padding, ndim))
    if any(side < 0 for pair in pairs for side in pair):
        raise RuntimeError(f"negative padding is not supported: got padding={padding} [crop the input instead]")
    largest = 2**62 - 1
    for axis, pair in enumerate(pairs):
        if max(pair) > largest:
            raise RuntimeError(
                f"Given padding={max(pair)} at dimension {axis} , expected padding to be at most {largest}"
            )
    return pairs


def check_same_kind(input: Tensor, **others: Tensor | None) -> None:
    """One dtype, one device, dense: the rule torch states as 'types should be the same'."""
    for key, t in others.items():
        if t is None:
            continue
        if t.layout != torch.strided or input.layout != torch.strided or t.is_quantized or input.is_quantized:
            raise RuntimeError(
                f"Input type ({input.type()}) and {key} type ({t.type()}) should be the same [{key} and input must be "
                f"dense strided tensors: .to_dense() or .dequantize() makes one]"
            )
        if t.dtype != input.dtype or t.device != input.device:
            raise RuntimeError(
                f"Input type ({input.type()}) and {key} type ({t.type()}) should be the same [input is {input.dtype} "
                f"on {input.device}, {key} is {t.dtype} on {t.device}: .to() one of them]"
            )


def check_numbers(name: str, input: Tensor, kernel: str) -> None:
    """Anything that can be multiplied, which is not bool; `kernel` is the one of torch's that says so."""
    if input.dtype == torch.bool:
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for 'Bool' [{name} multiplies and adds: input.float() makes numbers]"
        )


def check_convolution_shapes(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, ndim: int, groups: int
) -> None:
    """Ranks and channel counts of x ``(N, C, *I)`` or ``(C, *I)``, w ``(O, C/g, *K)``, b ``(O,)``."""
    if weight.dim() < 3:
        raise RuntimeError(
            f"weight should have at least three dimensions, but got weight of size {listed(weight.shape)} "
            f"[{name} needs (out_channels, in_channels/groups, *kernel_size), {ndim + 2} dimensions]"
        )
    if input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"Expected {ndim + 1}D (unbatched) or {ndim + 2}D (batched) input to {name}, but got input of size: "
            f"{listed(input.shape)} [unsqueeze(0) adds a missing channel axis]"
        )
    if weight.dim() != ndim + 2:
        raise RuntimeError(
            f"Expected {weight.dim()}-dimensional input for {weight.dim()}-dimensional weight {listed(weight.shape)}, "
            f"but got {ndim + 2}-dimensional input of size {listed(input.shape)} instead [{name} needs a weight of "
            f"(out_channels, in_channels/groups, *kernel_size), {ndim + 2} dimensions]"
        )
    check_groups(weight, groups)
    channels = input.shape[input.dim() - ndim - 1]
    if channels != weight.shape[1] * groups:
        layout = "; did you pass NHWC?" if input.shape[-1] == weight.shape[1] * groups else ""
        raise RuntimeError(
            f"Given groups={groups}, weight of size {listed(weight.shape)}, expected input{listed(input.shape)} to "
            f"have {weight.shape[1] * groups} channels, but got {channels} channels instead [input channels must be "
            f"weight.shape[1]*groups = {weight.shape[1]}*{groups} = {weight.shape[1] * groups}{layout}]"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise RuntimeError(
            f"Given weight of size {listed(weight.shape)}, expected bias to be 1-dimensional with {weight.shape[0]} "
            f"elements, but got bias of size {listed(bias.shape)} instead"
        )


def check_groups(weight: Tensor, groups: int) -> None:
    """At least one output channel a group, and as many in each."""
    if weight.shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{listed(weight.shape)} instead"
        )
    if weight.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size {listed(weight.shape)} instead [{weight.shape[0]} mod {groups} = {weight.shape[0] % groups}]"
        )


def check_kernel_fits(size: Axes, padding: tuple[Pair, ...], kernel_size: Axes, dilation: Axes) -> None:
    """Every window has at least one placement: d·(k−1)+1 ≤ i + lo + hi on every axis."""
    padded = tuple(i + a + b for i, (a, b) in zip(size, padding))
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel_size, dilation))
    if any(k == 0 for k in kernel_size):
        raise RuntimeError(f"kernel size should be greater than zero, but got {kernel_size}")
    if any(e > i for e, i in zip(extent, padded)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({crossed(padded)}). Kernel size: ({crossed(extent)}). Kernel "
            f"size can't be greater than actual input size [d*(k-1)+1 with k={kernel_size}, d={dilation} against "
            f"i+lo+hi with i={size}, (lo, hi)={padding}]"
        )
