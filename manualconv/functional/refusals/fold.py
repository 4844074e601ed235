"""What unfold and fold take: torch's two axes, and ours of one and three."""

from __future__ import annotations

from math import prod
from typing import Any, NoReturn

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import check_input, listed, spelled
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Axes, Pair, Window, is_pairs, whole

_INTEGERS = frozenset({torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8})
#: From here on torch has ended the process by a division by zero; ours counts up to the second.
_FAR, _LARGEST = 2**31, 2**62


def _refuse(hint: str, ndim: int, numbers: tuple[int, ...] = (), error: type[Exception] = RuntimeError) -> NoReturn:
    """Torch knows two axes, and numbers that are not far; the rest is ours to refuse."""
    raise error(hint) if ndim != 2 or any(abs(n) >= _FAR for n in numbers) else Refusal(hint, error)


def _numbers(key: str, value: Any, ndim: int) -> Axes:
    """An int or a tuple of `ndim` ints as a tuple."""
    numbers: Axes | None = whole(value if isinstance(value, tuple) else (value,) * ndim)
    if numbers is None:
        _refuse(f"{key}={value!r} must be an int, or a tuple of ints, one per axis, of 64 bits", ndim, (), TypeError)
    if len(numbers) != ndim:
        _refuse(f"{key}={value!r}, and the other arguments say {ndim} axes", 2)
    return numbers


def _axes(key: str, value: Any) -> int | None:
    """How many axes a tuple names."""
    if not isinstance(value, (tuple, list)):
        return None
    if not 1 <= len(value) <= 3:
        raise Refusal(f"{key}={value!r} names one to three axes")
    return len(value)


def _window(ndim: int, size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    """The window of positive kernel, dilation and stride and no negative padding."""
    k, d = _numbers("kernel_size", kernel_size, ndim), _numbers("dilation", dilation, ndim)
    pairs: tuple[Pair, ...] = tuple(padding) if is_pairs(padding) else ()
    if not pairs:
        pairs = tuple((p, p) for p in _numbers("padding", padding, ndim))
    s = _numbers("stride", stride, ndim)
    if len(pairs) != ndim:
        raise RuntimeError(f"padding={padding!r} has {len(pairs)} (lo, hi) pairs, where {ndim} axes are padded")
    numbers = (*k, *d, *s, *(side for pair in pairs for side in pair))
    if max(numbers) >= _LARGEST:
        raise RuntimeError(f"kernel_size={k}, dilation={d}, padding={pairs} and stride={s} must be below 2**62")
    if min(*k, *d, *s) < 1 or any(side < 0 for pair in pairs for side in pair):
        _refuse(
            f"kernel_size={k}, dilation={d} and stride={s} must be 1 or more, padding={padding} 0 or more: crop it",
            ndim,
            numbers,
        )
    return Window(size, k, s, d, pairs)


def unfold_window(input: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    """The checked window of unfold."""
    check_input(input)
    kernel_size, dilation, padding, stride = map(spelled, (kernel_size, dilation, padding, stride))
    ndim = _axes("kernel_size", kernel_size) or (3 if input.dim() == 5 else 2)
    window = _window(ndim, tuple(input.shape[max(input.dim() - ndim, 0) :]), kernel_size, dilation, padding, stride)
    numbers = (*window.kernel_size, *window.dilation, *window.stride, *window.frame)
    if input.dim() not in (ndim + 1, ndim + 2) or 0 in input.shape[input.dim() - ndim - 1 :]:
        hint = f"input {listed(input.shape)}: {ndim} axes need (N, C, *I) or (C, *I), and only the batch may be empty"
        _refuse(hint, ndim, numbers, IndexError if input.dim() < ndim + 1 else RuntimeError)
    if min(window.output_size) < 1:
        _refuse(f"d*(k-1)+1 = {window.extent} must be at most i+lo+hi = {window.padded_size}", ndim, numbers)
    _check_dtype(input, ndim, numbers)
    return window


def fold_window(input: Any, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    """The checked window of fold, on an input of `output_size`."""
    check_input(input)
    output_size, kernel_size, dilation = map(spelled, (output_size, kernel_size, dilation))
    padding, stride = spelled(padding), spelled(stride)
    ndim = _axes("output_size", output_size) or _axes("kernel_size", kernel_size) or 2
    size = _numbers("output_size", output_size, ndim)
    window = _window(ndim, size, kernel_size, dilation, padding, stride)
    numbers = (*size, *window.kernel_size, *window.dilation, *window.stride, *window.frame)
    if input.dim() not in (2, 3) or 0 in input.shape[-2:]:
        _refuse(f"input {listed(input.shape)} must be columns, (N, C·ΠK, ΠP) or (C·ΠK, ΠP)", ndim, numbers)
    rows, columns = input.shape[-2:]
    if rows % window.taps:
        _refuse(
            f"{rows} mod {window.taps} = {rows % window.taps}: each column has ΠK = {window.taps} taps", ndim, numbers
        )
    if min(window.output_size) < 1 or window.placements != columns:
        blocks = f"{window.output_size}, {prod(window.output_size)} in all, not {columns}"
        _refuse(f"the windows of output_size={size} with padding={padding} are {blocks}", ndim, numbers)
    _check_dtype(input, ndim, numbers)
    return window


def _check_dtype(input: Tensor, ndim: int, numbers: tuple[int, ...]) -> None:
    """As torch: floating point, complex or bool."""
    if input.dtype in _INTEGERS:
        _refuse(f"input is {input.dtype}: use input.double(), exact up to 2**53", ndim, numbers, NotImplementedError)
