"""What fractional max pooling takes: as many windows as are asked for, each of the kernel's size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import axes, check_input, listed
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Axes


def checked_sizes(
    ndim: int, input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any
) -> tuple[Axes, Axes]:
    """Kernel and output size per axis, of a call that torch takes."""
    if output_size is None and output_ratio is None:
        raise Refusal("one of output_size and output_ratio says how many windows there are; both are None")
    check_input(input)
    size = _part(ndim, input, output_ratio) if output_size is None else output_size
    if samples is None and (input.dim() <= ndim or not (input.is_floating_point() or input.is_complex())):
        raise Refusal(
            f"a place is drawn for each of the channels before {ndim} axes, in input's dtype: (N, C, *I) or (C, *I), "
            f"floating point: input.float(), but input is {listed(input.shape)} of {input.dtype}"
        )
    k, p = axes(ndim, 2**63, False, kernel_size=kernel_size, output_size=size)
    if samples is not None:
        check_input(samples, "_random_samples")
    if any(n + m > 2**63 for n, m in zip(k, p)):  # torch's sum of the two would turn negative, and fit
        raise RuntimeError(
            f"pool {k} too large relative to input [output_size={p} windows of it: below 2**63 together]"
        )
    _check_room(ndim, input, k, p)
    if samples is not None:
        _check_samples(ndim, input, samples)
    if min(p) < 0 or not input.is_floating_point():
        raise Refusal(
            f"output_size={p} must be 0 or more, and input, {input.dtype}, floating point only: input.float()"
        )
    if samples is not None and samples.requires_grad and torch.is_grad_enabled():
        raise Refusal("it is not differentiable with respect to _random_samples: pass _random_samples.detach()")
    return k, p


def _part(ndim: int, input: Tensor, ratio: Any) -> tuple[int, ...]:
    """The part of the input's size that is asked for."""
    ratios = tuple(ratio) if isinstance(ratio, (tuple, list)) else (ratio,) * ndim
    fits = hasattr(ratio, "__len__") and len(ratio) <= 2 if ndim == 2 else True
    try:
        if fits:
            return tuple(int(input.size(axis - ndim) * ratios[axis]) for axis in range(ndim))
    except Exception:  # whatever is wrong with a number
        fits = False
    raise Refusal(
        f"output_ratio={ratio} must be {ndim} numbers between 0 and 1, one for each axis of {listed(input.shape)}"
    )


def _check_room(ndim: int, input: Tensor, kernel: Axes, output: Axes) -> None:
    """An input whose axes the windows fit on, a position apart at least; of volumes torch leaves one unused."""
    if input.dim() not in (ndim + 1, ndim + 2) or 0 in input.shape[1:]:
        raise Refusal(f"input {listed(input.shape)} must be (N, C, *I) or (C, *I) with {ndim} spatial axes, none empty")
    room = tuple(length - (ndim == 3) for length in input.shape[input.dim() - ndim :])
    needed = tuple(p + k - 1 for p, k in zip(output, kernel))
    if min(kernel) < 1 or any(n > r for n, r in zip(needed, room)):
        raise Refusal(
            f"kernel_size={kernel} must be 1 or more, output_size + kernel_size - 1 = {needed} must be at most {room}"
        )


def _check_samples(ndim: int, input: Tensor, samples: Tensor) -> None:
    """One number for every sample, channel and axis, in the input's dtype."""
    batch, channels = (1, input.shape[0]) if input.dim() == ndim + 1 else input.shape[:2]
    fits = samples.dim() == 3 and samples.shape[0] >= batch and samples.shape[1:] == (channels, ndim)
    if samples.dtype != input.dtype or not fits:
        raise Refusal(
            f"_random_samples of size {listed(samples.shape)}, {samples.dtype}, must be (N, C, {ndim}), as torch.rand "
            "in input's dtype"
        )
