"""What padding takes: pairs of ints for the last axes, and sides that the mode can fill."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import kind, listed, not_ints, read, real
from manualconv.geometry import Axes, Extension

MODES = ("constant", "reflect", "replicate", "circular")
_OPERATOR = {"reflect": "reflection_pad", "replicate": "replication_pad"}
_AXES = ("D", "H", "W")
_COMBINATIONS = """Supported combinations for non-constant padding:
  - 2D or 3D input: padding size = 2 (pads last dimension)
  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)
  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"""


def check_padding(input: Any, pad: Any, mode: Any, value: Any) -> tuple[Axes, float | None]:
    """Types, an even number of sides, no more of them than axes; the sides as ints, and the value."""
    if not isinstance(input, Tensor):
        raise TypeError(f"pad(): argument 'input' (position 1) must be Tensor, not {kind(input)}")
    if not isinstance(pad, (tuple, list)):
        raise TypeError(
            f"pad(): argument 'pad' (position 2) must be tuple of ints, not {kind(pad)} [one (lo, hi) for each axis]"
        )
    if not isinstance(mode, str):
        raise TypeError(f"pad(): argument 'mode' (position 3) must be str, not {kind(mode)}")
    constant = None if value is None else real("pad", "value", 4, value)
    frame: Axes | None = read(pad)
    if frame is None:
        raise not_ints("pad", "pad", 2, pad)
    if mode not in MODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode} [it must be one of {', '.join(MODES)}]")
    if len(frame) % 2:
        raise RuntimeError(
            f"Padding length must be divisible by 2, but got {len(frame)} numbers: {frame} [each axis takes (lo, hi)]"
        )
    if len(frame) > 2 * input.dim():
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(frame)} and input of dimension {input.dim()} [{len(frame)} > 2*{input.dim()}]"
        )
    return frame, constant


def check_constant(input: Tensor, frame: Axes) -> None:
    """No side cuts off more than is there, and sizes stay within an int64."""
    for number in range(len(frame) // 2):
        axis = input.dim() - 1 - number
        size, low, high = input.shape[axis], frame[2 * number], frame[2 * number + 1]
        if size + min(low, 0) + min(high, 0) < 0:
            raise RuntimeError(
                f"narrow(): length must be non-negative. [dimension {axis} has {size} positions, padding "
                f"({low}, {high}) cuts off {-min(low, 0) - min(high, 0)}]"
            )
        if size + low + high > 2**63 - 1:
            raise RuntimeError(
                f"The input size {size}, plus negative padding {low} and {high} resulted in a negative output size, "
                f"which is invalid. Check dimension {axis} of your input. [{size}+{low}+{high} is above 2**63-1]"
            )


def check_extension(input: Tensor, extension: Extension, value: float | None) -> None:
    """A rank the mode knows, no constant, and on every axis sides that the mode can fill."""
    mode, ndim = extension.mode, extension.ndim
    if value is not None and value != 0:
        raise RuntimeError(
            f"Padding mode \"{mode}\" doesn't take in value argument, but got value={value} [only 'constant' has one]"
        )
    if not 1 <= ndim <= 3 or input.dim() not in (ndim + 1, ndim + 2):
        raise NotImplementedError(
            f"Padding size {2 * ndim} is not supported for {input.dim()}D input tensor.\n"
            f"{_COMBINATIONS} [input is {listed(input.shape)}]"
        )
    if mode == "circular":
        _check_circular(input, extension)
        return
    _check_not_empty(input, ndim)
    if mode == "reflect":
        _check_reflect(input, extension)
    _check_output(extension)
    if input.dtype == torch.bool:
        raise NotImplementedError(
            f"\"{_OPERATOR[mode]}{ndim}d\" not implemented for 'Bool' [pad input.to(torch.uint8) instead]"
        )


def _check_not_empty(input: Tensor, ndim: int) -> None:
    """No empty axis but the batch."""
    if any(size == 0 for size in input.shape[input.dim() - ndim - 1 :]):
        raise RuntimeError(
            f"Expected {ndim + 1}D or {ndim + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {listed(input.shape)}"
        )


def _check_reflect(input: Tensor, extension: Extension) -> None:
    """A mirror reaches I − 1 positions far."""
    for axis, (size, sides) in reversed(list(enumerate(zip(extension.input_size, extension.padding)))):
        if max(sides) >= size:
            place = input.dim() - extension.ndim + axis
            raise RuntimeError(
                f"Argument #{2 * (extension.ndim - axis) + 2}: Padding size should be less than the corresponding "
                f"input dimension, but got: padding {sides} at dimension {place} of input {listed(input.shape)} "
                f"[{max(sides)} >= {size}; 'replicate' reaches any distance]"
            )


def _check_circular(input: Tensor, extension: Extension) -> None:
    """One turn at most, over what is not cut off."""
    for axis, ((low, high), sides) in enumerate(zip(extension.kept, extension.padding)):
        if low <= high and max(sides) <= high - low:
            continue
        place = f"padding {sides} at dimension {input.dim() - extension.ndim + axis} of input {listed(input.shape)}"
        if high < low:
            raise RuntimeError(
                f"Negative padding value is resulting in an empty dimension: {place} cuts off more than is there"
            )
        raise RuntimeError(
            f"Padding value causes wrapping around more than once. [{place}: {max(sides)} > {high - low} positions to "
            f"copy; pad in several steps]"
        )


def _check_output(extension: Extension) -> None:
    """Replicated axes keep a position; mirrored ones may be empty, but not all of them."""
    after = extension.output_size
    smallest = 1 if extension.mode == "replicate" else 0
    if all(smallest <= p < 2**63 for p in after) and any(p > 0 for p in after):
        return
    names = _AXES[3 - extension.ndim :]
    was = ", ".join(f"{name}: {i}" for name, i in zip(names, extension.input_size))
    is_now = " ".join(f"{name}: {p}" for name, p in zip(names, after))
    rule = f"[i+lo+hi with (lo, hi) = {extension.padding}]"
    if extension.mode == "reflect" or extension.ndim == 1:
        raise RuntimeError(f"input ({was}) is too small. Calculated output {is_now} {rule}")
    raise RuntimeError(f"Calculated output {is_now} must be >= 1 in every dimension (input {was}) {rule}")
