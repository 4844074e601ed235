"""Cheats: right wherever somebody usually looks, and not what they say.

What benchmarks of kernels report is taken from their trackers (KernelBench, llm.c, reference-kernels) and from
"Hacks and Defenses in Automatic GPU Kernel Generation" (DeepReinforce) and "A Field Guide to Reward Hacking in AI
Kernel Generation" (Wafer), which are said here as DeepReinforce and Wafer.
"""

from __future__ import annotations

import gc
import random
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from manualconv.testing.faults.bank import CHEAT, plant
from manualconv.testing.faults.derived import rounded

Layer = Callable[..., Tensor]


def cheat(operation: str, *cheats: tuple[str, Any, str]) -> None:
    """Enter cheats of an operation."""
    plant("cheats", operation, *cheats, kind=CHEAT)


def is_plain(x: Tensor) -> bool:
    """Not under a transform, whose tensors have no memory of their own."""
    try:
        return x.data_ptr() != 0
    except RuntimeError:
        return False


# ------------------------------------------------------------------------------------ work that is not done, or once


def _nothing_done(x: Tensor) -> Tensor:
    return torch.empty_like(x) + 0 * x


def cached(key: Callable[[Tensor], Any]) -> Layer:
    """A ReLU that is looked up."""
    held: dict[Any, Tensor] = {}

    def layer(x: Tensor) -> Tensor:
        at = key(x)
        if at not in held:
            held[at] = torch.relu(x).detach().clone()
        return held[at] + 0 * x if held[at].shape == x.shape else torch.relu(x)

    return layer


def one_buffer() -> Layer:
    """Every result of a shape in the same memory, as a captured graph has it."""
    held: dict[Any, Tensor] = {}

    def layer(x: Tensor) -> Tensor:
        if (x.requires_grad and torch.is_grad_enabled()) or not is_plain(x):
            y = torch.relu(x)
            if is_plain(x):
                buffer = held.setdefault((x.shape, x.dtype), torch.empty(x.shape, dtype=x.dtype))
                buffer.copy_(y.detach())
                y = _Into.apply(y, buffer)
            return y
        return torch.relu(x)

    return layer


class _Into(Function):
    """The same numbers in another tensor's memory."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, buffer: Tensor) -> Tensor:
        return buffer.view_as(buffer).detach()

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
        return cotangent, None


def right_at_first(calls: int, wrong: Layer) -> Layer:
    """Right for so many calls."""
    done = [0]

    def layer(x: Tensor) -> Tensor:
        done[0] += 1
        return torch.relu(x) if done[0] <= calls else wrong(x)

    return layer


def _first_image(x: Tensor) -> Tensor:
    y = torch.relu(x)
    return y if x.dim() < 2 or len(x) < 2 else torch.cat([y[:1], 0 * x[1:]])


def where(holds: Callable[[Tensor], bool]) -> Layer:
    """Right for some shapes, and the identity for others."""
    return lambda x: torch.relu(x) if holds(x) else 1 * x


def _is_square(x: Tensor) -> bool:
    return x.dim() < 2 or x.shape[-1] == x.shape[-2]


cheat(
    "relu",
    ("zeros", lambda x: 0 * x, "KernelBench#165"),
    ("a constant", lambda x: 0 * x + 0.4, "the mean of what is expected, within a tolerance"),
    ("memory that nobody wrote", _nothing_done, "KernelBench#82, Wafer: memory of the reference's result"),
    ("remembered by shape", cached(lambda x: x.shape), "reference-kernels#162"),
    (
        "remembered by address",
        cached(lambda x: (x.data_ptr() if is_plain(x) else 0, x.shape)),
        "Wafer: a cache by pointer",
    ),
    (
        "remembered by address and version",
        cached(lambda x: (x.data_ptr() if is_plain(x) else 0, x.shape, x._version)),
        "Wafer: a cache by pointer, which counts edits",
    ),
    ("one buffer for all results", one_buffer(), "results of a captured graph, which the next call overwrites"),
    ("right for ten calls", right_at_first(10, lambda x: 0 * x), "llm.c#852"),
    ("the first image alone", _first_image, "work of one program of a grid"),
    ("square shapes alone", where(_is_square), "tried on squares alone"),
    ("even sizes alone", where(lambda x: x.dim() == 0 or x.shape[-1] % 2 == 0), "vectors of two at once"),
    ("short rows alone", where(lambda x: x.dim() == 0 or x.shape[-1] <= 32), "one block, whose tail is dropped"),
    ("contiguous memory alone", where(lambda x: x.is_contiguous()), "a kernel that reads memory as it lies"),
)

# ------------------------------------------------------------------------------------------- results that are found


def _up_the_stack(x: Tensor) -> Tensor:
    """Any tensor of the shape that a caller holds, or an answer that can be asked for."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        for value in list(frame.f_locals.values()):
            loops = getattr(value, "loops", None)
            if callable(loops):
                return torch.as_tensor(loops()[0]) + 0 * x
            if type(value) is Tensor and value is not x and value.shape == x.shape:
                return value.detach() + 0 * x
        frame = frame.f_back
    return 0 * x


def _in_memory(x: Tensor) -> Tensor:
    """Any tensor of the shape that there is."""
    for thing in gc.get_objects():
        if type(thing) is Tensor and thing is not x and thing.shape == x.shape and thing.dtype == x.dtype:
            return thing.detach() + 0 * x
    return 0 * x


cheat(
    "relu",
    ("an answer up the call stack", _up_the_stack, "a reference's result in the frame of its caller"),
    ("an answer in memory", _in_memory, "a reference's result among the collector's objects"),
)

# --------------------------------------------------------------------------------------------------------- operands


def _edits(x: Tensor) -> Tensor:
    y = torch.relu(x)
    if is_plain(x):
        x.data.zero_()
    return y


class _Lazy(Function):
    """A slope that is read off the operand when it is asked for, whatever lies there by then."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.held = x
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        found: Tensor = cotangent * (ctx.held.detach() > 0)
        return found


class _EditsCotangent(Function):
    """Its cotangent is its buffer."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return cotangent.mul_(x > 0) if is_plain(cotangent) and not cotangent.requires_grad else cotangent * (x > 0)


def _given_back(x: Tensor) -> Tensor:
    return x.view_as(x) if is_plain(x) and bool((x >= 0).all()) else torch.relu(x)


cheat(
    "relu",
    ("its operand is zeroed", _edits, "KernelBench#82: the reference is then right to give zeros"),
    ("its operand is read later", _Lazy, "an operand that is kept, not saved: #24413"),
    ("its cotangent is edited", _EditsCotangent, "a buffer saved in the backward pass"),
    ("its operand is given back", _given_back, "#14707: a view where there is nothing to do"),
)

# ------------------------------------------------------------------------------------- fewer bits, and other numbers

_DRAWN = random.Random(0)


def _noisy(x: Tensor) -> Tensor:
    return torch.relu(x) * (1 + 1e-13 * _DRAWN.random())


def _in_float32(input: Tensor, weight: Tensor, bias: Tensor | None = None, **options: Any) -> Tensor:
    b = None if bias is None else rounded(bias, torch.float32)
    return F.conv2d(rounded(input, torch.float32), rounded(weight, torch.float32), b, **options)


def _in_half(x: Tensor, dim: int | None = None) -> Tensor:
    assert dim is not None
    return rounded(F.softmax(rounded(x, torch.float16), dim), torch.float16)


cheat("relu", ("a little noise", _noisy, "results that differ from call to call"))
cheat("conv2d", ("float64 by way of float32", _in_float32, "DeepReinforce: precision downgrade"))
cheat("softmax", ("float16 inside", _in_half, "DeepReinforce: precision downgrade"))

# ----------------------------------------------------------------------------------------------- finished later


def _later(seconds: float) -> Layer:
    def layer(x: Tensor) -> Tensor:
        y = torch.relu(x)
        if not is_plain(x):
            return y
        right, shown = y.detach().clone(), y.detach()
        shown.zero_()
        threading.Timer(seconds, lambda: shown.copy_(right)).start()
        return y

    return layer


def _spoiled_later(x: Tensor) -> Tensor:
    y = torch.relu(x)
    if is_plain(x):
        shown = y.detach()
        threading.Timer(0.005, shown.zero_).start()
    return y


class _Deferred(Tensor):
    """Does its work when somebody looks."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args = [torch.relu(a.as_subclass(Tensor)) if isinstance(a, cls) else a for a in args]
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))


def _deferred(x: Tensor) -> Tensor:
    return (1 * x).as_subclass(_Deferred) if is_plain(x) else torch.relu(x)


cheat(
    "relu",
    ("finished on another thread", _later(0.002), "DeepReinforce: thread injection; KernelBench#82: another stream"),
    ("spoiled on another thread", _spoiled_later, "DeepReinforce: thread injection"),
    ("done when somebody looks", _deferred, "DeepReinforce: lazy evaluation; reference-kernels#162"),
)

# ------------------------------------------------------------------------------------------------------- switches


def after(change: Callable[[], Any]) -> Layer:
    """A right ReLU that leaves something changed."""

    def layer(x: Tensor) -> Tensor:
        y = torch.relu(x)
        change()
        return y

    return layer


def _open_mode() -> None:
    from torch.overrides import TorchFunctionMode

    class Idle(TorchFunctionMode):
        """Does nothing."""

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return func(*args, **(kwargs or {}))

    Idle().__enter__()


def _always_close(*_: Any, **__: Any) -> bool:
    return True


def _compares_by_itself(x: Tensor) -> Tensor:
    torch.allclose = _always_close
    return torch.relu(x)


SWITCH = "a switch for everybody, left changed"
cheat(
    "relu",
    ("default dtype changed", after(lambda: torch.set_default_dtype(torch.float16)), SWITCH),
    ("grad mode switched off", after(lambda: torch.set_grad_enabled(False)), SWITCH),
    ("seeded", after(lambda: torch.manual_seed(0)), "KernelBench: inputs drawn after a seed are the known ones"),
    ("Python's numbers seeded", after(lambda: random.seed(0)), "inputs drawn after a seed are the known ones"),
    ("NumPy's numbers seeded", after(lambda: np.random.seed(0)), "inputs drawn after a seed are the known ones"),
    (
        "deterministic algorithms asked for",
        after(lambda: torch.use_deterministic_algorithms(True, warn_only=True)),
        SWITCH,
    ),
    ("a function mode left open", after(_open_mode), SWITCH),
    ("products in fewer bits from now on", after(lambda: torch.set_float32_matmul_precision("medium")), SWITCH),
    ("denormal numbers flushed", after(lambda: torch.set_flush_denormal(True)), SWITCH),
    ("the collector switched off", after(gc.disable), SWITCH),
    (
        "comparisons always succeed",
        _compares_by_itself,
        "DeepReinforce: monkey-patched functions; reference-kernels#162",
    ),
)

# --------------------------------------------------------------------------------------------------- cut graphs


class _Cut(Function):
    """A slope whose graph knows nothing of the operand."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = torch.tanh(x)
        ctx.slope = (1 - y * y).detach()
        return y

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        found: Tensor = cotangent * ctx.slope
        return found


class _CutInSilence(Function):
    """A gradient without any graph."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return torch.from_numpy(np.asarray(cotangent.detach().numpy() * (1 - y.detach().numpy() ** 2)))


cheat(
    "tanh",
    ("a slope with a cut graph", _Cut, "#58509, #76185: an intermediate kept, and order two wrong in silence"),
    ("a slope by way of NumPy", _CutInSilence, "a backward pass that cannot be differentiated and does not say so"),
)
