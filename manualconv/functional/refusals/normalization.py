"""What layer, group and local response normalisation take."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor

from manualconv.functional.refusals.arguments import check_input, check_tensors, int_of, is_of_numpy, kind, listed
from manualconv.functional.refusals.batch_normalization import PARAMETERS, check_dtypes, number
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Axes, whole


def check_layer_norm(input: Any, normalized_shape: Any, weight: Any, bias: Any, eps: Any) -> tuple[Axes, float]:
    """The last axes have the shape given, and the parameters have it too; the shape and eps."""
    check_tensors(PARAMETERS, input=input, weight=weight, bias=bias)
    shape = whole(tuple(normalized_shape)) if isinstance(normalized_shape, (tuple, list)) else None
    if shape is None:
        raise Refusal(f"normalized_shape={normalized_shape!r} must be a tuple of ints; one axis is (size,)", TypeError)
    for key, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.shape != shape:
            raise Refusal(f"{key} {listed(t.shape)} must be {shape}, one number for each entry standardised together")
    eps = number("eps", eps)
    if not shape or input.shape[-len(shape) :] != shape:
        raise Refusal(
            f"normalized_shape={shape} must be the last {len(shape)} axes of input {listed(input.shape)}, at least one "
            "axis"
        )
    check_dtypes(input, *((weight, bias) if input.numel() else ()))
    return shape, eps


def check_group_sizes(input: Any, num_groups: Any) -> int:
    """What torch.nn.functional.group_norm checks itself: two axes, and more than one value in all; the groups."""
    check_input(input)
    num_groups = 0 if num_groups is False else int_of("num_groups", num_groups)
    if input.dim() < 2:
        raise Refusal(f"input {listed(input.shape)} must be (N, C, *I): input.unsqueeze(0) adds an axis")
    n, c, *size = input.shape
    if num_groups == 0 or n * c // num_groups * prod(size) == 1:
        raise Refusal(
            f"num_groups={num_groups} must be positive, and not leave one value in each of input {listed(input.shape)}"
        )
    return int(num_groups)


def check_group_norm(input: Any, num_groups: Any, weight: Any, bias: Any, eps: Any) -> tuple[int, float]:
    """Groups that divide the channels, and parameters of one number a channel; the groups and eps."""
    check_tensors(PARAMETERS, input=input, weight=weight, bias=bias)
    num_groups = int_of("num_groups", num_groups)
    eps = number("eps", eps)
    c, size = input.shape[1], input.shape[2:]
    if num_groups < 1 or c % num_groups or c == 0 or prod(size) == 0:
        raise Refusal(
            f"input {listed(input.shape)} must have channels that num_groups={num_groups} divides, and positions; {c} "
            f"channels leave {c % num_groups if num_groups else c} over"
        )
    for key, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.shape != (c,):
            raise Refusal(f"{key} {listed(t.shape)} must be ({c},), one number for each channel")
    if input.numel() > 0:
        check_dtypes(input, weight, bias)
    return num_groups, eps


def check_local_response_norm(input: Any, given: Any, alpha: Any, beta: Any, k: Any) -> int:
    """Three axes or more, a positive whole number of channels, numbers; that number."""
    check_input(input)
    for key, value in (("alpha", alpha), ("beta", beta), ("k", k)):
        if not isinstance(value, (int, float, complex, Tensor)) and not is_of_numpy(value, "biufc"):
            raise Refusal(f"{key} must be a number, not {kind(value)}", TypeError)
    size = whole(given)
    if size is None or isinstance(size, tuple) or size <= 0:
        raise Refusal(f"size={given!r} counts neighbouring channels: an int of 1 or more", TypeError)
    if input.dim() < 3:
        raise Refusal(f"input {listed(input.shape)} must be (N, C, *I) with at least one axis of positions")
    if not input.is_floating_point() and str(input.dtype) != "torch.int64" and input.numel() > 0:
        raise Refusal(f"input is {input.dtype}: input.float() makes numbers")
    return size  # type: ignore[no-any-return]
