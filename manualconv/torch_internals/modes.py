"""Modes of torch's that see functions or operators run: a tracer, a counter, a logger, a block of ours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from manualconv.torch_internals.optional import needed, private


def function_modes() -> list[torch.overrides.TorchFunctionMode]:
    """The torch-function modes active in this thread, outermost first."""
    modes: list[torch.overrides.TorchFunctionMode] = _function_modes()
    return modes


def innermost_mode() -> torch.overrides.TorchFunctionMode | None:
    """The last of `function_modes`, at a fraction of their cost; None if there are none."""
    count = _function_mode_count()
    return _function_mode_at(count - 1) if count else None


# None are known without it: what a checkpoint computes again is then torch's.
_function_modes = private("torch.overrides._get_current_function_mode_stack", list)
_function_mode_count = private("torch._C._len_torch_function_stack", lambda: len(_function_modes()))
_function_mode_at = private("torch._C._get_function_stack_at", lambda at: _function_modes()[at])


# ---------------------------------------------------------------------------------------- modes that see operators run

#: A mode that sees every operator that runs, backward passes included.
OperatorMode: Any = private(
    "torch.utils._python_dispatch.TorchDispatchMode",
    type("OperatorMode", (), {"__init__": needed("torch.utils._python_dispatch.TorchDispatchMode", "memory's count")}),
)


# How many dispatch modes are on, and whether one is: if torch does not say, as if they were, and values stay unseen.
mode_count = private("torch._C._len_torch_dispatch_stack", lambda: 1)
mode_of = private("torch._C._get_dispatch_mode", lambda key: key)
#: Dispatch modes under which values are unknown or would be frozen into a graph (make_fx, ``torch.func.linearize``).
TRACING = tuple(private(f"torch._C._TorchDispatchModeKey.{name}") for name in ("PROXY", "FAKE"))


def dispatch_modes_active() -> bool:
    """Whether any mode sees the operators that run: a tracer, a counter, a logger; Dynamo knows of none."""
    return not torch.compiler.is_dynamo_compiling() and bool(mode_count())


#: Blocks in which no mode sees the functions that are called, and no subclass handles one; none sees the operators.
no_function_modes: Callable[[], AbstractContextManager[Any]] = private("torch._C.DisableTorchFunction", nullcontext)
no_operator_modes: Callable[[], AbstractContextManager[Any]] = private(
    "torch.utils._python_dispatch._disable_current_modes", nullcontext
)


def flop_counters() -> list[Any]:
    """The ``FlopCounterMode`` blocks that are open, outermost first."""
    # Earlier releases have no mode beside the counter.
    counters = (getattr(mode, "counter", mode) for mode in _dispatch_modes())
    return [counter for counter in counters if hasattr(counter, "flop_counts") and hasattr(counter, "mod_tracker")]


#: What a counter's formulas of a convolution and of its gradients are kept under.
CONVOLUTION, CONVOLUTION_BACKWARD = (private(f"torch.ops.aten.convolution{part}") for part in ("", "_backward"))
# None are known without it: a counter counts the operators that ran.
_dispatch_modes = private("torch.utils._python_dispatch._get_current_dispatch_mode_stack", list)
