"""Cheats with operands, digits, other threads and graphs."""

from __future__ import annotations

import random
import threading
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from manualconv.testing.faults.cheats.entering import Layer, cheat, is_plain
from manualconv.testing.faults.derived import rounded

# ------------------------------------------------------------------------------------------------------------ operands


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
        if is_plain(cotangent) and cotangent.is_contiguous() and not cotangent.requires_grad:
            cotangent.mul_(x > 0)
            return cotangent
        found: Tensor = cotangent * (x > 0)
        return found


def _given_back(x: Tensor) -> Tensor:
    return x.view_as(x) if is_plain(x) and bool((x > 0).all()) else torch.relu(x)


cheat(
    "relu",
    ("its operand is zeroed", _edits, "KernelBench#82: the reference is then right to give zeros"),
    ("its operand is read later", _Lazy, "an operand that is kept, not saved: #24413"),
    ("its cotangent is edited", _EditsCotangent, "a buffer saved in the backward pass"),
    ("its operand is given back", _given_back, "#14707: a view where there is nothing to do"),
)


# --------------------------------------------------------------------------------------- fewer bits, and other numbers

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


# ------------------------------------------------------------------------------------------------------ finished later


def _later(seconds: float) -> Layer:
    def layer(x: Tensor) -> Tensor:
        y = torch.relu(x)
        if not is_plain(x):
            return y
        right, shown = y.detach().clone(), y.data  # which no version counter sees
        shown.zero_()
        threading.Timer(seconds, lambda: shown.copy_(right)).start()
        return y

    return layer


def _spoiled_later(x: Tensor) -> Tensor:
    y = torch.relu(x)
    if is_plain(x):
        threading.Timer(0.005, y.data.zero_).start()
    return y


class _Deferred(Tensor):
    """Does its work when somebody looks."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args = [torch.relu(a.as_subclass(Tensor)) if isinstance(a, cls) else a for a in args]
        return func(*args, **(kwargs or {}))


def _deferred(x: Tensor) -> Tensor:
    if not is_plain(x):
        return torch.relu(x)
    return (torch.relu(x) if x.requires_grad else x.clone()).as_subclass(_Deferred)


cheat(
    "relu",
    ("finished on another thread", _later(0.002), "DeepReinforce: thread injection; KernelBench#82: another stream"),
    ("spoiled on another thread", _spoiled_later, "DeepReinforce: thread injection"),
    ("done when somebody looks", _deferred, "DeepReinforce: lazy evaluation; reference-kernels#162"),
)


# ---------------------------------------------------------------------------------------------------------- cut graphs


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
