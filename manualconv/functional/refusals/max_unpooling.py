"""What max unpooling takes: an index for every entry, and an output that has all of them."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import check_input, listed, spelled
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Axes, is_int, whole
from manualconv.torch_internals import is_plain


def checked_size(
    ndim: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Axes:
    """The output's size, asked for or ``s·(P − 1) + k − 2·a``, of a call that torch takes."""
    stride = kernel_size if stride is None else stride
    named = (("kernel_size", kernel_size), ("stride", stride), ("padding", padding))
    k, s, p = (_per_axis(ndim, *each) for each in named)
    check_input(input)
    check_input(indices, "indices")
    size = _output_size(ndim, input, k, s, p, output_size)
    numbers = whole(size)
    if numbers is None:
        raise Refusal(f"output_size={output_size} must be ints of 64 bits")
    if prod((*input.shape[: input.dim() - ndim], *size)) >= 2**63:
        raise RuntimeError(
            f"numel: integer multiplication overflow [output_size={size} asks for more than 2**63 numbers]"
        )
    if ndim == 3 and min(s) < 1:
        raise Refusal(f"stride={s} must be 1 or more on every axis")
    _check_tensors(ndim, input, indices)
    _check_indices(indices, size + (1,) * (ndim == 1))
    return size


def _per_axis(ndim: int, key: str, value: Any) -> Axes:
    """An int or `ndim` ints as a tuple; torch broadcasts no tuple of one here, and reckons with bools."""
    given = spelled(value)
    numbers = given if isinstance(given, tuple) else (given,) * ndim
    if ndim < 3 and key != "kernel_size":
        numbers = numbers[:ndim]  # torch reads no more of them
    numbers = tuple(int(n) if isinstance(n, bool) else n for n in numbers)
    if len(numbers) != ndim or not all(map(is_int, numbers)):
        raise Refusal(f"{key}={value!r} must be an int or {ndim} ints, one for each of {ndim} axes")
    return numbers


def _output_size(ndim: int, input: Tensor, k: Axes, s: Axes, p: Axes, output_size: Any) -> Axes:
    """The size asked for, less than one stride away from the size that fits."""
    if input.dim() < ndim:
        raise Refusal(f"input {listed(input.shape)} has no {ndim} axes")
    lengths = input.shape[input.dim() - ndim :]
    fitting = tuple((n - 1) * step + kernel - 2 * pad for n, kernel, step, pad in zip(lengths, k, s, p))
    size = fitting
    if output_size is not None:
        count = len(output_size) if hasattr(output_size, "__len__") else 0
        if count not in (ndim, ndim + 2):
            raise Refusal(f"output_size={output_size} must be {ndim} ints, or {ndim + 2} with batch and channels")
        size = tuple(output_size[count - ndim :])
    for length, fits, step in zip(size, fitting, s):
        numeric = isinstance(length, (int, float, torch.SymInt))
        if not numeric or length < 0 or (output_size is not None and not fits - step < length < fits + step):
            raise Refusal(
                f"s*(p-1) + k - 2*pad = {fitting} must be 0 or more, and output_size={output_size} ints less than a "
                f"stride of {s} away from it: kernel_size={k}, stride={s}, padding={p}"
            )
    return size


def _check_tensors(ndim: int, input: Tensor, indices: Tensor) -> None:
    """``(N, C, *P)`` or ``(C, *P)``, and an int64 for every entry."""
    if indices.dtype != torch.int64:
        raise Refusal(f"indices of {indices.dtype}: indices.long()")
    if input.device != indices.device:
        raise Refusal(f"input is on {input.device}, indices on {indices.device}: both must be on one device")
    if input.dim() not in (ndim + 1, ndim + 2) or 0 in input.shape[input.dim() - ndim - 1 :]:
        raise Refusal(
            f"input {listed(input.shape)} must be (N, C, *P) or (C, *P) with {ndim} axes of positions; only the batch "
            "may be empty"
        )
    if input.shape != indices.shape:
        raise Refusal(
            f"indices {listed(indices.shape)} must be one index for every entry of input {listed(input.shape)}"
        )
    if not input.dtype.is_floating_point:
        raise Refusal(f"input is {input.dtype}: use floating point, input.float()")


def _check_indices(indices: Tensor, size: Axes) -> None:
    """Every position inside, where positions can be looked at; elsewhere the gather and scatter kernels look."""
    if not indices.numel() or indices.device.type == "meta" or not is_plain(indices):
        return
    low, high = (int(bound) for bound in indices.aminmax())
    if low < 0 or high >= prod(size):
        raise RuntimeError(
            f"Found an invalid max index: {low if low < 0 else high} (output volumes are of size "
            f"{'x'.join(map(str, size))}) [0 <= index < {prod(size)} is needed: pass the output_size that was pooled]"
        )
