"""What adaptive pooling takes: any output size, over inputs of one or more positions."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import axes, check_input, listed
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Axes, Intervals

#: Numbers so many that the memory for them is asked for before any work is done.
MANY = 2**31


def _sizes(ndim: int, input: Any, output_size: Any) -> Axes:
    """The output size per axis; None is the input's, which torch knows for images and volumes alone."""
    check_input(input)
    if ndim > 1 and not isinstance(output_size, (int, torch.SymInt)):
        if not hasattr(output_size, "__len__"):
            raise Refusal(f"output_size={output_size!r} must be an int or a tuple of {ndim}, each an int or None")
        count = len(output_size)
        if input.dim() <= count:
            raise Refusal(
                f"output_size={output_size} names {count} axes, behind one for channels: {listed(input.shape)}"
            )
        kept = input.shape[input.dim() - count :]
        output_size = tuple(size if given is None else given for given, size in zip(output_size, kept))
    (size,) = axes(ndim, 2**63, False, output_size=output_size)
    return size


def _check_memory(shape: Axes, item: int) -> None:
    """The result, or its indices of 8 bytes, fits into 64 bits, and where it is vast into memory.

    Nothing is asked while a program is traced: the answer would bound the sizes that it takes.
    """
    if torch.compiler.is_compiling() or any(size == 0 for size in shape):
        return
    count = prod(shape)
    if count * item >= 2**63:
        stored = f"Storage size calculation overflowed with sizes={listed(shape)}"
        words = "numel: integer multiplication overflow" if item == 1 else stored
        raise RuntimeError(f"{words} [output_size asks for {count} numbers]")
    if count > MANY:
        torch.empty(shape, dtype=torch.uint8 if item == 1 else torch.int64, device="cpu")


def _check_input(ndim: int, input: Tensor, first: int) -> None:
    """``(N, C, *I)`` or ``(C, *I)``, no axis from `first` on empty."""
    if input.dim() not in (ndim + 1, ndim + 2) or 0 in input.shape[first:]:
        raise Refusal(
            f"input {listed(input.shape)} must be (N, C, *I) or (C, *I) with {ndim} axes of positions: an interval of "
            "no positions has no mean and no maximum"
        )


def checked_average(ndim: int, input: Any, output_size: Any) -> Intervals:
    """The intervals of an average that torch takes.

    A global mean is torch's ``mean``, which asks less: any number of axes before the pooled ones, complex numbers,
    nothing to average over.
    """
    size = _sizes(ndim, input, output_size)
    lead = input.dim() - ndim
    _check_memory((*input.shape[: max(lead, 0)], *size), 1)
    if min(size) < 0:
        raise Refusal(f"output_size={size} must be 0 or more on every axis")
    fractions = input.is_floating_point()
    if all(p == 1 for p in size):
        fractions = fractions or input.is_complex()
        if lead < 0 or (ndim == 1 and lead not in (1, 2)):
            raise Refusal(
                f"the last {ndim} axes are averaged, of (N, C, *I) or (C, *I), but input is {listed(input.shape)}"
            )
    else:
        _check_input(ndim, input, 1 if ndim == 3 else lead)
        # torch's means of images ask for a dtype once there is something to average.
        fractions = fractions or (ndim < 3 and (0 in size or input.numel() == 0))
    if not fractions:
        raise Refusal(f"an average takes floating point, not {input.dtype}: input.float()")
    return Intervals(tuple(input.shape[lead:]), size)


def checked_maximum(ndim: int, input: Any, output_size: Any) -> Intervals:
    """The intervals of a maximum that torch takes."""
    size = _sizes(ndim, input, output_size)
    lead = input.dim() - ndim
    # torch takes a sequence for an image of one row.
    _check_memory((*input.shape[: max(lead, 0)], *(1,) * (ndim == 1), *size), 8)
    _check_input(ndim, input, 1)
    if min(size) < 0:
        raise Refusal(f"output_size={size} must be 0 or more on every axis")
    if not input.is_floating_point():
        raise Refusal(f"a maximum of intervals takes floating point, not {input.dtype}: input.float()")
    return Intervals(tuple(input.shape[lead:]), size)
