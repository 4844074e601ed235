"""What average pooling takes, in the order in which torch looks at it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    check_reach,
    integer,
    kind,
    listed,
    no_tensor,
    not_ints,
    overflow,
    read,
    scalar_type,
    whole,
)
from manualconv.geometry import Axes, Window, per_axis

_COUNT = {2: "two", 3: "three"}


def read_arguments(
    name: str,
    ndim: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: Any,
    count_include_pad: Any,
    divisor_override: Any,
) -> tuple[Axes, Axes, Axes, int | None]:
    """Kernel, stride and padding with one number per axis, and the divisor: types, counts, reach; the input's rank."""
    stride = () if stride is None else stride
    sizes = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    _check_types(name, input, sizes, {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad})
    divisor = None
    if divisor_override is not None:
        divisor = integer(name, "divisor_override", 0, divisor_override, "an int: each window's sum is divided by it")
    for key, value in sizes.items():
        if whole(value) is None:
            raise overflow(name, key, value) or AssertionError(key)
    k, p = (_numbers(name, ndim, key, sizes[key]) for key in ("kernel_size", "padding"))
    s = k if isinstance(stride, (tuple, list)) and not stride else _numbers(name, ndim, "stride", stride)
    if ndim == 1:  # torch's is made of the one for images, which looks at the rest
        _check_rank(name, ndim, input)
    check_reach(kernel_size=k, stride=s, padding=p)
    if divisor == 0:
        raise RuntimeError("divisor must be not zero [divisor_override is what each window's sum is divided by]")
    _check_rank(name, ndim, input)
    return k, s, p, divisor


def _check_types(name: str, input: Any, sizes: dict[str, Any], switches: dict[str, Any]) -> None:
    """A tensor, ints or tuples of ints, bools."""
    if not isinstance(input, Tensor):
        raise no_tensor(name, 1, "input", input)
    for place, (key, value) in enumerate(sizes.items(), 2):
        if read(value) is None:
            raise not_ints(name, key, place, value)
    for key, value in switches.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name}(): argument '{key}' must be bool, not {kind(value)} [True or False]")


def _numbers(name: str, ndim: int, key: str, value: Any) -> Axes:
    """One number per axis."""
    numbers = read(value)
    if isinstance(numbers, tuple) and len(numbers) not in (1, ndim):
        if ndim == 1:
            raise RuntimeError(
                f"{name}() argument '{key}' should contain one int (got {len(numbers)}) [{key}={numbers}]"
            )
        must = "must either be" if ndim == 2 else "must be"
        choices = f"{'omitted, ' if key == 'stride' else ''}a single int, or a tuple of {_COUNT[ndim]} ints"
        raise RuntimeError(f"{name}: {key} {must} {choices} [{key}={numbers}]")
    return per_axis(numbers, ndim)


def _check_rank(name: str, ndim: int, input: Tensor) -> None:
    """``(N, C, *I)`` or ``(C, *I)``."""
    rank = input.dim()
    if rank in (ndim + 1, ndim + 2):
        return
    # After the test: a symbolic size, as a compiler has it, cannot be printed.
    hint = f"[(N, C, *I) or (C, *I) with {ndim} spatial axes, not {listed(input.shape)}]"
    if ndim == 1:
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {rank}-dimensional tensor for argument #1 'self' (while checking "
            f"arguments for {name}) {hint}"
        )
    if ndim == 3:
        raise RuntimeError(f"non-empty 4D or 5D (batch mode) tensor expected for input {hint}")
    if rank == 0:
        raise IndexError(f"Dimension specified as -3 but tensor has no dimensions {hint}")
    if rank < 3:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got -3) {hint}"
        )
    raise RuntimeError(
        f"Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:"
        f"{listed(input.shape)} {hint}"
    )


def check_numbers(kernel_size: Axes, stride: Axes, padding: Axes) -> None:
    """Positive kernel and stride, padding at most half the kernel."""
    for k, s, p in zip(kernel_size, stride, padding):
        if s == 0:
            cause = "" if k else ": kernel_size is 0, and stride defaults to it"
            raise RuntimeError(f"stride should not be zero [stride={stride}{cause}]")
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p} [padding={padding}, 0 or more are needed]")
        if k > 0 and p > k // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and "
                f"dilation=1 [padding={padding} must be <= {tuple(k // 2 for k in kernel_size)}]"
            )
    if any(k < 0 for k in kernel_size) or 0 in kernel_size:
        raise RuntimeError(
            f"kernel size should be greater than zero, but got {_by_letter('k', kernel_size)} [1 or more]"
        )
    if any(s < 0 for s in stride):
        raise RuntimeError(f"stride should be greater than zero, but got {_by_letter('d', stride)} [1 or more]")


def _by_letter(letter: str, numbers: Axes) -> str:
    """``kH: 1 kW: -1``, as torch prints numbers per axis; one axis is the width of an image of height 1."""
    numbers = numbers if len(numbers) > 1 else (1, *numbers)
    return " ".join(f"{letter}{axis}: {n}" for axis, n in zip("THW"[-len(numbers) :], numbers))


def check_sizes(name: str, input: Tensor, window: Window) -> None:
    """Channels and positions, room for a window, a dtype that can be divided."""
    ndim, size = window.ndim, tuple(input.shape)
    inner = size[-ndim - 1 :]
    if 0 in inner:
        if ndim == 3:
            raise RuntimeError(
                f"{name}(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
                f"{listed(size)} and non-batch dimension {inner.index(0)} has length zero! [only the batch may be "
                f"empty]"
            )
        image = size if ndim == 2 else (*size[:-1], 1, size[-1])
        raise RuntimeError(
            f"Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:{listed(image)}"
            f" [only the batch may be empty]"
        )
    if ndim == 3 and any(i < k for i, k in zip(inner[1:], window.kernel_size)):
        sizes = " ".join(f"{axis}: {n}" for axis, n in zip("THW", inner[1:]))
        raise RuntimeError(
            f"input image ({sizes}) smaller than kernel size ({_by_letter('k', window.kernel_size)}) [in three "
            f"dimensions padding does not count]"
        )
    if any(p < 1 for p in window.output_size):
        given, result = ((inner[0], *((1,) if ndim == 1 else ()), *axes) for axes in (inner[1:], window.output_size))
        raise RuntimeError(
            f"Given input size: ({'x'.join(map(str, given))}). Calculated output size: ({'x'.join(map(str, result))})."
            f" Output size is too small [i + 2*pad >= k is needed on every axis, k = {window.kernel_size}]"
        )
    if not (input.is_floating_point() or input.dtype == torch.int64):
        kernel = "avg_pool3d_out_frame" if ndim == 3 else "avg_pool2d"
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{scalar_type(input)}' [floating point and int64 are: input.float()]"
        )
