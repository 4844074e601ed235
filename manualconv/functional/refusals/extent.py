"""What unfold and fold take, torch's two axes and ours of one and three; and what padding takes."""

from __future__ import annotations

from math import prod
from typing import Any, NoReturn

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import WHOLE, check_input, check_ranks, listed, number_of, spelled
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Axes, Extension, Pair, Window, is_pairs, whole

#: From here on torch has ended the process by a division by zero; ours counts up to the second.
_FAR, _LARGEST = 2**31, 2**62


def _refuse(hint: str, ndim: int, numbers: tuple[int, ...] = (), error: type[Exception] = RuntimeError) -> NoReturn:
    """Torch knows two axes, and numbers that are not far; the rest is ours to refuse."""
    raise error(hint) if ndim != 2 or any(abs(n) >= _FAR for n in numbers) else Refusal(hint, error)


def _numbers(ndim: int, **named: Any) -> list[Axes]:
    """Each an int or a tuple of `ndim` ints as a tuple."""
    found = []
    for key, value in named.items():
        numbers: Axes | None = whole(value if isinstance(value, tuple) else (value,) * ndim)
        if numbers is None:
            _refuse(f"{key}={value!r} must be an int or {ndim} ints, of 64 bits", ndim, (), TypeError)
        if len(numbers) != ndim:
            raise Refusal(f"{key}={value!r}, and the other arguments say {ndim} axes")
        found.append(numbers)
    return found


def _axes(key: str, value: Any) -> int | None:
    """How many axes a tuple names."""
    if not isinstance(value, (tuple, list)):
        return None
    if not 1 <= len(value) <= 3:
        raise Refusal(f"{key}={value!r} names one to three axes")
    return len(value)


def _window(ndim: int, size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    """The window of positive kernel, dilation and stride and no negative padding."""
    k, d, s = _numbers(ndim, kernel_size=kernel_size, dilation=dilation, stride=stride)
    pairs: tuple[Pair, ...] = padding
    if not is_pairs(padding):
        pairs = tuple((p, p) for p in _numbers(ndim, padding=padding)[0])
    if len(pairs) != ndim:
        raise RuntimeError(f"padding={padding!r} has {len(pairs)} (lo, hi) pairs, where {ndim} axes are padded")
    window = Window(size, k, s, d, pairs)
    if max(_all(window)) >= _LARGEST:
        raise RuntimeError(f"kernel_size={k}, dilation={d}, padding={pairs} and stride={s} must be below 2**62")
    if min(*k, *d, *s) < 1 or min(window.frame) < 0:
        rule = f"kernel_size={k}, dilation={d} and stride={s} must be 1 or more"
        _refuse(f"{rule}, padding={padding} 0 or more: crop the input instead", ndim, _all(window))
    return window


def _all(window: Window) -> tuple[int, ...]:
    return (*window.kernel_size, *window.dilation, *window.stride, *window.frame)


def of_unfold(input: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    """The checked window of unfold."""
    check_input(input)
    kernel_size, dilation, padding, stride = map(spelled, (kernel_size, dilation, padding, stride))
    ndim = _axes("kernel_size", kernel_size) or (3 if input.dim() == 5 else 2)
    window = _window(ndim, tuple(input.shape[max(input.dim() - ndim, 0) :]), kernel_size, dilation, padding, stride)
    if input.dim() not in (ndim + 1, ndim + 2) or 0 in input.shape[input.dim() - ndim - 1 :]:
        hint = f"input {listed(input.shape)}: {ndim} axes need (N, C, *I) or (C, *I), and only the batch may be empty"
        _refuse(hint, ndim, _all(window), IndexError if input.dim() < ndim + 1 else RuntimeError)
    if min(window.output_size) < 1:
        _refuse(f"d*(k-1)+1 = {window.extent} must be at most i+lo+hi = {window.padded_size}", ndim, _all(window))
    _check_dtype(input, ndim, window)
    return window


def of_fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    """The checked window of fold, on an input of `output_size`."""
    check_input(input)
    output_size, kernel_size, padding = map(spelled, (output_size, kernel_size, padding))
    dilation, stride = map(spelled, (dilation, stride))
    ndim = _axes("output_size", output_size) or _axes("kernel_size", kernel_size) or 2
    (size,) = _numbers(ndim, output_size=output_size)
    window = _window(ndim, size, kernel_size, dilation, padding, stride)
    numbers = (*size, *_all(window))
    if min(size) < 1:
        _refuse(f"output_size={size} must be 1 or more on every axis", ndim, numbers)
    if input.dim() not in (2, 3) or 0 in input.shape[-2:]:
        _refuse(f"input {listed(input.shape)} must be columns, (N, C·ΠK, ΠP) or (C·ΠK, ΠP)", ndim, numbers)
    (rows, columns), taps = input.shape[-2:], window.taps
    if rows % taps:
        _refuse(f"{rows} mod {taps} = {rows % taps}: each column has ΠK = {taps} taps", ndim, numbers)
    if min(window.output_size) < 1 or window.placements != columns:
        blocks = f"{window.output_size}, {prod(window.output_size)} in all, not {columns}"
        _refuse(f"the windows of output_size={size} with padding={padding} are {blocks}", ndim, numbers)
    _check_dtype(input, ndim, window)
    return window


def _check_dtype(input: Tensor, ndim: int, window: Window) -> None:
    """As torch: floating point, complex or bool."""
    if input.dtype in WHOLE:
        hint = f"input is {input.dtype}: use input.double(), exact up to 2**53"
        _refuse(hint, ndim, _all(window), NotImplementedError)


_MODES = ("constant", "reflect", "replicate", "circular")


def of_padding(input: Any, pad: Any, mode: Any, value: Any) -> tuple[Axes, float | None]:
    """Types, an even number of sides, no more of them than axes; the sides as ints, and the value."""
    check_input(input)
    frame: Axes | None = whole(pad) if isinstance(pad, (tuple, list)) else None
    if frame is None:
        raise Refusal(f"pad={pad!r} must be a tuple of ints of 64 bits, one (lo, hi) for each axis", TypeError)
    constant = None if value is None else number_of("value", value)
    if not isinstance(mode, str) or mode not in _MODES:
        raise Refusal(f"mode={mode!r} must be one of {', '.join(_MODES)}", TypeError)
    if len(frame) % 2 or len(frame) > 2 * input.dim():
        raise Refusal(f"pad={frame} has {len(frame)} numbers: (lo, hi) for each of at most {input.dim()} axes")
    return frame, constant


def check_constant(input: Tensor, frame: Axes) -> None:
    """No side cuts off more than is there, and sizes stay within an int64."""
    for axis, low, high in zip(range(input.dim() - 1, -1, -1), frame[::2], frame[1::2]):
        size = input.shape[axis]
        if size + min(low, 0) + min(high, 0) < 0 or size + low + high > 2**63 - 1:
            rule = f"padding ({low}, {high}) must not cut off more, nor make it larger than 2**63-1"
            raise Refusal(f"dimension {axis} has {size} positions: {rule}")


def check_extension(input: Tensor, extension: Extension, value: float | None) -> None:
    """A rank the mode knows, no constant, and on every axis sides that the mode can fill."""
    mode, ndim, sides, size = extension.mode, extension.ndim, extension.padding, extension.input_size
    if value is not None and value != 0:
        raise Refusal(f"value={value}: only 'constant' has one, and mode={mode!r}")
    if not 1 <= ndim <= 3 or input.dim() not in (ndim + 1, ndim + 2):
        rule = f"mode={mode!r} pads the last one, two or three axes of (N, C, *I) or (C, *I)"
        raise Refusal(f"input is {listed(input.shape)}, and pad has {2 * ndim} numbers: {rule}")
    if mode == "circular":
        _check_circular(input, extension)
        return
    check_ranks(input, ndim)
    if mode == "reflect" and any(max(pair) >= i for i, pair in zip(size, sides)):
        raise Refusal(f"padding {sides} must be smaller than {size}; 'replicate' reaches any distance")
    after, smallest = extension.output_size, 1 if mode == "replicate" else 0
    # Replicated axes keep a position; mirrored ones may be empty, but not all of them.
    if not all(smallest <= p < 2**63 for p in after) or not any(p > 0 for p in after):
        raise Refusal(f"i+lo+hi with i = {size} and (lo, hi) = {sides} is {after}, too small or too large")
    if input.dtype == torch.bool:
        raise Refusal("pad input.to(torch.uint8) instead of bool")


def _check_circular(input: Tensor, extension: Extension) -> None:
    """One turn at most, over what is not cut off: where it is more torch may hand out memory that it never wrote."""
    for axis, ((low, high), sides) in enumerate(zip(extension.kept, extension.padding)):
        if high < low or max(sides) > high - low:
            words = "Padding value causes wrapping around more than once."
            words = "Negative padding value is resulting in an empty dimension:" if high < low else words
            # Said here alone: a compiler cannot print a size that is a symbol.
            place = f"padding {sides} at dimension {input.dim() - extension.ndim + axis} of input {listed(input.shape)}"
            raise RuntimeError(f"{words} [{place}: {max(sides)} > {high - low} positions to copy: pad in steps]")
