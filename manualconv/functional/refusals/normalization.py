"""What layer, group and local response normalisation take."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    integer,
    is_of_numpy,
    kind,
    listed,
    no_method,
    not_ints,
    overflow,
    read,
    real,
    scalar_type,
    whole,
)
from manualconv.functional.refusals.batch_normalization import check_dtypes, check_floating, check_input
from manualconv.geometry import Axes


def check_layer_norm(input: Any, normalized_shape: Any, weight: Any, bias: Any, eps: Any) -> tuple[Axes, float]:
    """The last axes have the shape given, and the parameters have it too; the shape and eps."""
    check_input("layer_norm", input)
    shape = _shape(normalized_shape)
    for place, (key, t) in enumerate((("weight", weight), ("bias", bias)), 3):
        _check_parameter("layer_norm", key, place, t)
    eps = real("layer_norm", "eps", 5, eps)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = [] [layer_norm() standardises over at least one axis]"
        )
    for key, t in (("weight", weight), ("bias", bias)):
        if t is not None and tuple(t.shape) != shape:
            raise RuntimeError(
                f"Expected {key} to be of same shape as normalized_shape, but got {key} of shape {listed(t.shape)} and "
                f"normalized_shape = {listed(shape)} [layer_norm(): one number for each entry standardised together]"
            )
    if tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={listed(shape)}, expected input with shape [*, {listed(shape)[1:]}, but got input "
            f"of size{listed(input.shape)} [the last {len(shape)} axes of the input are standardised together]"
        )
    if input.numel() > 0:
        check_dtypes("layer_norm", input, {"weight": weight, "bias": bias})
    check_floating("LayerNormKernelImpl", input)
    return shape, eps


def _shape(normalized_shape: Any) -> Axes:
    """A tuple or list of ints, as a tuple."""
    if isinstance(normalized_shape, (tuple, list)):
        shape = whole(tuple(normalized_shape))
        if shape is not None:
            return shape  # type: ignore[no-any-return]
        if read(normalized_shape) is not None:
            raise overflow("layer_norm", "normalized_shape", normalized_shape) or AssertionError
        raise not_ints("layer_norm", "normalized_shape", 2, normalized_shape)
    raise TypeError(
        f"layer_norm(): argument 'normalized_shape' (position 2) must be tuple of ints, not {kind(normalized_shape)} "
        f"[one axis is (size,)]"
    )


def _check_parameter(name: str, key: str, place: int, t: Any) -> None:
    """A Tensor or None."""
    if t is not None and not isinstance(t, Tensor):
        raise TypeError(
            f"{name}(): argument '{key}' (position {place}) must be Tensor, not {kind(t)} [torch.as_tensor(...) makes "
            f"one; None stands for none]"
        )


def check_group_sizes(input: Any, num_groups: Any) -> int:
    """What torch.nn.functional.group_norm checks itself: two axes, and more than one value in all; the groups."""
    if not isinstance(input, Tensor):
        raise no_method("group_norm", input, "dim")
    if input.dim() < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.dim()} [group_norm() takes (N, C, "
            f"*I): input.unsqueeze(0) adds an axis]"
        )
    if num_groups is not False:
        num_groups = integer("group_norm", "num_groups", 2, num_groups, "it divides the channels")
    if num_groups == 0:
        raise ZeroDivisionError("integer division or modulo by zero [group_norm(): num_groups must be positive]")
    n, c, *size = input.shape
    grouped = [n * c // num_groups, num_groups, *size]
    if grouped[0] * prod(size) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {grouped} "
            f"[group_norm(): input {listed(input.shape)} in {num_groups} groups has one value in each]"
        )
    return num_groups  # type: ignore[no-any-return]


def check_group_norm(input: Any, num_groups: Any, weight: Any, bias: Any, eps: Any) -> tuple[int, float]:
    """Groups that divide the channels, and parameters of one number a channel; the groups and eps."""
    check_input("group_norm", input)
    num_groups = integer("group_norm", "num_groups", 2, num_groups, "it divides the channels")
    for place, (key, t) in enumerate((("weight", weight), ("bias", bias)), 3):
        _check_parameter("group_norm", key, place, t)
    eps = real("group_norm", "eps", 5, eps)
    _check_groups(input, num_groups, weight, bias)
    if input.numel() > 0:
        check_dtypes("group_norm", input, {"weight": weight, "bias": bias})
        check_floating("GroupNormKernelImpl", input)
    return num_groups, eps


def _check_groups(input: Tensor, num_groups: int, weight: Any, bias: Any) -> None:
    """Numbers that fit together."""
    c, size = input.shape[1], input.shape[2:]
    if num_groups < 0:
        raise RuntimeError(
            f"Expected num groups to be greater than 0, got {num_groups} [group_norm(): it divides the channels]"
        )
    if c % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{listed(input.shape)} and num_groups={num_groups} [{c} channels leave {c % num_groups} over]"
        )
    for key, t in (("weight", weight), ("bias", bias)):
        if t is not None and tuple(t.shape) != (c,):
            raise RuntimeError(
                f"Expected {key} to be a vector of size equal to the number of channels in input, but got {key} of "
                f"shape {listed(t.shape)} and input of shape {listed(input.shape)} [group_norm(): ({c},) is needed]"
            )
    if c == 0:
        raise RuntimeError(f"Expected number of channels to be greater than 0, got {c} [group_norm() of no channels]")
    if prod(size) == 0:
        raise RuntimeError(f"Expected HxW to be greater than 0, got {prod(size)} [group_norm() of no positions]")


def check_local_response_norm(input: Any, given: Any, alpha: Any, beta: Any, k: Any) -> int:
    """Three axes or more, a positive whole number of channels, numbers; that number."""
    if not isinstance(input, Tensor):
        raise no_method("local_response_norm", input, "dim")
    if input.dim() < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {input.dim()} dimensions) "
            f"[local_response_norm() takes (N, C, *I) with at least one axis of positions]"
        )
    divides = hasattr(given, "__floordiv__") and not (isinstance(given, Tensor) and given.dtype == torch.bool)
    size = read(given) if divides else None
    if size is None or isinstance(size, tuple):
        raise TypeError(
            f"local_response_norm(): argument 'size' must be int, not {kind(given)} [it counts neighbouring channels]"
        )
    for key, value in (("alpha", alpha), ("beta", beta), ("k", k)):
        if not isinstance(value, (int, float, complex, Tensor)) and not is_of_numpy(value, "biufc"):
            raise TypeError(
                f"local_response_norm(): argument '{key}' must be float, not {kind(value)} [a number is needed]"
            )
    if size <= 0:
        raise RuntimeError(
            f"kernel size should be greater than zero, but got size={size} [it counts neighbouring channels]"
        )
    if not input.is_floating_point() and input.dtype != torch.int64 and input.numel() > 0:
        kernel = "avg_pool2d" if input.dim() == 3 else "avg_pool3d_out_frame"
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{scalar_type(input)}' [input.float() makes numbers]"
        )
    return size  # type: ignore[no-any-return]
