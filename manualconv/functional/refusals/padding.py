"""What padding takes: pairs of ints for the last axes, and sides that the mode can fill."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import check_input, listed, number_of
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Axes, Extension, whole

MODES = ("constant", "reflect", "replicate", "circular")


def checked_padding(input: Any, pad: Any, mode: Any, value: Any) -> tuple[Axes, float | None]:
    """Types, an even number of sides, no more of them than axes; the sides as ints, and the value."""
    check_input(input)
    frame: Axes | None = whole(pad) if isinstance(pad, (tuple, list)) else None
    if frame is None:
        raise Refusal(f"pad={pad!r} must be a tuple of ints of 64 bits, one (lo, hi) for each axis", TypeError)
    constant = None if value is None else number_of("value", value)
    if not isinstance(mode, str) or mode not in MODES:
        raise Refusal(f"mode={mode!r} must be one of {', '.join(MODES)}", TypeError)
    if len(frame) % 2 or len(frame) > 2 * input.dim():
        raise Refusal(f"pad={frame} has {len(frame)} numbers: (lo, hi) for each of at most {input.dim()} axes")
    return frame, constant


def check_constant(input: Tensor, frame: Axes) -> None:
    """No side cuts off more than is there, and sizes stay within an int64."""
    for number in range(len(frame) // 2):
        axis = input.dim() - 1 - number
        size, low, high = input.shape[axis], frame[2 * number], frame[2 * number + 1]
        if size + min(low, 0) + min(high, 0) < 0 or size + low + high > 2**63 - 1:
            raise Refusal(
                f"dimension {axis} has {size} positions: padding ({low}, {high}) must not cut off more, nor make it "
                "larger than 2**63-1"
            )


def check_extension(input: Tensor, extension: Extension, value: float | None) -> None:
    """A rank the mode knows, no constant, and on every axis sides that the mode can fill."""
    mode, ndim, sides = extension.mode, extension.ndim, extension.padding
    if value is not None and value != 0:
        raise Refusal(f"value={value}: only 'constant' has one, and mode={mode!r}")
    if not 1 <= ndim <= 3 or input.dim() not in (ndim + 1, ndim + 2):
        raise Refusal(
            f"input is {listed(input.shape)}, and pad has {2 * ndim} numbers: mode={mode!r} pads the last one, two or "
            "three axes of (N, C, *I) or (C, *I)"
        )
    if mode == "circular":
        _check_circular(input, extension)
        return
    if 0 in input.shape[input.dim() - ndim - 1 :]:
        raise Refusal(f"input is {listed(input.shape)}: only the batch may be empty")
    if mode == "reflect" and any(max(pair) >= i for i, pair in zip(extension.input_size, sides)):
        raise Refusal(f"padding {sides} must be smaller than {extension.input_size}; 'replicate' reaches any distance")
    after, smallest = extension.output_size, 1 if mode == "replicate" else 0
    # Replicated axes keep a position; mirrored ones may be empty, but not all of them.
    if not all(smallest <= p < 2**63 for p in after) or not any(p > 0 for p in after):
        raise Refusal(
            f"i+lo+hi with i = {extension.input_size} and (lo, hi) = {sides} is {after}, too small or too large"
        )
    if input.dtype == torch.bool:
        raise Refusal("pad input.to(torch.uint8) instead of bool")


def _check_circular(input: Tensor, extension: Extension) -> None:
    """One turn at most, over what is not cut off: where it is more torch may hand out memory that it never wrote."""
    for axis, ((low, high), sides) in enumerate(zip(extension.kept, extension.padding)):
        place = f"padding {sides} at dimension {input.dim() - extension.ndim + axis} of input {listed(input.shape)}"
        if high < low:
            raise RuntimeError(
                f"Negative padding value is resulting in an empty dimension: {place} [it cuts off more than is there]"
            )
        if max(sides) > high - low:
            raise RuntimeError(
                f"Padding value causes wrapping around more than once. [{place}: {max(sides)} > {high - low} positions "
                "to copy; pad in several steps]"
            )
