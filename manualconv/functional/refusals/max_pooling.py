"""What max pooling takes.  torch's words differ per dimension, and in one dimension with the indices asked for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    check_reach,
    kind,
    listed,
    no_method,
    no_tensor,
    not_ints,
    overflow,
    read,
    scalar_type,
    whole,
)
from manualconv.geometry import Axes, Window, per_axis

_COUNT = {2: "two", 3: "three"}
_TUPLE = {
    "kernel_size": "must either be a single int, or",
    "stride": "must either be omitted, a single int, or",
    "padding": "must either be a single int, or",
    "dilation": "must be either a single int, or",
}
_SINGLE = {
    "kernel_size": "an int, list of ints or tuple",
    "stride": "None, an int, list of ints, or tuple",
    "padding": "an int, list of ints, or tuple",
    "dilation": "an int, list of ints or tuple",
}


def check_max_pooling(
    ndim: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: Any,
    return_indices: bool,
) -> tuple[Axes, Axes, Axes, Axes]:
    """Types, tuple lengths and rank; kernel size, stride, padding and dilation per axis."""
    name = f"max_pool{ndim}d" + "_with_indices" * bool(return_indices)
    if not isinstance(input, Tensor):
        if ndim == 3 and return_indices:  # torch asks for its device first
            raise no_method(name, input, "is_cuda")
        raise no_tensor(name, 1, "input", input)
    stride = kernel_size if stride is None or (isinstance(stride, (tuple, list)) and not stride) else stride
    values = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    numbers = [_numbers(name, place, key, value) for place, (key, value) in enumerate(values.items(), 2)]
    if not isinstance(ceil_mode, bool):
        raise TypeError(
            f"{name}(): argument 'ceil_mode' (position 6) must be bool, not {kind(ceil_mode)} [True or False]"
        )
    if ndim == 1 and not return_indices:
        _check_size(1, input, "max_pool1d: ")
    for key, value in zip(values, numbers):
        _check_length(ndim, key, value, return_indices)
    if ndim > 1 or return_indices:
        check_reach(**dict(zip(values, numbers)))
    if input.dim() not in (ndim + 1, ndim + 2):
        hint = f"[input has the size {listed(input.shape)}]"
        if ndim == 1:
            raise RuntimeError(
                f"Expected 2 to 3 dimensions, but got {input.dim()}-dimensional tensor for argument #1 'self' "
                f"(while checking arguments for max_pool1d) {hint}"
            )
        raise RuntimeError(f"non-empty {ndim + 1}D or {ndim + 2}D (batch mode) tensor expected for input {hint}")
    k, s, p, d = (per_axis(value, ndim) for value in numbers)
    return k, s, p, d


def _numbers(name: str, place: int, key: str, value: Any) -> Any:
    """An int or a tuple of ints as torch's argument parser reads them."""
    numbers = whole(value)
    if numbers is not None:
        return numbers
    wide = overflow(name, key, value) if read(value) is not None else None
    if wide is not None:
        raise wide
    raise not_ints(name, key, place, value)


def _check_length(ndim: int, key: str, numbers: Any, return_indices: bool) -> None:
    if not isinstance(numbers, tuple) or len(numbers) in (1, ndim):
        return
    if ndim > 1:
        raise RuntimeError(f"max_pool{ndim}d: {key} {_TUPLE[key]} a tuple of {_COUNT[ndim]} ints [{key}={numbers}]")
    if return_indices:
        raise RuntimeError(
            f"max_pool1d() argument '{key}' should contain one int (got {len(numbers)}) [{key}={numbers}]"
        )
    raise RuntimeError(
        f"max_pool1d() {key} must be {_SINGLE[key]} of ints of size 1 but got size {len(numbers)} [{key}={numbers}]"
    )


def _check_size(ndim: int, input: Tensor, opening: str = "") -> None:
    """Rank, and no empty axis but the batch."""
    if input.dim() in (ndim + 1, ndim + 2) and 0 not in input.shape[input.dim() - ndim - 1 :]:
        return
    raise RuntimeError(
        f"{opening}Expected {ndim + 1}D or {ndim + 2}D (batch mode) tensor with optional 0 dim batch size for input, "
        f"but got:{listed(input.shape)} [only the batch may be empty]"
    )


def check_ties(ties: Any) -> None:
    """A rule for ties that there is."""
    if ties not in ("first", "split"):
        raise ValueError(f"ties must be 'first' (torch's rule) or 'split' (equal parts to all), but got {ties!r}")


def check_max_pooling_window(input: Tensor, window: Window, return_indices: bool) -> None:
    """Positive kernel, stride and dilation, padding at most half the kernel, at least one placement."""
    if window.ndim == 1 and not return_indices:
        _check_one_axis(window)
    else:
        _check_axes(input, window)
    _check_kind(input, window.ndim, return_indices)


def _check_one_axis(window: Window) -> None:
    """As torch.max_pool1d: it has a kernel, and words, of its own."""
    (k,), (s,), (d,), ((a, _),) = window.kernel_size, window.stride, window.dilation, window.padding
    for key, value in (("kernel_size", k), ("stride", s)):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {key} must be greater than zero, but got {value} [{key} >= 1 is needed]")
    if a < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {a} [padding >= 0 is needed]")
    if a > k // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of kernel size, but got padding={a} and kernel_size={k} "
            f"[padding <= {k // 2} is needed]"
        )
    if d <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {d} [dilation >= 1 is needed]")
    if window.output_size[0] < 1:
        raise RuntimeError(
            f"max_pool1d() Invalid computed output size: {window.output_size[0]} [i + 2*pad >= d*(k-1) + 1 is needed: "
            f"{window.input_size[0]} + {2 * a} >= {d}*{k - 1} + 1]"
        )


def _check_axes(input: Tensor, window: Window) -> None:
    """As torch's kernels for images and volumes, which take a sequence for an image of one row."""
    ndim, one = max(window.ndim, 2), window.ndim == 1
    letters = "HW" if ndim == 2 else "THW"
    k, s, d = ((1,) * one + numbers for numbers in (window.kernel_size, window.stride, window.dilation))
    a = (0,) * one + tuple(low for low, _ in window.padding)

    def named(prefix: str, numbers: Axes) -> str:
        return " ".join(f"{prefix}{letter}: {number}" for letter, number in zip(letters, numbers))

    for kernel, step, pad, spread in zip(k, s, a, d):
        if step == 0:
            raise RuntimeError(
                f"stride should not be zero [kernel_size={k}, stride={s}, which defaults to kernel_size]"
            )
        if pad < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {pad} [padding={a}, 0 or more are needed]")
        if pad > (spread * (kernel - 1) + 1) // 2 and kernel > 0 and spread > 0:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={pad}, kernel_size={kernel} and "
                f"dilation={spread} [2*pad <= d*(k-1) + 1 = {spread * (kernel - 1) + 1}]"
            )
    for words, prefix, numbers in (("kernel size", "k", k), ("stride", "d", s), ("dilation", "dilation", d)):
        if min(numbers) <= 0:
            raise RuntimeError(f"{words} should be greater than zero, but got {named(prefix, numbers)} [1 or more]")
    if ndim == 3 and 0 in input.shape[input.dim() - 4 :]:
        raise RuntimeError(
            f"max_pool3d_with_indices_out_cpu_template(): Expected input's non-batch dimensions to have positive "
            f"length, but input has a shape of {listed(input.shape)} and non-batch dimension "
            f"{input.shape[input.dim() - 4 :].index(0)} has length zero! [only the batch may be empty]"
        )
    if ndim == 2:
        _check_size(2, input.unsqueeze(-2) if one else input)
    if any(pad > kernel // 2 for pad, kernel in zip(a, k)):
        (*_, a_h, a_w), (*_, k_h, k_w) = a, k  # torch's orders and signs
        halves = f"padW = {a_w}, padH = {a_h}, kW = {k_w}, kH = {k_h}"
        if ndim == 3:
            halves = f"kT: {k[0]} kW: {k_w} kH: {k_h} padT: {a[0]} padW: {a_w} padH: {a_h}"
        raise RuntimeError(
            f"pad should be smaller than or equal to half of kernel size, but got {halves} "
            f"[dilation={d} widens the window, not the padding allowed]"
        )
    if min(window.output_size) < 1:
        lead = (input.shape[input.dim() - window.ndim - 1], *(1,) * one)
        sizes = ("x".join(map(str, (*lead, *size))) for size in (window.input_size, window.output_size))
        given, calculated = sizes
        raise RuntimeError(
            f"Given input size: ({given}). Calculated output size: ({calculated}). Output size is too small "
            f"[i + 2*pad >= d*(k-1) + 1 is needed on every axis]"
        )


def _check_kind(input: Tensor, ndim: int, return_indices: bool) -> None:
    """Numbers with an order; in one dimension torch has integers only together with the indices."""
    fractional = input.dtype.is_floating_point
    if ndim == 1 and not return_indices:
        if not fractional:
            raise NotImplementedError(
                f"\"max_pool1d_impl\" not implemented for '{scalar_type(input)}' [return_indices=True takes integers]"
            )
    elif input.dtype == torch.bool or input.is_complex():
        raise NotImplementedError(
            f"\"max_pool{max(ndim, 2)}d\" not implemented for '{scalar_type(input)}' [it has no order; pool .real, "
            f".imag, .abs() or .int()]"
        )
