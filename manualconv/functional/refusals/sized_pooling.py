"""What pools take whose output size is given: adaptive and fractional pooling, and max unpooling."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import axes, check_floating, check_input, check_ranks, listed, spelled
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Axes, Intervals, is_int, whole
from manualconv.torch_internals import can_be_read

#: Numbers so many that the memory for them is asked for before any work is done.
MANY = 2**31


def _sizes(ndim: int, input: Any, output_size: Any, row: bool, item: int) -> Axes:
    """The output size per axis; None is the input's, which torch knows for images and volumes alone.

    The result, or its indices of 8 bytes, fits into 64 bits, and where it is vast into memory.  Nothing is asked while
    a program is traced: the answer would bound the sizes that it takes.
    """
    check_input(input)
    if ndim > 1 and not isinstance(output_size, (int, torch.SymInt)):
        if not hasattr(output_size, "__len__"):
            raise Refusal(f"output_size={output_size!r} must be an int or a tuple of {ndim}, each an int or None")
        count = len(output_size)
        if input.dim() <= count:
            raise Refusal(f"output_size={output_size} names {count} axes, behind a channel axis: {listed(input.shape)}")
        kept = input.shape[input.dim() - count :]
        output_size = tuple(size if given is None else given for given, size in zip(output_size, kept))
    (size,) = axes(ndim, 2**63, False, output_size=output_size)
    shape = (*input.shape[: max(input.dim() - ndim, 0)], *(1,) * row, *size)
    if not torch.compiler.is_compiling() and not any(length == 0 for length in shape):
        count = prod(shape)
        if count * item >= 2**63:
            raise RuntimeError(f"Storage size calculation overflowed with sizes={listed(shape)} [{count} numbers]")
        if count > MANY:
            torch.empty(shape, dtype=torch.uint8 if item == 1 else torch.int64, device="cpu")
    if min(size) < 0:
        raise Refusal(f"output_size={size} must be 0 or more on every axis")
    return size


def of_average(ndim: int, input: Any, output_size: Any) -> Intervals:
    """The intervals of an average that torch takes.

    A global mean is torch's ``mean``, which asks less: any number of axes before the pooled ones, complex numbers,
    nothing to average over.
    """
    size = _sizes(ndim, input, output_size, False, 1)
    lead, fractions = input.dim() - ndim, input.is_floating_point()
    if all(p == 1 for p in size):
        fractions = fractions or input.is_complex()
        if lead < 0 or (ndim == 1 and lead not in (1, 2)):
            raise Refusal(f"the last {ndim} axes are averaged, of (N, C, *I) or (C, *I), not of {listed(input.shape)}")
    else:
        check_ranks(input, ndim, 1 if ndim == 3 else lead)
        # torch's means of images ask for a dtype once there is something to average.
        fractions = fractions or (ndim < 3 and (0 in size or input.numel() == 0))
    if not fractions:
        raise Refusal(f"an average takes floating point, not {input.dtype}: input.float()")
    return Intervals(tuple(input.shape[lead:]), size)


def of_maximum(ndim: int, input: Any, output_size: Any) -> Intervals:
    """The intervals of a maximum that torch takes."""
    size = _sizes(ndim, input, output_size, ndim == 1, 8)  # torch takes a sequence for an image of one row
    check_ranks(input, ndim, 1)
    check_floating(input)
    return Intervals(tuple(input.shape[input.dim() - ndim :]), size)


def of_fractions(ndim: int, input: Any, kernel_size: Any, size: Any, ratio: Any, samples: Any) -> tuple[Axes, Axes]:
    """Kernel and output size per axis, of a fractional pooling that torch takes."""
    if size is None and ratio is None:
        raise Refusal("one of output_size and output_ratio says how many windows there are; both are None")
    check_input(input)
    size = _part(ndim, input, ratio) if size is None else size
    if samples is None and (input.dim() <= ndim or not (input.is_floating_point() or input.is_complex())):
        got = f"{listed(input.shape)} of {input.dtype}"
        raise Refusal(f"a place is drawn for all channels of (N, C, *I), floating point: input.float(), not {got}")
    k, p = axes(ndim, 2**63, False, kernel_size=kernel_size, output_size=size)
    if samples is not None:
        check_input(samples, "_random_samples")
    if any(n + m > 2**63 for n, m in zip(k, p)):  # torch's sum of the two would turn negative, and fit
        raise RuntimeError(f"pool {k} too large relative to input [output_size={p} windows: below 2**63 together]")
    check_ranks(input, ndim, 1)
    # Of volumes torch leaves one position unused.
    room = tuple(length - (ndim == 3) for length in input.shape[input.dim() - ndim :])
    needed = tuple(m + n - 1 for m, n in zip(p, k))
    if min(k) < 1 or any(n > r for n, r in zip(needed, room)):
        raise Refusal(f"kernel_size={k} must be 1 or more, output_size + kernel_size - 1 = {needed} at most {room}")
    if samples is not None:
        batch, channels = (1, input.shape[0]) if input.dim() == ndim + 1 else input.shape[:2]
        fits = samples.dim() == 3 and samples.shape[0] >= batch and samples.shape[1:] == (channels, ndim)
        if samples.dtype != input.dtype or not fits:
            got = f"{listed(samples.shape)}, {samples.dtype}"
            raise Refusal(f"_random_samples, {got}, must be (N, C, {ndim}), as torch.rand in input's dtype")
    if min(p) < 0 or not input.is_floating_point():
        raise Refusal(f"output_size={p} must be 0 or more, and {input.dtype} floating point: input.float()")
    if samples is not None and samples.requires_grad and torch.is_grad_enabled():
        words = f"The function 'fractional_max_pool{ndim}d' is not differentiable with respect to argument"
        raise RuntimeError(  # torch is asked with no graph, and would not say so
            f"{words} 'random_samples'. This input cannot have requires_grad True. [pass _random_samples.detach()]"
        )
    return k, p


def _part(ndim: int, input: Tensor, ratio: Any) -> tuple[int, ...]:
    """The part of the input's size that is asked for."""
    ratios = tuple(ratio) if isinstance(ratio, (tuple, list)) else (ratio,) * ndim
    try:
        if ndim == 3 or (hasattr(ratio, "__len__") and len(ratio) <= 2):
            return tuple(int(input.size(axis - ndim) * ratios[axis]) for axis in range(ndim))
    except Exception:  # whatever is wrong with a number
        pass
    raise Refusal(f"output_ratio={ratio} must be {ndim} numbers between 0 and 1, for the axes of {listed(input.shape)}")


def of_unpooling(
    ndim: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Axes:
    """The output's size, asked for or ``s·(P − 1) + k − 2·a``, of an unpooling that torch takes."""
    k, p = _per_axis(ndim, "kernel_size", kernel_size), _per_axis(ndim, "padding", padding)
    s = k if stride is None else _per_axis(ndim, "stride", stride)
    check_input(input)
    check_input(indices, "indices")
    size = _output_size(ndim, input, k, s, p, output_size)
    if prod((*input.shape[: input.dim() - ndim], *size)) >= 2**63:
        raise RuntimeError(f"numel: integer multiplication overflow [output_size={size} asks for over 2**63 numbers]")
    if ndim == 3 and min(s) < 1:
        raise Refusal(f"stride={s} must be 1 or more on every axis")
    if indices.dtype != torch.int64 or not input.dtype.is_floating_point:
        raise Refusal(f"input is {input.dtype}: floating point, and indices {indices.dtype}: indices.long()")
    if input.device != indices.device:
        raise Refusal(f"input is on {input.device}, indices on {indices.device}: both must be on one device")
    check_ranks(input, ndim)
    if input.shape != indices.shape:
        raise Refusal(f"indices {listed(indices.shape)} must be one index for every entry of {listed(input.shape)}")
    _check_indices(indices, size + (1,) * (ndim == 1))
    return size


def _per_axis(ndim: int, key: str, value: Any) -> Axes:
    """An int or `ndim` ints as a tuple; torch broadcasts no tuple of one here, and mostly reckons with bools."""
    given = spelled(value)
    numbers = given if isinstance(given, tuple) else (given,) * ndim
    if ndim < 3 and key != "kernel_size":
        numbers = numbers[:ndim]  # torch reads no more of them
    if ndim < 3 or key == "kernel_size":  # what else is of volumes, its parser reads
        numbers = tuple(int(n) if isinstance(n, bool) else n for n in numbers)
    if len(numbers) != ndim or not all(map(is_int, numbers)):
        raise Refusal(f"{key}={value!r} must be an int or {ndim} ints, one for each of {ndim} axes")
    return numbers


def _output_size(ndim: int, input: Tensor, k: Axes, s: Axes, p: Axes, output_size: Any) -> Axes:
    """The size asked for, less than one stride away from the size that fits."""
    if input.dim() < ndim:
        raise Refusal(f"input {listed(input.shape)} has no {ndim} axes")
    lengths = input.shape[input.dim() - ndim :]
    size = fitting = tuple((n - 1) * step + kernel - 2 * pad for n, kernel, step, pad in zip(lengths, k, s, p))
    if output_size is not None:
        count = len(output_size) if hasattr(output_size, "__len__") else 0
        if count not in (ndim, ndim + 2):
            raise Refusal(f"output_size={output_size} must be {ndim} ints, or {ndim + 2} with batch and channels")
        size = tuple(output_size[count - ndim :])
    for length, fits, step in zip(size, fitting, s):
        numeric = isinstance(length, (int, float, torch.SymInt))
        if not numeric or length < 0 or (output_size is not None and not fits - step < length < fits + step):
            rule = f"s*(p-1) + k - 2*pad = {fitting} must be 0 or more with k={k}, s={s}, pad={p}"
            raise Refusal(f"{rule}, and output_size={output_size} ints less than a stride away from it")
    if whole(size) is None:
        raise Refusal(f"output_size={output_size} must be ints of 64 bits: {size}")
    return size


def _check_indices(indices: Tensor, size: Axes) -> None:
    """Every position inside, where positions can be looked at; elsewhere the gather and scatter kernels look."""
    if not can_be_read(indices):
        return
    low, high = (int(bound) for bound in indices.aminmax())
    if low < 0 or high >= prod(size):
        got = f"{low if low < 0 else high} (output volumes are of size {'x'.join(map(str, size))})"
        needed = f"0 <= index < {prod(size)} is needed: pass the output_size that was pooled"
        raise RuntimeError(f"Found an invalid max index: {got} [{needed}]")
