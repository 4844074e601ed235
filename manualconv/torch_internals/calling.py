"""How a Function of ours is called: by apply, by its forward alone, or not under a tracer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch.autograd import Function

from manualconv.torch_internals.optional import private
from manualconv.torch_internals.transforms import forward_mode_active, transforms_active

T = TypeVar("T")


def apply(function: type[Function], eager: type[Function], args: tuple[Any, ...]) -> Any:
    """``function.apply(*args)``; its forward alone where no mode of differentiation could ask for more.

    Args:
        function: has ``setup_context``, as ``torch.func`` needs it.
        eager: the same map in the older form, for when no transform is active.
        args: forward's.
    """
    if tracer():
        raise RuntimeError(
            f"torch.jit's tracer cannot hold the derivative of {function.__name__}: call manualconv.restore(model) and "
            "trace torch's layers, or trace the functions of manualconv.functional, which it records as torch's"
        )
    if transforms_active():
        return function.apply(*args)
    if not (torch.is_grad_enabled() or forward_mode_active()):
        return function.forward(*args)
    return super(Function, eager).apply(*_living(args))  # type: ignore[misc]


#: Whether ``torch.jit.trace`` is at work in this thread.
tracer: Callable[[], bool] = torch.jit.is_tracing  # type: ignore[attr-defined]

_living = private("torch._functorch.utils.unwrap_dead_wrappers", lambda args: args)

#: Whether an autocast block of any device is active; if torch does not say, each device is asked.
any_autocast: Callable[[], bool] = private("torch._C._is_any_autocast_enabled", lambda: True)


def at_trace_time(action: Callable[[], T]) -> Callable[[], T]:
    """An action that Dynamo does, as it stands, when it meets it, instead of tracing it; its result is a constant.

    ``torch.compiler.assume_constant_result`` sets the same mark, but imports Dynamo for it.
    """
    setattr(action, "_dynamo_marked_constant", True)  # noqa: B010
    return action
