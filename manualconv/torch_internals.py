"""The few names that manualconv takes from torch's private parts, so that a torch release can break one file only."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from inspect import Signature
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad
from torch.utils import checkpoint
from torch.utils._python_dispatch import TorchDispatchMode

T = TypeVar("T")

#: Dispatch modes under which values are unknown or would be frozen into a graph (make_fx, ``torch.func.linearize``).
TRACING = (torch._C._TorchDispatchModeKey.PROXY, torch._C._TorchDispatchModeKey.FAKE)

#: A mode that sees every operator that runs, backward passes included.
OperatorMode = TorchDispatchMode


def shaped(y: Tensor, size: tuple[int, ...]) -> Tensor:
    """A contiguous temporary under another shape, not counted as a view.

    A view made inside a Function's forward may not be edited in place by the next layer (``ReLU(inplace=True)``);
    torch's own kernels hand out their temporaries by the same operation.
    """
    fresh: Tensor = torch.ops.aten._unsafe_view.default(y, size)
    return fresh


def is_transformed(t: Tensor) -> bool:
    """Whether t is inside ``torch.func.grad``, ``jvp`` or ``vmap``, where its values may not be looked at."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(t))


def is_plain(t: Tensor) -> bool:
    """Whether t is an ordinary tensor run eagerly, whose sizes may be branched on and whose slices written to."""
    if torch.compiler.is_compiling():
        return False
    # The number of modes first: usually there are none, and it is asked at every step of a layer.
    if torch._C._len_torch_dispatch_stack() and any(torch._C._get_dispatch_mode(mode) is not None for mode in TRACING):
        return False
    return not is_wrapped(t)


def is_traced(t: Tensor) -> bool:
    """Whether what is computed with t becomes a graph, which must not grow with the taps, nor branch on sizes."""
    return not is_plain(t) and not is_wrapped(t)


def is_unrecorded(*tensors: Tensor) -> bool:
    """Whether plain tensors are computed with for their values alone: no mode of differentiation looks on."""
    return not torch.is_grad_enabled() and forward_ad._current_level < 0 and all(is_plain(t) for t in tensors)


def is_wrapped(t: Tensor) -> bool:
    """Whether t stands for another tensor, of ``torch.func`` or of the old vmap, whose memory is not to be seen."""
    return is_transformed(t) or bool(torch._C._functorch.is_legacy_batchedtensor(t))


def hides_memory(t: Tensor) -> bool:
    """Whether a transform hides from view how t lies in memory; while compiling, nothing does."""
    return not torch.compiler.is_compiling() and is_wrapped(t)


def mapped_levels(t: Tensor) -> set[int]:
    """The levels of ``torch.func.vmap`` at which t has a value for each sample; none known while compiling."""
    levels: set[int] = set()
    if torch.compiler.is_compiling():
        return levels
    while torch._C._functorch.is_functorch_wrapped_tensor(t):
        if torch._C._functorch.is_batchedtensor(t):
            levels.add(torch._C._functorch.maybe_get_level(t))
        t = torch._C._functorch.get_unwrapped(t)
    return levels


def overwrite(kept: Tensor, new: Tensor) -> None:
    """``kept ← new`` for statistics that are no part of a derivative.

    ``torch.func`` refuses to write to a tensor its function captured, but torch's own batch norm does: at the bottom of
    all levels, where there is nothing to differentiate.  Samples of a vmap stay at their level.
    """
    if torch.compiler.is_compiling() or not transforms_active() or mapped_levels(kept) or mapped_levels(new):
        kept.copy_(new)
        return
    kept, new = _innermost(kept), _innermost(new)
    with torch._functorch.pyfunctorch.temporarily_clear_interpreter_stack():
        kept.copy_(new)


def _innermost(t: Tensor) -> Tensor:
    while torch._C._functorch.is_functorch_wrapped_tensor(t):
        t = torch._C._functorch.get_unwrapped(t)
    return t


def transforms_active() -> bool:
    """Whether this runs inside ``torch.func.grad``, ``jvp`` or ``vmap``; Dynamo knows it while tracing, too."""
    return bool(torch._C._are_functorch_transforms_active())


class _Bound:
    """Arguments that are all there."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.args, self.kwargs = args, dict[str, Any]()

    def apply_defaults(self) -> None:
        """There are none."""


class _Given(Signature):
    """The signature of a rule that is always called with all its arguments, in order: nothing to look up."""

    def bind(self, *args: Any, **_: Any) -> Any:
        """As they came."""
        return _Bound(args)


def given(forward: Callable[..., Any]) -> Callable[..., Any]:
    """A forward rule spared the look-up of its defaults.

    ``Function.apply`` binds them by ``inspect.signature`` on each call, which costs more than a small layer; a
    signature that stands beside the function is taken as it is.  A copy: Dynamo reads the true signature.
    """
    assert isinstance(forward, FunctionType)
    copy = FunctionType(forward.__code__, forward.__globals__, forward.__name__, None, forward.__closure__)
    copy.__dict__.update(forward.__dict__, __doc__=forward.__doc__, __signature__=_Given())
    return copy


def channels_last_format(t: Tensor) -> torch.memory_format:
    """The memory format torch's layers give to the output of an input like t: channels_last or contiguous.

    Steps must grow in the order channels, width, height, depth, samples; one channel of one position decides nothing
    and is contiguous.  The old vmap of gradcheck hides steps from view.
    """
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    hidden = not torch.compiler.is_compiling() and torch._C._functorch.is_legacy_batchedtensor(t)
    if hidden or t.dim() not in formats or t.stride(1) == 0:
        return torch.contiguous_format
    reached = 0
    for axis in (1, *range(t.dim() - 1, 1, -1), 0):
        size, step = t.shape[axis], t.stride(axis)
        if size == 0 or step < reached or (axis == 0 and reached == t.stride(1)):
            return torch.contiguous_format
        reached = step * size if size > 1 else step
    return formats[t.dim()]


def backward_is_dropped() -> bool:
    """Whether Dynamo traces inside ``torch.func``, where it drops a Function's backward and derives its forward."""
    return torch.compiler.is_compiling() and bool(torch._C._are_functorch_transforms_active())


def may_be_differentiated(*tensors: Tensor | None) -> bool:
    """Whether a derivative by these tensors can be asked for, at this or an outer level of ``torch.func``."""
    if torch._C._are_functorch_transforms_active():
        return True
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


def apply(function: type[Function], args: tuple[Any, ...]) -> Any:
    """``function.apply(*args)``; its forward alone where no mode of differentiation could ask for more."""
    if transforms_active():
        return function.apply(*args)
    if not torch.is_grad_enabled() and forward_ad._current_level < 0:
        return function.forward(*args)
    return super(Function, function).apply(*torch._functorch.utils.unwrap_dead_wrappers(args))  # type: ignore[misc]


def any_autocast() -> bool:
    """Whether an autocast block of any device is active."""
    return bool(torch._C._is_any_autocast_enabled())


def forward_mode_on() -> AbstractContextManager[Any]:
    """Forward mode switched on again inside a jvp rule, where torch has it off."""
    on: AbstractContextManager[Any] = forward_ad._set_fwd_grad_enabled(True)
    return on


def without_tangent(t: Tensor | None) -> Tensor | None:
    """The primal of a tensor at the current level of forward mode; the levels around it keep theirs."""
    return None if t is None else forward_ad.unpack_dual(t, level=0).primal


@cache
def thread_team() -> Callable[[Callable[[], None], int], None] | None:
    """What runs a function on n of torch's threads at once, the caller's among them; None where it cannot be asked.

    Torch's wheels for Linux bring GNU's OpenMP, whose threads are reached by the entry point that its compiler calls.
    """
    libraries = list((Path(torch.__file__).parent / "lib").glob("libgomp*.so*"))
    try:
        region = ctypes.CDLL(str(libraries[0])).GOMP_parallel
    except (IndexError, OSError, AttributeError):
        return None
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    region.argtypes, region.restype = (entry, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint), None

    def together(work: Callable[[], None], workers: int) -> None:
        region(entry(lambda _: work()), None, workers, 0)

    return together


#: Operations that torch reaches under private names too.
UNDERSCORED: dict[str, Callable[..., Any]] = {
    "convolution": torch._convolution,
    "convolution_mode": torch._convolution_mode,
    "softmax": torch._softmax,
    "log_softmax": torch._log_softmax,
    **{
        name.strip("_"): getattr(torch._C._nn, name)
        for name in (
            "max_pool2d_with_indices",
            "max_pool3d_with_indices",
            "max_unpool2d",
            "max_unpool3d",
            "im2col",
            "col2im",
            "pad",
            "_pad_circular",
        )
    },
    **{
        name: getattr(torch._C._nn, name)
        for name in (
            "cross_entropy_loss",
            "nll_loss_nd",
            "nll_loss",
            "nll_loss2d",
            "binary_cross_entropy",
            "mse_loss",
            "l1_loss",
            "smooth_l1_loss",
            "huber_loss",
        )
    },
    **{
        name: getattr(torch._C._nn, name)
        for kind in ("elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu6", "silu")
        for name in (kind, f"{kind}_")
    },
    **{
        f"{kind}_pad{ndim}d": getattr(torch._C._nn, f"{kind}_pad{ndim}d")
        for kind in ("reflection", "replication")
        for ndim in (1, 2, 3)
    },
    **{f"adaptive_avg_pool{ndim}d": getattr(torch._C._nn, f"adaptive_avg_pool{ndim}d") for ndim in (2, 3)},
    **{f"adaptive_max_pool{ndim}d": getattr(torch._C._nn, f"adaptive_max_pool{ndim}d") for ndim in (2, 3)},
    **{f"fractional_max_pool{ndim}d": getattr(torch._C._nn, f"fractional_max_pool{ndim}d") for ndim in (2, 3)},
    **{f"_adaptive_avg_pool{ndim}d": getattr(torch, f"_adaptive_avg_pool{ndim}d") for ndim in (2, 3)},
}


def function_modes() -> list[torch.overrides.TorchFunctionMode]:
    """The torch-function modes active in this thread, outermost first."""
    modes: list[torch.overrides.TorchFunctionMode] = torch.overrides._get_current_function_mode_stack()
    return modes


def takes_functions(operation: Any) -> bool:
    """Whether an operation is one of those that run functions (``torch.cond``; under Dynamo also ``checkpoint``)."""
    return operation is checkpoint.checkpoint or isinstance(operation, torch._ops.HigherOrderOperator)


def hand_to_checkpoints(prepared: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Have ``torch.utils.checkpoint`` run, and later run again, ``prepared(function)`` instead of its function.

    A recomputation happens in the backward pass, where no ``with`` block of the forward is active any more; torch has a
    place to re-enter one (``context_fn``), but only for the caller of ``checkpoint`` and only without reentry.
    """
    reentrant = checkpoint.CheckpointFunction.forward

    def forward(ctx: Any, run_function: Callable[..., Any], *args: Any) -> Any:
        return reentrant(ctx, prepared(run_function), *args)

    setattr(checkpoint.CheckpointFunction, "forward", staticmethod(forward))  # noqa: B010  # mypy knows it as a method
    # Earlier releases have the first name only.
    name = "_checkpoint_without_reentrant_generator"
    name = f"{name}_impl" if hasattr(checkpoint, f"{name}_impl") else name
    generator = getattr(checkpoint, name)
    setattr(checkpoint, name, lambda fn, *args, **kwargs: generator(prepared(fn), *args, **kwargs))


def constant_while_tracing(rule: Callable[[], T]) -> Callable[[], T]:
    """A rule that Dynamo runs as it is while it traces, and whose result it takes for a constant.

    What ``torch.compiler.assume_constant_result`` does, which would import Dynamo.
    """
    rule._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return rule


def dispatch_modes_active() -> bool:
    """Whether any mode sees the operators that run: a tracer, a counter, a logger."""
    return bool(torch._C._len_torch_dispatch_stack())


def flop_counters() -> list[Any]:
    """The ``FlopCounterMode`` blocks that are open, outermost first."""
    stack: list[Any] = getattr(torch.utils._python_dispatch, "_get_current_dispatch_mode_stack", list)()
    # Earlier releases have no mode beside the counter.
    counters = (getattr(mode, "counter", mode) for mode in stack)
    return [counter for counter in counters if hasattr(counter, "flop_counts") and hasattr(counter, "mod_tracker")]
