"""What max unpooling takes: a position inside the output for every entry."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    LARGEST,
    LEAST,
    is_int,
    kind,
    listed,
    no_method,
    no_tensor,
    scalar_type,
    spelled,
)
from manualconv.geometry import Axes
from manualconv.torch_internals import is_plain

_COUNT = {2: ("two", "(height, width)"), 3: ("three", "(depth, height, width)")}
_READS = "elements in indices should be type int64"


def check_max_unpooling(
    ndim: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Axes:
    """Types, sizes and ranks; the output size, asked for or ``s·(P − 1) + k − 2·a``."""
    name = f"max_unpool{max(ndim, 2)}d"
    kernel_size = spelled(kernel_size)
    stride = kernel_size if stride is None else stride
    k, s, p = (_per_axis(name, ndim, *named) for named in _named(kernel_size, stride, padding))
    if not isinstance(input, Tensor):
        raise no_method(f"max_unpool{ndim}d", input, "size")
    size = _output_size(ndim, input, k, s, p, output_size)
    if not isinstance(indices, Tensor):
        if ndim == 1:  # torch lays it out before it looks at it
            raise no_method("max_unpool1d", indices, "unsqueeze")
        raise no_tensor(name, 2, "indices", indices)
    _check_ints(name, size)
    if ndim == 3 and min(s) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {listed(s)} [1 or more]")
    _check_tensors(name, ndim, input, indices)
    _check_memory((*input.shape[: input.dim() - ndim], *size))
    _check_indices(indices, size + (1,) * (ndim == 1))
    return size


def _named(kernel_size: Any, stride: Any, padding: Any) -> tuple[tuple[str, Any], ...]:
    return ("kernel_size", kernel_size), ("stride", stride), ("padding", padding)


def _per_axis(name: str, ndim: int, key: str, value: Any) -> Axes:
    """An int or `ndim` ints as a tuple; torch broadcasts no tuple of one here, and reckons with bools."""
    given = spelled(value)
    numbers = given if isinstance(given, tuple) else (given,) * ndim
    if ndim < 3 and key != "kernel_size":
        numbers = numbers[:ndim]  # torch reads no more of them
    numbers = tuple(int(n) if isinstance(n, bool) else n for n in numbers)
    for at, number in enumerate(numbers):
        if not isinstance(number, (int, float, torch.SymInt)):
            raise TypeError(
                f"unsupported operand type(s) for -: '{kind(number)}' and 'int' [{name}(): {key}={value!r} must be an "
                f"int or {ndim} ints]"
            )
        if not is_int(number):
            raise TypeError(
                f"{name}(): argument '{key}' must be tuple of ints, but found element of type {kind(number)} at pos "
                f"{at} [{key}={value!r}]"
            )
    if len(numbers) == ndim:
        return numbers
    if (len(numbers) > ndim) == (key == "kernel_size"):
        raise IndexError(f"tuple index out of range [{key}={value} for {ndim} axes]")
    words, axes = _COUNT[max(ndim, 2)]
    raise RuntimeError(
        f"There should be exactly {words} elements {axes} in {key}, but got {len(numbers)} elements. [an int or "
        f"{ndim} ints are needed, {key}={value}]"
    )


def _output_size(ndim: int, input: Tensor, k: Axes, s: Axes, p: Axes, output_size: Any) -> Axes:
    """The size asked for, less than one stride away from the size that fits."""
    if input.dim() < ndim:
        raise IndexError(f"tuple index out of range [input of size {listed(input.shape)} has no {ndim} axes]")
    fitting = tuple(
        (length - 1) * step + kernel - 2 * pad
        for length, kernel, step, pad in zip(input.shape[max(input.dim() - ndim, 0) :], k, s, p)
    )
    if output_size is None:
        size = fitting
    else:
        if not hasattr(output_size, "__len__"):
            raise TypeError(f"object of type '{kind(output_size)}' has no len() [output_size must be {ndim} ints]")
        asked = output_size[2:] if len(output_size) == ndim + 2 else output_size
        if len(asked) != ndim:
            raise ValueError(
                f"output_size should be a sequence containing {ndim} or {ndim + 2} elements, but it has a length of "
                f"'{len(asked)}' [output_size={output_size}]"
            )
        for axis, (length, fits, step) in enumerate(zip(asked, fitting, s)):
            if not isinstance(length, (int, float, torch.SymInt)):
                raise TypeError(
                    f"'<' not supported between instances of 'int' and '{kind(length)}' [output_size={output_size} "
                    f"must be ints]"
                )
            if not fits - step < length < fits + step:
                raise ValueError(
                    f'invalid output_size "{output_size}" (dim {axis} must be between {fits - step} and {fits + step}) '
                    f"[s*(p-1) + k - 2*pad = {fits} fits, and anything less than a stride of {step} away]"
                )
        size = tuple(asked)
    for axis, length in enumerate(size):
        if length < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{axis}]={length} [s*(p-1) + k - 2*pad must be 0 or more: kernel_size={k}, stride={s}, "
                f"padding={p}]"
            )
    return size


def _check_ints(name: str, size: Axes) -> None:
    """Ints of 64 bits."""
    for place, length in enumerate(size):
        if not is_int(length):
            found = f"element of type {kind(length)} at pos {place}"
            raise TypeError(
                f"{name}(): argument 'output_size' (position 3) must be tuple of ints, but found {found} [{size}: "
                f"output_size must be ints]"
            )
        if isinstance(length, int) and not LEAST <= length <= LARGEST:
            raise TypeError(
                f"{name}(): argument 'output_size' failed to unpack the object at pos {place + 1} with error "
                f'"Overflow when unpacking long long" [{size}: 64 bits hold up to {LARGEST}]'
            )


def _check_memory(shape: Axes) -> None:
    """Entries that 64 bits can count."""
    if prod(shape) >= 2**63:
        raise RuntimeError(f"numel: integer multiplication overflow [output_size asks for {prod(shape)} numbers]")


def _check_tensors(name: str, ndim: int, input: Tensor, indices: Tensor) -> None:
    if indices.dtype != torch.int64:
        got = f" but got: {scalar_type(indices)}" * (ndim < 3)
        raise RuntimeError(f"{_READS}{got} [indices of {indices.dtype}: indices.long()]")
    if input.device != indices.device:
        raise RuntimeError(
            f"Tensor on device {input.device} is not on the expected device {indices.device}! [input is on "
            f"{input.device}, indices on {indices.device}: both must be on one]"
        )
    axes = max(ndim, 2)
    hidden = axes - ndim  # the axis that torch adds to a sequence
    if input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"Input to max_unpooling{axes}d should be a {axes + 1}d or {axes + 2}d Tensor, but got a tensor with "
            f"{input.dim() + hidden} dimensions. [(N, C, *P) or (C, *P) with {ndim} axes of positions]"
        )

    def size(t: Tensor) -> str:
        return listed((*t.shape, *(1,) * hidden))

    if input.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({size(input)}) but got indices tensor "
            f"with shape: {size(indices)} [one index for every entry]"
        )
    for axis, length in enumerate(input.shape):
        if length == 0 and (axis or input.dim() == ndim + 1):
            raise RuntimeError(
                f"max_unpooling{axes}d_forward_out_cpu(): Expected input to have non-zero size for non-batch "
                f"dimensions, but got {size(input)} with dimension {axis} being empty. [only the batch may be "
                f"empty]"
            )
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"{name}\" not implemented for '{scalar_type(input)}' [use floating point]")


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
