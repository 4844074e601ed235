"""What batch and instance normalisation take."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import kind, listed, no_method, real, scalar_type
from manualconv.torch_internals import mapped_levels

_HALF = (torch.float16, torch.bfloat16)


def check_input(name: str, input: Any, place: str = " (position 1)") -> None:
    """A Tensor."""
    if not isinstance(input, Tensor):
        raise TypeError(
            f"{name}(): argument 'input'{place} must be Tensor, not {kind(input)} [torch.as_tensor(...) makes one]"
        )


def check_floating(kernel: str, input: Tensor) -> None:
    """Floating point, under the name of torch's kernel."""
    if not input.is_floating_point():
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{scalar_type(input)}' [a deviation is no whole number: input.float()]"
        )


def check_dtypes(name: str, x: Tensor, parameters: dict[str, Tensor | None]) -> None:
    """Every parameter has the input's dtype, or float32 beside an input of half precision: one of the two for all."""
    given = {key: t for key, t in parameters.items() if t is not None}
    if all(t.dtype is x.dtype for t in given.values()):
        return
    first = next(iter(given.values()))
    if first.dtype is x.dtype:
        key, odd = next((key, t) for key, t in given.items() if t.dtype is not x.dtype)
        raise RuntimeError(
            f"expected scalar type {scalar_type(x)} but found {scalar_type(odd)} [{name}(): {key} must have the dtype "
            f"of the parameters before it, {first.dtype}]"
        )
    if any(t.dtype is not torch.float32 for t in given.values()):
        kinds = ", ".join(f"{key} is {t.dtype}" for key, t in given.items())
        raise RuntimeError(
            f"mixed dtype (CPU): expect parameter to have scalar type of Float [{name}(): input is {x.dtype}, {kinds}; "
            f"parameters have the input's dtype, or all float32 beside half precision]"
        )
    if x.dtype not in _HALF:
        raise RuntimeError(
            f"mixed dtype (CPU): all inputs must share same datatype. [{name}(): input is {x.dtype}, the parameters "
            f"are torch.float32; module.to({x.dtype}) makes them alike]"
        )


def _check_choice(name: str, key: str, own: Any) -> None:
    """True or False."""
    if not isinstance(own, bool):
        raise TypeError(
            f"{name}(): argument '{key}' (position 6) must be bool, not {kind(own)} [True standardises by the input's "
            f"own statistics]"
        )


def numbers(name: str, momentum: Any, eps: Any) -> tuple[float, float]:
    """Momentum and eps as floats."""
    return real(name, "momentum", 7, momentum), real(name, "eps", 8, eps)


def check_batch_norm(input: Any, training: Any, eps: Any) -> None:
    """What torch.nn.functional.batch_norm checks itself: enough values, a positive eps, types."""
    if training and not isinstance(input, Tensor):
        raise no_method("batch_norm", input, "size")
    eps = real("batch_norm", "eps", 8, eps)
    if training and input.dim() == 0:
        raise _few_axes("batch_norm", input)
    if training and prod([input.shape[0], *input.shape[2:]]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {input.shape} [one value is its own "
            f"mean: use more samples or positions, or module.eval()]"
        )
    if training and eps <= 0.0:
        raise ValueError(
            f"batch_norm eps must be positive during training, but got {eps} [a channel of equal values has variance 0]"
        )
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps} [it is added to a variance]")
    check_input("batch_norm", input)
    _check_choice("batch_norm", "training", training)


def check_instance_norm(input: Any, use_input_stats: Any) -> None:
    """What torch.nn.functional.instance_norm checks itself: more than one position, types."""
    if not isinstance(input, Tensor) and use_input_stats:
        raise no_method("instance_norm", input, "size")
    check_input("instance_norm", input)
    _check_choice("instance_norm", "use_input_stats", use_input_stats)
    if use_input_stats and prod(input.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape} [one value is its own "
            f"mean: instance normalisation needs more positions]"
        )


def _few_axes(name: str, input: Tensor) -> IndexError:
    return IndexError(
        f"Dimension out of range: {name}() takes an input (N, C, *I) of at least 2 axes, but got {input.dim()} "
        f"[input.unsqueeze(0) adds one]"
    )


def check_types(name: str, input: Any, *parameters: Any) -> None:
    """Tensors, and Tensors or None."""
    check_input(name, input)
    for place, (key, t) in enumerate(zip(("weight", "bias", "running_mean", "running_var"), parameters), 2):
        if t is not None and not isinstance(t, Tensor):
            raise TypeError(
                f"{name}(): argument '{key}' (position {place}) must be Tensor, not {kind(t)} [torch.as_tensor(...) "
                f"makes one; None stands for none]"
            )


def check_statistics(
    name: str,
    input: Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
) -> None:
    """Statistics ``(C,)``, parameters of C numbers, floating point; both statistics where they are used."""
    parameters = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    check_given(name, training, running_mean, running_var)
    if name == "instance_norm" and input.dim() < 2:
        raise _few_axes(name, input)
    channels = input.shape[1] if input.dim() > 1 else 0
    for key in ("running_mean", "running_var", "weight", "bias"):
        t = parameters[key]
        if t is not None and t.numel() != channels:
            # torch sees instance normalisation as batch normalisation of N·C channels.
            copies = input.shape[0] if name == "instance_norm" else 1
            raise RuntimeError(
                f"{key} should contain {copies * channels} elements not {copies * t.numel()} [{name}(): one for each "
                f"channel, that is input.shape[1] = {channels} of {listed(input.shape)}, but got {listed(t.shape)}]"
            )
        if t is not None and t.dim() != 1:
            _check_axes(name, key, t, input, training)
    _check_constant(name, running_mean, running_var)
    _check_both(name, running_mean, running_var)
    if input.dim() < 2:
        raise _few_axes(name, input)
    if input.numel() > 0:
        check_floating("batch_norm", input)
        kept = {} if name == "instance_norm" else {"running_mean": running_mean, "running_var": running_var}
        check_dtypes(name, input, {"weight": weight, "bias": bias, **kept})
    if training:
        _check_mapped(name, input, running_mean, running_var)


def _check_axes(name: str, key: str, t: Tensor, input: Tensor, training: bool) -> None:
    """C numbers with other axes than one: torch reads γ and β of batch normalisation so, and little else."""
    fix = f"[{name}(): {key} of {listed(t.shape)} must be ({t.numel()},): {key}.reshape(-1)]"
    statistics = key in ("running_mean", "running_var")
    if name == "batch_norm" and statistics and input.numel() > 0:
        raise RuntimeError(f"TensorAccessor expected 1 dims but tensor has {t.dim()} {fix}")
    if name == "instance_norm" and t.dim() > 1:
        raise RuntimeError(
            f"Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor {fix}"
        )
    if name == "instance_norm" and statistics and training:
        raise RuntimeError(f"output with shape [] doesn't match the broadcast shape [1] {fix}")


def check_given(name: str, own: bool, running_mean: Any, running_var: Any) -> None:
    """Both statistics, where nothing else can be standardised by."""
    if own:
        return
    for key, t in (("running_mean", running_mean), ("running_var", running_var)):
        if t is None:
            words = (
                f"{key} must be defined in evaluation mode"
                if name == "batch_norm"
                else "Expected running_mean and running_var to be defined when use_input_stats is false"
            )
            raise RuntimeError(f"{words} [{name}(): {key} is None; module.train() uses the input's own]")


def _check_both(name: str, running_mean: Any, running_var: Any) -> None:
    """Both statistics or none."""
    if (running_mean is None) != (running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise ValueError(
            f"running_mean and running_var must either both be None or neither be None [{name}(): {missing} is None]"
        )


def _check_constant(name: str, running_mean: Any, running_var: Any) -> None:
    """Statistics are constants to a derivative."""
    for key, t in (("running_mean", running_mean), ("running_var", running_var)):
        if t is not None and t.requires_grad and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            raise RuntimeError(
                f"The function 'native_batch_norm' is not differentiable with respect to argument '{key}'. This input "
                f"cannot have requires_grad True. [{name}(): pass {key}.detach()]"
            )


def _check_mapped(name: str, input: Tensor, running_mean: Any, running_var: Any) -> None:
    """One tensor cannot take a value for each sample of a vmap."""
    for key, t in (("running_mean", running_mean), ("running_var", running_var)):
        if t is not None and not mapped_levels(input) <= mapped_levels(t):
            raise RuntimeError(
                "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated "
                f"in place, were not batched.\nPlease set track_running_stats=False, use eval mode, or map {key} too "
                f"[{name}(): {key} {listed(t.shape)} cannot take one value for each sample of vmap]"
            )
