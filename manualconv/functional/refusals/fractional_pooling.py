"""What fractional max pooling takes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.functional.refusals.arguments import (
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
from manualconv.geometry import Axes

_COUNT = {2: "a single Int or tuple of Ints", 3: "a single Int or tuple of three Ints"}
_AXES = {2: ("height", "width"), 3: ("time", "height", "width")}


def output_size(ndim: int, input: Any, size: Any, ratio: Any, samples: Any) -> Any:
    """The output size asked for, or the part of the input's that is."""
    name = f"fractional_max_pool{ndim}d"
    if size is None and ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio [both are None]")
    if size is None and ndim == 2 and not hasattr(ratio, "__len__"):
        raise TypeError(f"object of type '{kind(ratio)}' has no len() [output_ratio={ratio} must be two numbers]")
    if size is None and ndim == 2 and len(ratio) > 2:
        raise ValueError(
            f"{name} requires output_ratio to either be a single Int or tuple of Ints. [one number an axis, but got "
            f"output_ratio={ratio}]"
        )
    if not isinstance(input, Tensor):
        if size is not None and samples is not None:
            raise no_tensor(name, 1, "input", input)
        raise no_method(name, input, "size" if size is None else "dim")
    if size is not None:
        return size
    ratios = tuple(ratio) if isinstance(ratio, (tuple, list)) else (ratio,) * ndim
    if len(ratios) < ndim:
        raise IndexError(f"tuple index out of range [output_ratio={ratio} must be {ndim} numbers]")
    return [int(input.size(axis - ndim) * ratios[axis]) for axis in range(ndim)]


def check_drawable(ndim: int, input: Tensor) -> None:
    """There is a channel to draw for, and a dtype to draw in."""
    if input.dim() < ndim + 1:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-input.dim()}, {input.dim() - 1}], but got "
            f"{-ndim - 1}) [input of size {listed(input.shape)} has no channels before {ndim} axes]"
        )
    if not (input.is_floating_point() or input.is_complex()):
        raise NotImplementedError(
            f"\"check_uniform_bounds\" not implemented for '{scalar_type(input)}' [no fractions in integers: "
            "input.float()]"
        )


def _per_axis(name: str, place: int, key: str, value: Any, ndim: int) -> Axes:
    """One int of 64 bits for every axis."""
    numbers = read(value)
    if numbers is None:
        raise not_ints(name, key, place, value)
    if whole(numbers) is None:
        raise overflow(name, key, value)  # type: ignore[misc]
    return numbers if isinstance(numbers, tuple) else (numbers,) * ndim


def check_fractional(ndim: int, input: Tensor, kernel_size: Any, size: Any, samples: Any) -> tuple[Axes, Axes]:
    """Kernel and output size per axis; types, ranks, sizes, samples and dtypes checked in torch's order."""
    name = f"fractional_max_pool{ndim}d"
    kernel = _per_axis(name, 2, "kernel_size", kernel_size, ndim)
    output = _per_axis(name, 3, "output_size", size, ndim)
    if not isinstance(samples, Tensor):
        raise no_tensor(name, 4, "random_samples", samples)
    for key, value in (("kernel_size", kernel), ("output_size", output)):
        if len(value) != ndim:
            raise RuntimeError(f"{name}: {key} must either be {_COUNT[ndim]} [got {value}]")
    if any(k <= 0 for k in kernel):
        sizes = "x".join(str(k) for k in kernel)
        raise RuntimeError(f"{name}(): kernel size should be greater than zero, but got {sizes} [1 or more]")
    _check_room(ndim, input, kernel, output)
    _check_samples(ndim, input, samples)
    for p in output:
        if p < 0:
            shape = listed((*input.shape[: input.dim() - ndim], *output))
            raise RuntimeError(f"Trying to create tensor with negative dimension {p}: {shape} [output_size={output}]")
    if not input.is_floating_point():
        raise NotImplementedError(
            f"\"{name}_out_frame\" not implemented for '{scalar_type(input)}' [floating point only: input.float()]"
        )
    return kernel, output


def _check_room(ndim: int, input: Tensor, kernel: Axes, output: Axes) -> None:
    """An input whose axes the windows fit on, a position apart at least."""
    name = "fractional_max_pool2d" if ndim == 2 else "fractional_max_pool3d_out"
    if input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"{name}(): Expected {ndim + 1}D or {ndim + 2}D tensor, but got: {listed(input.shape)} [(N, C, *I) or "
            f"(C, *I) with {ndim} axes of positions]"
        )
    for axis in range(1, input.dim()):
        if input.shape[axis] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but got"
                f"{listed(input.shape)} with dimension {axis} being empty. [only the batch may be empty]"
            )
    # In three dimensions torch leaves one position unused.
    spare = int(ndim == 3)
    for called, length, k, p in zip(_AXES[ndim], input.shape[input.dim() - ndim :], kernel, output):
        if p + k - 1 > length - spare:
            raise RuntimeError(
                f"{name}(): pool {called} {k} too large relative to input {called} {length} [output_size + "
                f"kernel_size - 1 = {p + k - 1} must be at most {length - spare}]"
            )


def _check_samples(ndim: int, input: Tensor, samples: Tensor) -> None:
    """One number for every sample, channel and axis, in the input's dtype."""
    batch, channels = (1, input.shape[0]) if input.dim() == ndim + 1 else input.shape[:2]
    if samples.dtype != input.dtype:
        words = "Expect _random_samples to have the same dtype as input"
    elif samples.dim() != 3:
        words = f"Expect _random_samples to have 3 dimensions, got {samples.dim()}"
    elif samples.shape[0] < batch:
        words = "Expect _random_samples.size(0) no less then input batch size."
    elif samples.shape[1] != channels:
        words = "Expect _random_samples.size(1) equals to input channel size."
    elif samples.shape[2] != ndim:
        words = f"Expect _random_samples.size(2) equals to {ndim}; got {samples.shape[2]}."
    else:
        return
    raise RuntimeError(
        f"{words} [_random_samples of size {listed(samples.shape)} must be (N, C, {ndim}), as torch.rand in input's "
        "dtype]"
    )
