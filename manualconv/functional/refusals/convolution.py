"""What a convolution takes, a transposed one, its matrix and the fully connected layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import FRACTIONS, WHOLE, check_input, listed, numbers_of
from manualconv.functional.refusals.refusal import Refusal, once
from manualconv.geometry import Axes, Window, is_pairs, per_axis, sides, whole, window_of_output, within_reach

MOST_PADDING = 2**62 - 1

#: What torch's convolutions multiply, and ours.
MULTIPLIED = WHOLE | FRACTIONS | {torch.complex32, torch.complex64, torch.complex128}

#: What torch stores and cannot multiply.
_NO_PRODUCTS = frozenset({torch.bool, torch.uint16, torch.uint32, torch.uint64})

#: Numbers below 1 have crashed some torch: these words are ours.
_POSITIVE = {
    "stride": "non-positive stride is not supported",
    "dilation": "dilation should be greater than zero",
    "groups": "non-positive groups is not supported",
    "kernel_size": "kernel size should be greater than zero",
}


def read_numbers(worded: bool = True, **given: Any) -> list[Any]:
    """Each as an int of 64 bits or a tuple of such, groups as an int; padding also in pairs, or `worded`, as a word."""
    found: list[Any] = []
    for key, value in given.items():
        if key == "padding" and worded and isinstance(value, (str, bytes)):
            found.append(value.decode() if isinstance(value, bytes) else str(value))
        elif key == "padding" and whole(value) is None and is_pairs(value):
            found.append(tuple(map(tuple, value)))
        else:
            found.append(numbers_of(key, value, key != "groups"))
    return found


def check_dangers(padding: Any, **positive: Any) -> None:
    """Numbers that torch cannot be asked about: those of `_POSITIVE` below 1, and padding beyond 64 bits."""
    for key, number in positive.items():
        if any(n < 1 for n in (number if isinstance(number, tuple) else (number,))):
            raise RuntimeError(f"{_POSITIVE[key]}, but got {key}={number} [1 or more]")
    if not isinstance(padding, str):
        for axis, side in enumerate(padding if isinstance(padding, tuple) else (padding,)):
            most = max(side) if isinstance(side, tuple) else side
            if most > MOST_PADDING:
                words = f"Given padding={most} at dimension {axis} , expected padding to be at most {MOST_PADDING}"
                raise RuntimeError(f"{words} [the padded size must be a number of 64 bits]")


def over_axes(k: Axes, padding: Any, *numbers: Any) -> tuple[Any, ...]:
    """Padding as ``(lo, hi)`` per axis, none negative; then stride, dilation and others as one number per axis."""
    try:
        stride, dilation, *rest = (per_axis(value, len(k)) for value in numbers)
        frame = sides(padding, k, dilation)
    except ValueError as error:
        raise Refusal(f"one number for all {len(k)} axes is needed, or one for each, and {error}") from None
    if padding == "same" and any(s != 1 for s in stride):
        raise Refusal(f"padding='same' needs stride 1, not {stride}: give the padding as numbers")
    if any(lo < 0 or hi < 0 for lo, hi in frame):
        raise Refusal(f"padding={padding} must be >= 0: crop the input instead")
    return frame, stride, dilation, *rest


def check_sizes(ndim: int, size: Axes, shape: Axes, bias: Axes | None, groups: int, transposed: bool = False) -> None:
    """Ranks and channels of x, w and b."""
    if len(shape) != ndim + 2 or not ndim + 1 <= len(size) <= ndim + 2:
        name, sizes = ("conv_transpose", "(C, O/groups, *K)") if transposed else ("conv", "(O, C/groups, *K)")
        takes = f"{name}{ndim}d takes weights {sizes} and an input ([N,] C, *I) with {ndim} axes K and I"
        got = f"a weight of size {listed(shape)} and an input of size {listed(size)}"
        raise Refusal(f"{takes}, not {got}: unsqueeze(0) adds a missing axis")
    if shape[0] < groups or shape[0] % groups:
        raise Refusal(f"groups must divide weight.shape[0], and {shape[0]} mod {groups} = {shape[0] % groups}")
    many = shape[1] * groups
    rule = f"weight.shape[1]*groups = {shape[1]}*{groups} = {many}"
    (inputs, needed), outputs = ((shape[0], "weight.shape[0]"), many) if transposed else ((many, rule), shape[0])
    if size[-ndim - 1] != inputs:
        layout = "; did you pass NHWC?" if size[-1] == inputs else ""
        raise Refusal(f"input channels must be {needed}, not {size[-ndim - 1]}{layout}")
    if bias is not None and bias != (outputs,):
        raise Refusal(f"bias {listed(bias)} must be ({outputs},), one number per output channel")


@once
def convolution_window(
    ndim: int, size: Axes, shape: Axes, bias: Axes | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Window:
    """The window of x ``([N,] C, *I)``, w ``(O, C/g, *K)`` and b ``(O,)``, whose sizes are `size`, `shape`, `bias`."""
    check_dangers(padding, stride=stride, dilation=dilation, groups=groups, kernel_size=tuple(shape[2:]))
    check_sizes(ndim, size, shape, bias, groups)
    k, places = tuple(shape[2:]), tuple(size[len(size) - ndim :])
    frame, s, d = over_axes(k, padding, stride, dilation)
    window = Window(places, k, s, d, frame, groups)
    if any(p < 1 for p in window.output_size):
        numbers = f"k={k}, d={d}, i={places}, (lo, hi)={window.padding}"
        raise Refusal(f"d*(k-1)+1 <= i+lo+hi is needed on every axis with {numbers}: pad, or take a smaller kernel")
    if 0 in places and 0 not in size[: len(size) - ndim]:
        raise Refusal("no spatial axis may be empty, but the batch may")
    return within_reach(window)


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
    check_sizes(ndim, size, shape, bias, groups, transposed=True)
    places, k = tuple(size[len(size) - ndim :]), tuple(shape[2:])
    if shape[1] == 0 or 0 in places:
        raise Refusal(f"weight {listed(shape)} must have an output channel, input {listed(size)} positions on all axes")
    frame, s, d, more = over_axes(k, padding, stride, dilation, output_padding)
    least = tuple(max(a, b) for a, b in zip(s, d))
    if any(m < 0 or m >= n for m, n in zip(more, least)):
        raise Refusal(f"0 <= output_padding={more} < max(stride, dilation) = {least} is needed on every axis")
    window = window_of_output(places, k, s, d, frame, groups, more)
    if any(length >= 2**63 for length in window.input_size):
        raise RuntimeError(f"the output would have {window.input_size} positions [less than 2**63 on every axis]")
    if any(length < 0 for length in window.input_size):
        numbers = f"s={s}, i={places}, d={d}, k={k}, (lo, hi - output_padding)={window.padding}"
        raise Refusal(f"s*(i-1) + d*(k-1) + 1 - lo - hi + output_padding >= 0 is needed on every axis with {numbers}")
    return window


def toeplitz_window(weight: Any, input_size: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Window:
    """The window of w ``(O, C/g, *K)`` on inputs of `input_size`, checked as the layer itself would be."""
    check_input(weight, "weight")
    size = whole(tuple(input_size)) if isinstance(input_size, (tuple, list)) else None
    if size is None or any(i < 0 for i in size):
        raise Refusal(f"input_size must be a tuple of spatial sizes, got {input_size!r}", TypeError)
    numbers = read_numbers(stride=stride, padding=padding, dilation=dilation, groups=groups)
    if weight.layout != torch.strided:
        raise Refusal(f"weight must be a dense strided tensor, but got {weight.layout}: .to_dense() makes one")
    shape, ndim = weight.shape, weight.dim() - 2
    if ndim != len(size):
        raise Refusal(
            f"Expected {ndim} spatial sizes for {weight.dim()}-dimensional weight {listed(shape)}, but got input_size "
            f"{listed(size)}: one entry per kernel axis of (O, C/groups, *K), no batch, no channels"
        )
    return convolution_window(ndim, (0, shape[1] * numbers[-1], *size), shape, None, *numbers)


def one_device(**tensors: Tensor) -> RuntimeError:
    """The error for tensors on several devices, where torch may have none."""
    places = ", ".join(f"{key} is on {t.device}" for key, t in tensors.items())
    return RuntimeError(f"Expected all tensors to be on the same device, but got {places} [.to(...) moves one]")


def check_kinds(x: Tensor, w: Tensor, b: Tensor | None) -> None:
    """One dtype that is multiplied, one device."""
    alike = w.dtype is x.dtype and w.device == x.device
    if alike and x.dtype in MULTIPLIED and (b is None or (b.dtype is x.dtype and b.device == x.device)):
        return
    tensors = {key: t for key, t in (("input", x), ("weight", w), ("bias", b)) if t is not None}
    if len({t.device for t in tensors.values()}) > 1:  # torch computes with half of them
        raise one_device(**tensors)
    kinds = ", ".join(f"{key} is {t.dtype}" for key, t in tensors.items())
    raise Refusal(f"{kinds}: one dtype that can be multiplied is needed, and .to(...) or .float() makes it")


def check_linear(x: Tensor, w: Tensor, b: Tensor | None) -> None:
    """x ``(*, C)``, w ``(O, C)`` or ``(C,)``, b ``(O,)`` or what spreads over ``(*, O)``; one dtype, one device."""
    size, shape = x.shape, w.shape
    if len(size) == 0 or not 1 <= len(shape) <= 2:
        weights = f"weight {listed(shape)} is (out_features, in_features) or (in_features,)"
        raise Refusal(f"input {listed(size)} is (*, in_features), {weights}")
    if w.device != x.device:  # torch's result may be memory that nothing was written to
        raise one_device(input=x, weight=w)
    if w.dtype is not x.dtype or (x.dtype in _NO_PRODUCTS and x.numel() > 0):
        raise Refusal(f"input is {x.dtype}, weight {w.dtype}: one dtype of numbers is needed, and .to(...) makes it")
    if size[-1] != shape[-1]:
        raise Refusal(f"input must have weight.shape[-1] = {shape[-1]} in_features on its last axis, not {size[-1]}")
    if b is None or (b.dtype is x.dtype and b.device == x.device and len(shape) == 2 and b.shape == shape[:1]):
        return
    if len(shape) == 1:
        _check_scalar(x, b)
        return
    if b.device != x.device:
        raise one_device(input=x, bias=b)
    target = (*((1,) * (len(size) == 1)), *size[:-1], shape[0])
    spreads = b.dim() <= len(target) and all(have in (1, n) for have, n in zip(reversed(b.shape), reversed(target)))
    if b.dtype is not x.dtype or not spreads or (len(size) == 1 and b.dim() == 2 and b.shape[-1] != shape[0]):
        needed = f"{x.dtype} ({shape[0]},), one number per output, or what spreads over {listed(target)}"
        raise Refusal(f"bias is {b.dtype} {listed(b.shape)} and must be {needed}")


def _check_scalar(x: Tensor, b: Tensor) -> None:
    """What a 1-D weight takes for bias: a scalar of whatever the input's dtype can hold, and no rows to add it to."""
    if b.dim() == 0 and b.device != x.device and b.device.type != "cpu":
        raise one_device(input=x, bias=b)
    holds = b.dtype is x.dtype or torch.can_cast(torch.result_type(x, b), x.dtype)
    if b.dim() or x.dim() == 2 or not holds:
        raise Refusal(
            f"beside a weight of one axis, {x.dtype} must hold a bias without axes: {b.dtype} {listed(b.shape)}"
        )
