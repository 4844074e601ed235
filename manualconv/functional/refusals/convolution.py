"""What a convolution takes: tensors of one kind, whole numbers, channels, a kernel that fits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import listed
from manualconv.functional.refusals.refusal import Refusal, once
from manualconv.geometry import LARGEST, LEAST, Axes, Pair, Window, is_pairs, per_axis, sides, whole, within_reach

MOST_PADDING = 2**62 - 1

#: What torch's convolutions multiply, and ours.
MULTIPLIED = frozenset(
    getattr(torch, name)
    for name in (
        *("float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128"),
        *("uint8", "int8", "int16", "int32", "int64"),
    )
)

#: Numbers below 1 have crashed some torch: these words are ours.
_POSITIVE = {
    "stride": "non-positive stride is not supported",
    "dilation": "dilation should be greater than zero",
    "groups": "non-positive groups is not supported",
    "kernel_size": "kernel size should be greater than zero",
}


def read_numbers(worded: bool = True, **given: Any) -> list[Any]:
    """Each as an int of 64 bits or a tuple of such, groups as an int; padding also in pairs, or `worded`, as a word."""
    found = []
    for key, value in given.items():
        number = value if type(value) is int and LEAST <= value <= LARGEST else whole(value)
        if key == "padding" and number is None:
            if worded and isinstance(value, (str, bytes)):
                number = value.decode() if isinstance(value, bytes) else str(value)
            elif is_pairs(value):
                number = tuple(map(tuple, value))
        if number is None or (key == "groups" and isinstance(number, tuple)):
            rule = "an int" if key == "groups" else "an int or a tuple of ints, one per axis,"
            raise Refusal(f"{key}={value!r}: {key} must be {rule} of 64 bits", TypeError)
        found.append(number)
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
                raise RuntimeError(
                    f"Given padding={most} at dimension {axis} , expected padding to be at most {MOST_PADDING} [the "
                    "padded size must be a number of 64 bits]"
                )


def over_axes(ndim: int, **given: Any) -> list[Axes]:
    """Each as one number per axis."""
    found = []
    for key, value in given.items():
        try:
            found.append(per_axis(value, ndim))
        except ValueError as error:
            raise Refusal(f"{key}={error}") from None
    return found


def frame_of(padding: Any, kernel_size: Axes, stride: Axes, dilation: Axes) -> tuple[Pair, ...]:
    """Padding as ``(lo, hi)`` per axis, none negative."""
    if padding == "same" and any(s != 1 for s in stride):
        raise Refusal(f"padding='same' needs stride 1, not {stride}: give the padding as numbers")
    try:
        frame = sides(padding, kernel_size, dilation)
    except ValueError as error:
        raise Refusal(f"padding={error}") from None
    if any(lo < 0 or hi < 0 for lo, hi in frame):
        raise Refusal(f"padding={padding} must be >= 0: crop the input instead")
    return frame


@once
def convolution_window(
    ndim: int, size: Axes, shape: Axes, bias: Axes | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Window:
    """The window of x ``([N,] C, *I)``, w ``(O, C/g, *K)`` and b ``(O,)``, whose sizes are `size`, `shape`, `bias`."""
    check_dangers(padding, stride=stride, dilation=dilation, groups=groups, kernel_size=tuple(shape[2:]))
    if len(shape) != ndim + 2 or not ndim + 1 <= len(size) <= ndim + 2:
        raise Refusal(
            f"conv{ndim}d takes ([N,] C, *I) and weights (O, C/groups, *K) with {ndim} axes I and K, not an input of "
            f"size {listed(size)} and a weight of size {listed(shape)}: unsqueeze(0) adds a missing axis"
        )
    (outputs, terms, *kernel), channels = shape, size[-ndim - 1]
    if outputs < groups or outputs % groups:
        raise Refusal(f"groups must divide weight.shape[0], and {outputs} mod {groups} = {outputs % groups}")
    if channels != terms * groups:
        layout = "; did you pass NHWC?" if size[-1] == terms * groups else ""
        raise Refusal(
            f"input channels must be weight.shape[1]*groups = {terms}*{groups} = {terms * groups}, not "
            f"{channels}{layout}"
        )
    if bias is not None and bias != (outputs,):
        raise Refusal(f"bias {listed(bias)} must be ({outputs},), one number per output channel")
    s, d = over_axes(ndim, stride=stride, dilation=dilation)
    k, places = tuple(kernel), tuple(size[len(size) - ndim :])
    window = Window(places, k, s, d, frame_of(padding, k, s, d), groups)
    if any(p < 1 for p in window.output_size):
        raise Refusal(
            f"d*(k-1)+1 <= i+lo+hi is needed on every axis with k={k}, d={d}, i={places}, (lo, hi)="
            f"{window.padding}: pad the input, or take a smaller kernel"
        )
    if 0 in places and 0 not in size[: len(size) - ndim]:
        raise Refusal("no spatial axis may be empty, but the batch may")
    return within_reach(window)


def one_device(**tensors: Tensor) -> RuntimeError:
    """The error for tensors on several devices, where torch may have none."""
    places = ", ".join(f"{key} is on {t.device}" for key, t in tensors.items())
    return RuntimeError(f"Expected all tensors to be on the same device, but got {places} [.to(...) moves one]")


def check_kinds(x: Tensor, w: Tensor, b: Tensor | None) -> None:
    """One dtype that is multiplied, one device."""
    dtype, device = x.dtype, x.device
    if (
        dtype in MULTIPLIED
        and w.dtype is dtype
        and w.device == device
        and (b is None or (b.dtype is dtype and b.device == device))
    ):
        return
    tensors = {key: t for key, t in (("input", x), ("weight", w), ("bias", b)) if t is not None}
    if len({t.device for t in tensors.values()}) > 1:  # torch computes with half of them
        raise one_device(**tensors)
    kinds = ", ".join(f"{key} is {t.dtype}" for key, t in tensors.items())
    raise Refusal(f"{kinds}: one dtype that can be multiplied is needed, and .to(...) or .float() makes it")
