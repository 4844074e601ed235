"""What unfold and fold take: numbers per axis whose count is the number of axes, and columns that match the windows."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    is_pairs,
    kind,
    listed,
    not_ints,
    overflow,
    read,
    spelled,
    whole,
)
from manualconv.geometry import Axes, Pair, Window

_AXES = ("depth", "height", "width")
_INTEGERS = {
    torch.int64: "Long",
    torch.int32: "Int",
    torch.int16: "Short",
    torch.int8: "Char",
    torch.uint8: "Byte",
}
_LARGEST = 2**62


def _check_tensor(name: str, input: Any) -> None:
    """A Tensor."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {kind(input)}")


def _check_dtype(name: str, input: Tensor) -> None:
    """As torch: floating point, complex or bool."""
    if input.dtype in _INTEGERS:
        raise NotImplementedError(
            f"\"{name}_out_cpu\" not implemented for '{_INTEGERS[input.dtype]}' [input is {input.dtype}: use "
            f"input.double(), exact up to 2**53]"
        )


def _numbers(name: str, place: int, key: str, value: Any, ndim: int) -> Axes:
    """An int or a tuple of `ndim` ints as a tuple."""
    given = value if isinstance(value, tuple) else (value,) * ndim
    numbers: Axes | None = read(given)
    if numbers is None:
        raise not_ints(name, key, place, given)
    if whole(numbers) is None:
        raise overflow(name, key, numbers) or AssertionError(key)
    if len(numbers) != ndim:
        raise RuntimeError(
            f"It is expected {key} equals to {ndim}, but got size {len(numbers)} [{key}={value!r}, and the other "
            f"arguments say {ndim} axes]"
        )
    return numbers


def _padding(name: str, place: int, value: Any, ndim: int) -> tuple[Pair, ...]:
    """One int, ints per axis or pairs per axis as pairs."""
    if not is_pairs(value):
        return tuple((p, p) for p in _numbers(name, place, "padding", value, ndim))
    if len(value) != ndim:
        raise RuntimeError(f"It is expected padding equals to {ndim}, but got size {len(value)} (lo, hi) pairs")
    return tuple((low, high) for low, high in value)


def _axes(key: str, *values: Any) -> int | None:
    """How many axes the first tuple among the values names."""
    for value in values:
        if isinstance(value, (tuple, list)):
            if not 1 <= len(value) <= 3:
                raise RuntimeError(
                    f"It is expected {key} equals to 2, but got size {len(value)} [one to three axes, {key}={value!r}]"
                )
            return len(value)
    return None


def _named(prefix: str, numbers: tuple[Any, ...]) -> str:
    """``kernel_height: 0 kernel_width: 2``."""
    return " ".join(f"{prefix}_{axis}: {n}" for axis, n in zip(_AXES[3 - len(numbers) :], numbers))


def _brief(padding: tuple[Pair, ...]) -> tuple[Any, ...]:
    """One number for two equal sides, as torch prints them."""
    return tuple(a if a == b else (a, b) for a, b in padding)


def _check_numbers(kernel_size: Axes, dilation: Axes, padding: tuple[Pair, ...], stride: Axes) -> None:
    """Positive kernel, dilation and stride, no negative padding, nothing beyond an int64."""
    rule = "should be greater than zero, but got"
    if any(k <= 0 for k in kernel_size):
        raise RuntimeError(f"kernel size {rule} {_named('kernel', kernel_size)}")
    if any(d <= 0 for d in dilation):
        raise RuntimeError(f"dilation {rule} {_named('dilation', dilation)} [1 means neighbouring taps]")
    if any(side < 0 for pair in padding for side in pair):
        raise RuntimeError(
            f"padding should be non-negative, but got {_named('pad', _brief(padding))} [crop the input instead]"
        )
    if any(s <= 0 for s in stride):
        raise RuntimeError(f"stride {rule} {_named('stride', stride)}")
    if any(n >= _LARGEST for pair in zip(kernel_size, dilation, stride, *zip(*padding)) for n in pair):
        raise RuntimeError(
            f"kernel_size={kernel_size}, dilation={dilation}, padding={padding} and stride={stride} must be below 2**62"
        )


def unfold_window(input: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    """The checked window of unfold."""
    _check_tensor("im2col", input)
    kernel_size, dilation, padding, stride = map(spelled, (kernel_size, dilation, padding, stride))
    ndim = _axes("kernel_size", kernel_size) or (3 if input.dim() == 5 else 2)
    k = _numbers("im2col", 2, "kernel_size", kernel_size, ndim)
    d = _numbers("im2col", 3, "dilation", dilation, ndim)
    pairs = _padding("im2col", 4, padding, ndim)
    s = _numbers("im2col", 5, "stride", stride, ndim)
    _check_numbers(k, d, pairs, s)
    if input.dim() < ndim + 1:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-max(input.dim(), 1)}, {max(input.dim(), 1) - 1}], "
            f"but got {ndim}) [input is {listed(input.shape)}; {ndim} axes need (N, C, *I) or (C, *I)]"
        )
    if input.dim() > ndim + 2 or any(size == 0 for size in input.shape[input.dim() - ndim - 1 :]):
        raise RuntimeError(
            f"Expected {ndim + 1}D or {ndim + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {listed(input.shape)}"
        )
    window = Window(tuple(input.shape[input.dim() - ndim :]), k, s, d, pairs)
    if any(p < 1 for p in window.output_size):
        raise RuntimeError(
            f"Given input with spatial size {window.input_size}, kernel_size={k}, dilation={d}, padding="
            f"{_brief(pairs)}, calculated shape of the array of sliding blocks as {window.output_size}, but its "
            f"components must be at least one. [d*(k-1)+1 = {window.extent} against i+lo+hi = {window.padded_size}]"
        )
    _check_dtype("im2col", input)
    return window


def fold_window(input: Any, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    """The checked window of fold, on an input of `output_size`."""
    _check_tensor("col2im", input)
    output_size, kernel_size, dilation = map(spelled, (output_size, kernel_size, dilation))
    padding, stride = spelled(padding), spelled(stride)
    ndim = _axes("output_size", output_size) or _axes("kernel_size", kernel_size) or 2
    size = _numbers("col2im", 2, "output_size", output_size, ndim)
    k = _numbers("col2im", 3, "kernel_size", kernel_size, ndim)
    d = _numbers("col2im", 4, "dilation", dilation, ndim)
    pairs = _padding("col2im", 5, padding, ndim)
    s = _numbers("col2im", 6, "stride", stride, ndim)
    _check_numbers(k, d, pairs, s)
    if input.dim() not in (2, 3) or input.shape[-1] == 0 or input.shape[-2] == 0:
        raise RuntimeError(
            f"Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {listed(input.shape)} [columns are (N, C·ΠK, ΠP) or (C·ΠK, ΠP)]"
        )
    if input.shape[-2] % prod(k):
        raise RuntimeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={input.shape[-2]} and kernel_size={k}. [{input.shape[-2]} mod {prod(k)} = "
            f"{input.shape[-2] % prod(k)}]"
        )
    window = Window(size, k, s, d, pairs)
    if any(p < 1 for p in window.output_size) or window.placements != input.shape[-1]:
        blocks = " * ".join(str(p) for p in window.output_size)
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={k}, dilation={d}, padding={_brief(pairs)}, stride={s}, expected "
            f"size of input's dimension 2 to match the calculated number of sliding blocks {blocks} = "
            f"{window.placements}, but got input.size(2)={input.shape[-1]}."
        )
    _check_dtype("col2im", input)
    return window
