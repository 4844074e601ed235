"""What adaptive pooling takes: any output size, over inputs of one or more positions."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    is_int,
    listed,
    no_method,
    no_tensor,
    not_ints,
    overflow,
    read,
    scalar_type,
    whole,
)
from manualconv.geometry import Axes

#: torch's kernels, one for lines and images alike.
KERNEL = {1: "pool2d", 2: "pool2d", 3: "pool3d_cpu"}
#: Numbers so many that the memory for them is asked for before any work is done.
MANY = 2**31


def _check_int(name: str, value: Any) -> None:
    """An int of 64 bits, for every axis alike."""
    if read(value) is None:
        raise not_ints(name, "output_size", 2, value)
    if whole(value) is None:
        raise overflow(name, "output_size", value)  # type: ignore[misc]


def _check_elements(name: str, values: tuple[Any, ...]) -> None:
    """Ints of 64 bits."""
    if read(values) is None:
        raise not_ints(name, "output_size", 2, values)
    if whole(values) is None:
        raise overflow(name, "output_size", values)  # type: ignore[misc]


def _of_line(name: str, input: Any, output_size: Any) -> Axes:
    """The output size of one axis: an int or one int in a tuple."""
    if not isinstance(input, Tensor):
        raise no_tensor(name, 1, "input", input)
    if not isinstance(output_size, (tuple, list)):
        _check_int(name, output_size)
        return (read(output_size),)
    _check_elements(name, tuple(output_size))
    if len(output_size) != 1:
        raise RuntimeError(
            f"{name}() argument 'output_size' should contain one int (got {len(output_size)}) "
            f"[output_size={tuple(output_size)}]"
        )
    return (read(output_size[0]),)


def _of_space(name: str, ndim: int, input: Any, output_size: Any) -> Axes:
    """The output sizes of several axes; None keeps the input's.  Their number is judged by `check_*`."""
    if not isinstance(input, Tensor):
        raise no_method(name, input, "size")
    if is_int(output_size) or isinstance(output_size, bool):
        _check_int(name, output_size)
        return (output_size,) * ndim
    try:
        count = len(output_size)
    except TypeError as error:
        raise TypeError(
            f"{error} [{name}() takes an int or a tuple of {ndim}, each an int or None, as output_size]"
        ) from None
    if input.dim() <= count:
        raise ValueError(
            f"Input dimension should be at least {count + 1}, but got input of size {listed(input.shape)} "
            f"[output_size={output_size} names {count} axes, behind one for channels]"
        )
    sizes = tuple(
        size if given is None else given for given, size in zip(output_size, input.shape[input.dim() - count :])
    )
    _check_elements(name, sizes)
    return read(sizes)  # type: ignore[no-any-return]


def output_sizes(name: str, ndim: int, input: Any, output_size: Any) -> Axes:
    """The output size per axis, its type checked; None is the input's."""
    if ndim == 1:
        return _of_line(name, input, output_size)
    return _of_space(name, ndim, input, output_size)


def _axes(ndim: int) -> str:
    return f"[(N, C, *I) or (C, *I) with {ndim} axes of positions]"


def _check_rank_of_line(name: str, input: Tensor) -> None:
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.dim()}-dimensional tensor for argument #1 'self' (while "
            f"checking arguments for {name}) [input of size {listed(input.shape)} is not (N, C, L) or (C, L)]"
        )


def _check_filled(name: str, shape: Axes, first: int, ending: str) -> None:
    """No axis from `first` on is empty."""
    for axis in range(first, len(shape)):
        if shape[axis] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{listed(shape)} with dimension {axis} being empty [an interval of no positions has no {ending}]"
            )


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


def _refuse(name: str, input: Tensor, what: str) -> NotImplementedError:
    return NotImplementedError(
        f"\"{name}\" not implemented for '{scalar_type(input)}' [{what} takes floating point: input.float()]"
    )


def check_average(name: str, ndim: int, input: Tensor, size: Axes) -> None:
    """Number and signs of the output sizes, ranks, sizes and dtypes, as torch's average takes them.

    A global mean is torch's ``mean``, which asks less: any number of axes before the pooled ones, complex numbers,
    nothing to average over.
    """
    if ndim == 1:
        _check_rank_of_line(name, input)
    if len(size) != ndim:
        raise RuntimeError(f"{name}: output_size must be {ndim} numbers, but got {size} [or one int for all axes]")
    if any(p < 0 for p in size):
        line = ndim == 1
        raise RuntimeError(
            f"adaptive_avg_pool{2 if line else ndim}d: elements of output_size must be greater than or equal to 0 but "
            f"received {{{', '.join(str(p) for p in ((1, *size) if line else size))}}} [output_size={size}, 0 or more "
            f"are needed]"
        )
    if all(p == 1 for p in size):
        axes = max(input.dim(), 1)
        if input.dim() < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-axes}, {axes - 1}], but got {-1 - axes}) "
                f"[{name}() averages the last {ndim} axes of input, whose size is "
                f"{listed(input.shape)}]"
            )
        if not (input.is_floating_point() or input.is_complex()):
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
                f"Got: {scalar_type(input)} [input.float()]"
            )
        return
    if ndim > 1 and input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"{name}(): Expected {ndim + 1}D or {ndim + 2}D tensor, but got {listed(input.shape)} {_axes(ndim)}"
        )
    called = "adaptive_avg_pool2d" if ndim == 1 else name
    shape = tuple(input.shape)
    seen = (*shape[:-1], 1, shape[-1]) if ndim == 1 else shape  # torch takes a sequence for an image of one row
    _check_filled(called, seen, 1 if ndim == 3 else input.dim() - ndim, "mean")
    _check_memory((*input.shape[: input.dim() - ndim], *size), 1)
    # torch's means of images ask for a dtype once there is something to average.
    if not input.is_floating_point() and (ndim == 3 or (0 not in size and input.numel() > 0)):
        raise _refuse(f"adaptive_avg_{KERNEL[ndim]}", input, "an average")


def check_maximum(name: str, ndim: int, input: Tensor, size: Axes) -> None:
    """Ranks, sizes, number and signs of the output sizes, and dtypes, as torch's maximum takes them."""
    if ndim == 1:
        _check_rank_of_line(name, input)
    elif input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"{name}(): Expected {ndim + 1}D or {ndim + 2}D tensor, but got: {listed(input.shape)} {_axes(ndim)}"
        )
    _check_filled(name, tuple(input.shape), 1, "maximum")
    if len(size) != ndim:
        raise RuntimeError(
            f"{name}(): internal error: output_size.size() must be {ndim} numbers, but got {size} "
            f"[or one int for all axes]"
        )
    # torch takes a sequence for an image of one row.
    shape = (*input.shape[: input.dim() - ndim], *(1,) * (ndim == 1), *size)
    for p in size:
        if p < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {p}: {listed(shape)} [output_size={size}, 0 or more "
                f"are needed]"
            )
    _check_memory(shape, 8)
    if not input.is_floating_point():
        raise _refuse(f"adaptive_max_{KERNEL[ndim]}", input, "a maximum of intervals")
