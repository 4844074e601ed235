"""What batch and instance normalisation take."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import check_flags, check_input, check_tensors, listed, real
from manualconv.functional.refusals.refusal import Refusal
from manualconv.torch_internals import mapped_levels, transforms_active

#: What may be None.
PARAMETERS = ("weight", "bias", "running_mean", "running_var")
_HALF = (torch.float16, torch.bfloat16)


def number(key: str, value: Any) -> float:
    """One real number, as a float."""
    if type(value) is float:
        return value
    try:
        return real("", key, 0, value)
    except (TypeError, RuntimeError) as error:
        raise Refusal(f"{key}={value!r} must be one real number", type(error)) from None


def check_dtypes(x: Tensor, *parameters: Tensor | None) -> None:
    """Floating point; every parameter of the input's dtype, or all of float32 beside an input of half precision."""
    alike, single = True, x.dtype in _HALF
    for t in parameters:
        if t is not None:
            alike, single = alike and t.dtype is x.dtype, single and t.dtype is torch.float32
    if not x.is_floating_point():
        raise Refusal(f"input is {x.dtype}, and a deviation is no whole number: input.float()")
    if not (alike or single):
        kinds = ", ".join(str(t.dtype) for t in parameters if t is not None)
        raise Refusal(
            f"input is {x.dtype}, and its parameters (weight, bias, running_mean, running_var) are {kinds}: they have "
            f"the input's dtype, or all float32 beside half precision; module.to({x.dtype}) makes them alike"
        )


def check_batch_norm(input: Any, training: Any, eps: Any) -> None:
    """What torch.nn.functional.batch_norm checks itself: more than one value a channel, a positive eps."""
    check_input(input)
    check_flags(training=training)
    eps = number("eps", eps)
    if training and (not input.dim() or prod([input.shape[0], *input.shape[2:]]) == 1):
        raise Refusal(
            f"input {listed(input.shape)} must be (N, C, *I), of at least 2 axes, and one value is its own mean: use "
            "more samples or positions, or module.eval()"
        )
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
    if input.numel() == 0:
        return
    for key, t in named.items():
        if t is not None and (
            t.numel() != input.shape[1] or (t.dim() != 1 and _is_read_by_axis(key, t, of_instances, own))
        ):
            raise Refusal(
                f"{key} must be (C,), one number for each channel, input.shape[1] = {input.shape[1]}, not "
                f"{listed(t.shape)}"
            )
    if (running_mean is None) != (running_var is None):
        raise Refusal(f"{missing} is None: both running statistics, or neither")
    _check_constant(running_mean, running_var)
    check_dtypes(input, weight, bias, *(() if of_instances else (running_mean, running_var)))
    if own and transforms_active():
        _check_mapped(input, running_mean, running_var)


def _is_read_by_axis(key: str, t: Tensor, of_instances: bool, own: bool) -> bool:
    """Whether other axes than one are refused: torch reads γ and β of batch normalisation so, and little else."""
    if of_instances:
        return t.dim() > 1 or (own and key.startswith("running"))
    return key.startswith("running")


def _check_constant(running_mean: Tensor | None, running_var: Tensor | None) -> None:
    """Statistics are constants to a derivative; torch is asked with none, and would not say so."""
    for key, t in (("running_mean", running_mean), ("running_var", running_var)):
        if t is not None and t.requires_grad and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            raise RuntimeError(
                f"The function 'native_batch_norm' is not differentiable with respect to argument '{key}'. This input "
                f"cannot have requires_grad True. [pass {key}.detach()]"
            )


def _check_mapped(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None) -> None:
    """One tensor cannot take a value for each sample of a vmap."""
    for key, t in (("running_mean", running_mean), ("running_var", running_var)):
        if t is not None and not mapped_levels(input) <= mapped_levels(t):
            raise RuntimeError(
                "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated "
                f"in place, were not batched.\nPlease set track_running_stats=False, use eval mode, or map {key} too "
                f"[{key} {listed(t.shape)} cannot take one value for each sample of vmap]"
            )
