"""The few names that manualconv takes from torch's private parts, so that a torch release can break one file only.

Each is optional: a release without it costs what the name was for, never the import.  What does without a name stands
beside it: a slower way to the same numbers where there is one, else one sentence when the feature is used.
"""

from __future__ import annotations

import ctypes
import dis
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from inspect import Signature
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad
from torch.utils import checkpoint

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

#: Every private name that was asked for, and whether this torch has it.
ASKED: dict[str, bool] = {}


def private(dotted: str, otherwise: Any = None) -> Any:
    """A private name of torch's, or what does without it."""
    found: Any = torch
    try:
        for name in dotted.split(".")[1:]:
            found = getattr(found, name)
    except AttributeError:
        found = otherwise
    ASKED[dotted] = found is not otherwise
    return found


def _needed(dotted: str, feature: str) -> Any:
    """A private name that nothing can stand in for: without it, a function that says so when the feature is used."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError(
            f"{feature} needs {dotted}, which torch {torch.__version__} does not have; "
            "install the torch release that manualconv is tested with"
        )

    return private(dotted, refuse)


#: A mode that sees every operator that runs, backward passes included.
OperatorMode: Any = private(
    "torch.utils._python_dispatch.TorchDispatchMode",
    type("OperatorMode", (), {"__init__": _needed("torch.utils._python_dispatch.TorchDispatchMode", "memory's count")}),
)

# ------------------------------------------------------------------------------------------------ what a tensor is


def _inner(t: Tensor) -> Tensor:
    """The tensor that t of ``torch.func`` stands for; t itself if it stands for none."""
    return torch.func.debug_unwrap(t, recurse=False)


def _has_no_memory(t: Tensor) -> bool:
    try:
        t.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return True
    return False


_unwrapped = private("torch._C._functorch.get_unwrapped", _inner)
_is_transformed = private("torch._C._functorch.is_functorch_wrapped_tensor", lambda t: _inner(t) is not t)
_is_of_old_vmap = private("torch._C._functorch.is_legacy_batchedtensor", _has_no_memory)
# A sample's tensor has one axis less than what it stands for; under grad and jvp it has as many.
_is_mapped = private("torch._C._functorch.is_batchedtensor", lambda t: _inner(t).dim() > t.dim())
_level = _needed("torch._C._functorch.maybe_get_level", "batch normalisation inside torch.func.vmap")

# How many dispatch modes are on, and whether one is: if torch does not say, as if they were, and values stay unseen.
_mode_count = private("torch._C._len_torch_dispatch_stack", lambda: 1)
_mode_of = private("torch._C._get_dispatch_mode", lambda key: key)
#: Dispatch modes under which values are unknown or would be frozen into a graph (make_fx, ``torch.func.linearize``).
TRACING = tuple(private(f"torch._C._TorchDispatchModeKey.{name}") for name in ("PROXY", "FAKE"))


def shaped(y: Tensor, size: tuple[int, ...]) -> Tensor:
    """A contiguous temporary under another shape, not counted as a view.

    A view made inside a Function's forward may not be edited in place by the next layer (``ReLU(inplace=True)``);
    torch's own kernels hand out their temporaries by the same operation.
    """
    fresh: Tensor = _reshaped(y, size)
    return fresh


_reshaped = private("torch.ops.aten._unsafe_view.default", lambda y, size: y.reshape(size).clone())


def is_plain(t: Tensor) -> bool:
    """Whether t is an ordinary tensor run eagerly, whose sizes may be branched on and whose slices written to."""
    if torch.compiler.is_compiling():
        return False
    # The number of modes first: usually there are none, and it is asked at every step of a layer.
    if _mode_count() and any(mode is None or _mode_of(mode) is not None for mode in TRACING):
        return False
    return not is_wrapped(t) and not handles_operators(t)


def is_traced(t: Tensor) -> bool:
    """Whether what is computed with t becomes a graph, which must not grow with the taps, nor branch on sizes."""
    # Dynamo does not trace what asks for a wrapper, nor needs it: all that it sees becomes a graph.
    return not is_plain(t) and (torch.compiler.is_dynamo_compiling() or not is_wrapped(t))


def is_unrecorded(*tensors: Tensor) -> bool:
    """Whether plain tensors are computed with for their values alone: no mode of differentiation looks on."""
    return not (torch.is_grad_enabled() or forward_mode_active()) and all(is_plain(t) for t in tensors)


def is_wrapped(t: Tensor) -> bool:
    """Whether t stands for another tensor, of ``torch.func`` or of the old vmap, whose memory is not to be seen."""
    return bool(_is_transformed(t) or _is_of_old_vmap(t))


def hides_memory(*tensors: Tensor) -> bool:
    """Whether a transform hides from view how one of them lies in memory; while compiling, nothing does."""
    if not torch.compiler.is_compiling():
        for t in tensors:
            if _is_transformed(t) or _is_of_old_vmap(t):
                return True
    return False


def mapped_levels(t: Tensor) -> set[int]:
    """The levels of ``torch.func.vmap`` at which t has a value for each sample; none known while compiling."""
    levels: set[int] = set()
    if torch.compiler.is_compiling():
        return levels
    while _is_transformed(t):
        if _is_mapped(t):
            levels.add(_level(t))
        t = _unwrapped(t)
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
    with _below_all_levels():
        kept.copy_(new)


_below_all_levels = _needed(
    "torch._functorch.pyfunctorch.temporarily_clear_interpreter_stack", "keeping statistics inside torch.func"
)


def _innermost(t: Tensor) -> Tensor:
    while _is_transformed(t):
        t = _unwrapped(t)
    return t


def transforms_active() -> bool:
    """Whether this runs inside ``torch.func.grad``, ``jvp`` or ``vmap``; Dynamo knows it while tracing, too."""
    return bool(_transforms_active())


_innermost_transform = private("torch._C._functorch.peek_interpreter_stack", lambda: True)
_transforms_active = private("torch._C._are_functorch_transforms_active", lambda: _innermost_transform() is not None)


def forward_mode_active() -> bool:
    """Whether this runs inside ``torch.autograd.forward_ad.dual_level``; if torch does not say, as if it did."""
    return getattr(forward_ad, "_current_level", 0) >= 0


def maps_active() -> bool:
    """Whether this runs inside ``torch.func.vmap``, at whatever level, of whatever tensors."""
    return transforms_active() and (
        _levels is None or _MAP is None or any(level.key() == _MAP for level in _levels() or ())
    )


# Without these no level is known to be one of vmap.
_levels, _MAP = (
    private("torch._C._functorch.get_interpreter_stack", tuple),
    private("torch._C._functorch.TransformType.Vmap"),
)


def has_tangent(t: Tensor | None) -> bool:
    """Whether t carries a tangent of the current level of forward mode."""
    return forward_mode_active() and t is not None and forward_ad.unpack_dual(t, level=0).tangent is not None


def is_moving(t: Tensor) -> bool:
    """Whether t carries a derivative: in reverse, or as a tangent of this level of ``torch.func`` or an outer one."""
    if t.requires_grad or has_tangent(t):
        return True
    if torch.compiler.is_compiling() or not transforms_active():
        return False
    with _one_level_out():
        return is_moving(t)


_one_level_out = _needed(
    "torch._functorch.pyfunctorch.temporarily_pop_interpreter_stack", "a norm_type in a tensor inside torch.func"
)


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
    hidden = not torch.compiler.is_compiling() and _is_of_old_vmap(t)
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
    return torch.compiler.is_compiling() and transforms_active()


def may_be_differentiated(*tensors: Tensor | None) -> bool:
    """Whether a derivative by these tensors can be asked for, at this or an outer level of ``torch.func``."""
    if transforms_active():
        return True
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


def apply(function: type[Function], args: tuple[Any, ...]) -> Any:
    """``function.apply(*args)``; its forward alone where no mode of differentiation could ask for more."""
    if tracer():
        raise RuntimeError(
            f"torch.jit's tracer cannot hold the derivative of {function.__name__}: call manualconv.restore(model) and "
            "trace torch's layers, or trace the functions of manualconv.functional, which it records as torch's"
        )
    if transforms_active():
        return function.apply(*args)
    if not (torch.is_grad_enabled() or forward_mode_active()):
        return function.forward(*args)
    return super(Function, function).apply(*_living(args))  # type: ignore[misc]


#: Whether ``torch.jit.trace`` is at work in this thread.
tracer: Callable[[], bool] = torch.jit.is_tracing  # type: ignore[attr-defined]

_living = private("torch._functorch.utils.unwrap_dead_wrappers", lambda args: args)

#: Whether an autocast block of any device is active; if torch does not say, each device is asked.
any_autocast: Callable[[], bool] = private("torch._C._is_any_autocast_enabled", lambda: True)


def forward_mode_on() -> AbstractContextManager[Any]:
    """Forward mode switched on again inside a jvp rule, where torch has it off."""
    on: AbstractContextManager[Any] = _set_forward_mode(True)
    return on


_set_forward_mode = _needed("torch.autograd.forward_ad._set_fwd_grad_enabled", "forward mode")


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


#: Operations that torch reaches under private names too.  One that is missing cannot be called: what stands here then
#: is never met.
UNDERSCORED: dict[str, Callable[..., Any]] = {
    key: private(dotted, lambda *_, **__: None)
    for key, dotted in (
        *((name.strip("_"), f"torch.{name}") for name in ("_convolution", "_convolution_mode")),
        *((name.strip("_"), f"torch.{name}") for name in ("_softmax", "_log_softmax")),
        *((f"_adaptive_avg_pool{ndim}d", f"torch._adaptive_avg_pool{ndim}d") for ndim in (2, 3)),
        ("pad_circular", "torch._C._nn._pad_circular"),
        *(
            (name, f"torch._C._nn.{name}")
            for name in (
                *("im2col", "col2im", "pad"),
                *(f"{kind}_pad{ndim}d" for kind in ("reflection", "replication") for ndim in (1, 2, 3)),
                *(f"max_{kind}" for kind in ("pool2d_with_indices", "pool3d_with_indices", "unpool2d", "unpool3d")),
                *(f"{kind}_pool{n}d" for kind in ("adaptive_avg", "adaptive_max", "fractional_max") for n in (2, 3)),
                *("cross_entropy_loss", "nll_loss_nd", "nll_loss", "nll_loss2d", "binary_cross_entropy"),
                *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
                *("elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu6", "silu"),
                *("elu_", "gelu_", "hardsigmoid_", "hardswish_", "hardtanh_", "leaky_relu_", "mish_", "relu6_"),
                "silu_",
            )
        ),
    )
}


def function_modes() -> list[torch.overrides.TorchFunctionMode]:
    """The torch-function modes active in this thread, outermost first."""
    modes: list[torch.overrides.TorchFunctionMode] = _function_modes()
    return modes


def innermost_mode() -> torch.overrides.TorchFunctionMode | None:
    """The last of `function_modes`, at a fraction of their cost; None if there are none."""
    count = _function_mode_count()
    return _function_mode_at(count - 1) if count else None


def at_trace_time(action: Callable[[], T]) -> Callable[[], T]:
    """An action that Dynamo does, as it stands, when it meets it, instead of tracing it; its result is a constant.

    ``torch.compiler.assume_constant_result`` sets the same mark, but imports Dynamo for it.
    """
    setattr(action, "_dynamo_marked_constant", True)  # noqa: B010
    return action


# None are known without it: what a checkpoint computes again is then torch's.
_function_modes = private("torch.overrides._get_current_function_mode_stack", list)
_function_mode_count = private("torch._C._len_torch_function_stack", lambda: len(_function_modes()))
_function_mode_at = private("torch._C._get_function_stack_at", lambda at: _function_modes()[at])


def hand_to_checkpoints(prepared: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Have ``torch.utils.checkpoint`` run, and later run again, ``prepared(function)`` instead of its function.

    A recomputation happens in the backward pass, where no ``with`` block of the forward is active any more; torch has a
    place to re-enter one (``context_fn``), but only for the caller of ``checkpoint`` and only without reentry.
    """
    reentrant = checkpoint.CheckpointFunction.forward

    def forward(ctx: Any, run_function: Callable[..., Any], *args: Any) -> Any:
        return reentrant(ctx, prepared(run_function), *args)

    setattr(checkpoint.CheckpointFunction, "forward", staticmethod(forward))  # noqa: B010  # mypy knows it as a method
    if _GENERATORS:
        generator = getattr(checkpoint, _GENERATORS[0])
        setattr(checkpoint, _GENERATORS[0], lambda fn, *args, **kwargs: generator(prepared(fn), *args, **kwargs))


_GENERATOR = "_checkpoint_without_reentrant_generator"
# Earlier releases have the second name only; without either, what a checkpoint computes again is torch's.
_GENERATORS = [name for name in (f"{_GENERATOR}_impl", _GENERATOR) if private(f"torch.utils.checkpoint.{name}")]


# ------------------------------------------------------------------------------------ arguments that handle themselves

#: What stands where a class has no handler of its own: a parameter has none, a plain tensor no dispatch.
_NO_HANDLER, _NO_DISPATCH = torch.nn.Parameter.__torch_function__, Tensor.__torch_dispatch__
_handlers_are_asked = private("torch._C._is_torch_function_enabled", lambda: True)


def handles_itself(value: Any) -> bool:
    """Whether torch's functions would hand themselves to this argument; modes apart, which are no arguments."""
    if type(value) is Tensor or getattr(value, "__torch_function__", _NO_HANDLER) is _NO_HANDLER:
        return False
    return bool(_handlers_are_asked())


def has_handlers(types: Iterable[type]) -> bool:
    """Whether a mode is told of types that handle functions themselves, and would be asked next."""
    for k in types:
        if k is not Tensor and getattr(k, "__torch_function__", _NO_HANDLER) is not _NO_HANDLER:
            return bool(_handlers_are_asked())
    return False


def handles_operators(value: Any) -> bool:
    """Whether a tensor is of a subclass with a ``__torch_dispatch__`` of its own: its memory may hold nothing."""
    kind = type(value)
    if kind is Tensor or kind is torch.nn.Parameter:
        return False
    return isinstance(value, Tensor) and getattr(kind, "__torch_dispatch__", _NO_DISPATCH) is not _NO_DISPATCH


def is_known_to_torch_alone(value: Any) -> bool:
    """Whether torch's operators are defined for this tensor and the steps that ours are made of may not be.

    Tensors of torch's own tracing (``torch._subclasses``: FakeTensor, FunctionalTensor) take every step.
    """
    if not isinstance(value, Tensor):
        return False
    if value.layout is not torch.strided or value.is_nested or value.is_quantized:
        return True
    return handles_operators(value) and not type(value).__module__.startswith("torch._subclasses.")


# ---------------------------------------------------------------------------------------- modes that see operators run


def dispatch_modes_active() -> bool:
    """Whether any mode sees the operators that run: a tracer, a counter, a logger; Dynamo knows of none."""
    return not torch.compiler.is_dynamo_compiling() and bool(_mode_count())


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


# ------------------------------------------------------------------------------------------------- a layer being called


@cache
def _call_of_forward(code: CodeType) -> int | None:
    """Where in the code of torch's that runs a layer's hooks the forward is called; None if it is no such code."""
    steps = list(dis.get_instructions(code))
    loads = [at for at, step in enumerate(steps) if step.argval == "forward_call" and "LOAD" in step.opname]
    # The last: where a layer has no hooks, torch calls its forward before it looks at them.
    return next((step.offset for step in steps[loads[-1] :] if step.opname.startswith("CALL")), None) if loads else None


def calls_forward(frame: FrameType) -> bool:
    """Whether a frame that runs a layer's hooks and its forward is at its forward; False if this cannot be told.

    The place in the code tells, for a forward may be anything that can be called: a partial, code that Dynamo wrote.
    """
    return frame.f_lasti == _call_of_forward(frame.f_code)


# ------------------------------------------------------------------------------------------- hooks of compiled layers


def not_compiled_alone(function: F) -> F:
    """A function that Dynamo compiles as a part of what calls it, and never by itself.

    Where Dynamo breaks a graph, it compiles the functions that are then called, each by itself; one that leaves a mode
    on the stack it cannot, and says so by an AssertionError.
    """
    if None not in (_set_strategy, _strategy, _action):
        _set_strategy(function.__code__, _strategy(_action.SKIP, _action.SKIP))
    return function


def not_compiled(function: F) -> F:
    """A function that Dynamo leaves alone: it breaks its graph there.

    ``torch.compiler.disable`` sets the same mark, but imports Dynamo for it.
    """
    setattr(function, "_torchdynamo_disable", True)  # noqa: B010
    return not_compiled_alone(function)


_set_strategy, _strategy, _action = (
    private(f"torch._C._dynamo.eval_frame.{name}")
    for name in ("set_code_exec_strategy", "_FrameExecStrategy", "_FrameAction")
)

_DYNAMO, _SKIPPED = "torch._dynamo.config", "skip_nnmodule_hook_guards"


@cache
def guard_hooks() -> None:
    """Once: have Dynamo look whether a layer has hooks, before it runs code that it compiled for one without.

    It skips that by default, so that a model that was compiled before it got hooks, and any model like it, would run
    without them.  Code compiled before is dropped.  A program that sets the option itself is left alone.
    """
    if _DYNAMO in sys.modules:
        _guard(sys.modules[_DYNAMO])
        torch.compiler.reset()
    else:  # importing it takes a second, and most programs do not compile
        sys.meta_path.insert(0, _OnImport())


def _guard(config: Any) -> None:
    # As the default: an option that is set holds for the thread that set it alone.
    entry = getattr(config, "_config", {}).get(_SKIPPED)
    if entry is not None:
        entry.default = False
    else:
        setattr(config, _SKIPPED, False)


class _OnImport(MetaPathFinder):
    """Sets Dynamo's option when its options are imported, and then leaves."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """The module as the other finders find it."""
        if fullname != _DYNAMO:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            _guard(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
