"""What batch, instance, layer, group and local response normalisation take."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import (
    check_flags,
    check_input,
    check_tensors,
    int_of,
    is_of_numpy,
    listed,
    number_of,
)
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Axes, whole
from manualconv.torch_internals import mapped_levels, transforms_active

#: What may be None.
PARAMETERS = ("weight", "bias", "running_mean", "running_var")


def check_dtypes(x: Tensor, *parameters: Tensor | None) -> None:
    """Floating point; every parameter of the input's dtype, or all of float32 beside an input of half precision."""
    given = [t.dtype for t in parameters if t is not None]
    single = x.dtype in (torch.float16, torch.bfloat16) and set(given) <= {torch.float32}
    if not x.is_floating_point():
        raise Refusal(f"input is {x.dtype}, and a deviation is no whole number: input.float()")
    if not single and set(given) - {x.dtype}:
        rule = f"the input's dtype, or all float32 beside half precision; module.to({x.dtype}) makes them alike"
        kinds = ", ".join(map(str, given))
        raise Refusal(f"input is {x.dtype}, its parameters (weight, bias, statistics) are {kinds}: they have {rule}")


def check_batch_norm(input: Any, training: Any, eps: Any) -> None:
    """What torch.nn.functional.batch_norm checks itself: more than one value a channel, a positive eps."""
    check_input(input)
    check_flags(training=training)
    eps = number_of("eps", eps)
    if training and (not input.dim() or prod([input.shape[0], *input.shape[2:]]) == 1):
        rule = "one value is its own mean: use more samples or positions, or module.eval()"
        raise Refusal(f"input {listed(input.shape)} must be (N, C, *I), of at least 2 axes, and {rule}")
    if eps < 0 or (training and eps == 0):
        raise Refusal(f"eps={eps} is added to a variance, 0 in a channel of equal values: in training it is positive")


def check_instance_norm(input: Any, use_input_stats: Any) -> None:
    """What torch.nn.functional.instance_norm checks itself: more than one position."""
    check_input(input)
    check_flags(use_input_stats=use_input_stats)
    if use_input_stats and prod(input.shape[2:]) == 1:
        raise Refusal(f"input {listed(input.shape)} has one value a mean, its own: more positions are needed")


def check_parameters(
    name: str, input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, own: bool
) -> None:
    """Statistics ``(C,)``, parameters of C numbers; both statistics where they are used."""
    named = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    check_tensors(PARAMETERS, input=input, **named)
    of_instances = name == "instance_norm"
    if input.numel() == 0 and not of_instances:
        return
    missing = "running_mean" if running_mean is None else "running_var" if running_var is None else None
    if missing is not None and not own:
        raise Refusal(f"{missing} is None: without statistics of its own, module.train() uses the input's")
    if input.dim() < 2:
        raise Refusal(f"input {listed(input.shape)} must be (N, C, *I), of at least 2 axes: unsqueeze(0) adds one")
    empty = input.numel() == 0
    for key, t in named.items():
        running = key.startswith("running")
        if t is None or (empty and not (own and running)):
            continue
        # Batch normalisation reads its statistics by axis, and of γ and β the numbers; instance normalisation both.
        by_axis = t.dim() != 1 and (t.dim() > 1 or (own and running) if of_instances else running)
        if t.numel() != input.shape[1] or (not (t.is_floating_point() or t.is_complex()) if empty else by_axis):
            channels = f"one number for each channel, input.shape[1] = {input.shape[1]}"
            raise Refusal(f"{key} must be (C,), {channels}, not {listed(t.shape)} of {t.dtype}")
    if empty:
        return
    _check_statistics(input, own and transforms_active(), running_mean=running_mean, running_var=running_var)
    if (running_mean is None) != (running_var is None):
        raise Refusal(f"{missing} is None: both running statistics, or neither")
    if of_instances and own and running_mean is not None and running_mean.dtype == input.dtype != running_var.dtype:
        raise Refusal(f"running_mean is {running_mean.dtype} and running_var {running_var.dtype}: give both one dtype")
    check_dtypes(input, weight, bias, *(() if of_instances else (running_mean, running_var)))


def _check_statistics(input: Tensor, mapped: bool, **statistics: Tensor | None) -> None:
    """Constants to a derivative, one for all samples of a vmap: torch is asked with no graph, and would not say so."""
    for key, t in statistics.items():
        if t is None:
            continue
        if t.requires_grad and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            raise RuntimeError(
                f"The function 'native_batch_norm' is not differentiable with respect to argument '{key}'. This input "
                f"cannot have requires_grad True. [pass {key}.detach()]"
            )
        if mapped and not mapped_levels(input) <= mapped_levels(t):
            raise RuntimeError(
                "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated "
                f"in place, were not batched.\nPlease set track_running_stats=False, use eval mode, or map {key} too "
                f"[{key} {listed(t.shape)} cannot take one value for each sample of vmap]"
            )


def _check_shapes(shape: Axes, each: str, **parameters: Tensor | None) -> None:
    """Parameters of one shape, where they are given."""
    for key, t in parameters.items():
        if t is not None and t.shape != shape:
            raise Refusal(f"{key} {listed(t.shape)} must be {shape}, one number for each {each}")


def check_layer_norm(input: Any, normalized_shape: Any, weight: Any, bias: Any, eps: Any) -> tuple[Axes, float]:
    """The last axes have the shape given, and the parameters have it too; the shape and eps."""
    check_tensors(PARAMETERS, input=input, weight=weight, bias=bias)
    shape: Axes | None = whole(tuple(normalized_shape)) if isinstance(normalized_shape, (tuple, list)) else None
    if shape is None:
        raise Refusal(f"normalized_shape={normalized_shape!r} must be a tuple of ints; one axis is (size,)", TypeError)
    _check_shapes(shape, "entry standardised together", weight=weight, bias=bias)
    eps = number_of("eps", eps)
    if not shape or input.shape[-len(shape) :] != shape:
        raise Refusal(f"normalized_shape={shape} must be the last axes of input {listed(input.shape)}, one or more")
    check_dtypes(input, *((weight, bias) if input.numel() else ()))
    return shape, eps


def check_group_sizes(input: Any, num_groups: Any) -> int:
    """What torch.nn.functional.group_norm checks itself: two axes, and more than one value in all; the groups."""
    check_input(input)
    groups = 0 if num_groups is False else int_of("num_groups", num_groups)
    if input.dim() < 2:
        raise Refusal(f"input {listed(input.shape)} must be (N, C, *I): input.unsqueeze(0) adds an axis")
    n, c, *size = input.shape
    if groups == 0 or n * c // groups * prod(size) == 1:
        raise Refusal(f"num_groups={groups} must be positive, and not leave one value in each of {listed(input.shape)}")
    return groups


def check_group_norm(input: Any, num_groups: Any, weight: Any, bias: Any, eps: Any) -> tuple[int, float]:
    """Groups that divide the channels, and parameters of one number a channel; the groups and eps."""
    check_tensors(PARAMETERS, input=input, weight=weight, bias=bias)
    num_groups = int_of("num_groups", num_groups)
    eps = number_of("eps", eps)
    c, size = input.shape[1], input.shape[2:]
    left = c % num_groups if num_groups else c
    if num_groups < 1 or left or c == 0 or prod(size) == 0:
        rule = f"channels that num_groups={num_groups} divides, and positions: {left} are left over"
        raise Refusal(f"input {listed(input.shape)} must have {rule}")
    _check_shapes((c,), "channel", weight=weight, bias=bias)
    if input.numel() > 0:
        check_dtypes(input, weight, bias)
    return num_groups, eps


def check_local_response_norm(input: Any, given: Any, alpha: Any, beta: Any, k: Any) -> int:
    """Three axes or more, a positive whole number of channels, numbers; that number."""
    check_input(input)
    for key, value in (("alpha", alpha), ("beta", beta), ("k", k)):
        if not isinstance(value, (int, float, complex, Tensor)) and not is_of_numpy(value, "biufc"):
            raise Refusal(f"{key} must be a number, not {value!r}", TypeError)
    size = whole(given) if hasattr(given, "__floordiv__") else None  # torch halves it
    if size is None or isinstance(size, tuple) or size <= 0:
        raise Refusal(f"size={given!r} counts neighbouring channels: an int of 1 or more", TypeError)
    if input.dim() < 3:
        raise Refusal(f"input {listed(input.shape)} must be (N, C, *I) with at least one axis of positions")
    if not input.is_floating_point() and input.dtype != torch.int64 and input.numel() > 0:
        raise Refusal(f"input is {input.dtype}: input.float() makes numbers")
    return size  # type: ignore[no-any-return]
