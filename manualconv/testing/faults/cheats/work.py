"""Cheats that do not do the work, do it once, or find its result."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from manualconv.testing.faults.cheats.entering import Layer, cheat, is_plain

# -------------------------------------------------------------------------------------- work that is not done, or once


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


# ---------------------------------------------------------------------------------------------- results that are found


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
