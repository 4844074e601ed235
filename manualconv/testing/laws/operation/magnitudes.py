"""Laws of numbers beyond those that proofs draw: large ones, not-a-numbers, and tensors past the size of a block.

Here no loop is asked, but our own layers, which the loops prove; they answer in the judge's process, as always.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2

import torch
from torch import Tensor

from manualconv.testing.catalogue.activation import ENTRYWISE
from manualconv.testing.laws.operation.asked import Asked, law

#: e to this is no float64.
LARGE = 1024.0
#: Past blocks of 32, and a prime number of channels.
LONG, CHANNELS = 37, 17


@law(share=0.2)
def large_numbers_are_as_right_as_small_ones(asked: Asked) -> None:
    x, *others = asked.question.inputs
    if not x.is_floating_point() or not x.numel() or are_probabilities(x):
        return
    largest = float(x.detach().abs().max())
    if largest:
        scale = 2.0 ** ceil(log2(LARGE / largest))
        asked.as_ours([scale * x, *others], asked.question.cotangent, "is wrong for large numbers")


@law(share=0.3)
def a_nan_is_seen_where_it_belongs(asked: Asked) -> None:
    """In the value: neither swallowed nor spread."""
    x, *others = asked.question.inputs
    if not x.is_floating_point() or not x.numel() or are_probabilities(x):
        return
    x = x.detach().clone(memory_format=torch.contiguous_format)
    x.view(-1)[x.numel() // 2] = torch.nan
    asked.as_ours([x, *others], asked.question.cotangent, "is wrong where an input is not a number", passes=1)


@law("gradients", share=0.1)
def large_tensors_are_as_right_as_small_ones(asked: Asked) -> None:
    """Long images, and many channels: past the blocks that kernels are cut into."""
    name = asked.operation
    for inputs in (longer(name, asked.question.inputs), wider(name, asked.question.inputs)):
        if inputs is not None:
            asked.as_ours(inputs, None, "is wrong for large tensors")


def are_probabilities(x: Tensor) -> bool:
    """Of which an operation may refuse all others."""
    return bool(((x >= 0) & (x <= 1)).all())


def longer(name: str, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """The input repeated along its last axes, where they are free."""
    x, *others = inputs
    axes = free_axes(name, x)
    if not axes or not x.numel():
        return None
    repeats = [-(-LONG // x.shape[n]) if n in axes else 1 for n in range(x.dim())]
    return [x.repeat(repeats), *others]


def free_axes(name: str, x: Tensor) -> tuple[int, ...]:
    """The last axis and the one before it, as far as they are images', or entries alone."""
    if name.startswith(("conv", "max_pool", "avg_pool", "lp_pool")) and name[-1] == "d":
        return tuple(range(x.dim()))[-min(int(name[-2]), 2) :]
    if name in ("batch_norm", "instance_norm", "group_norm", "local_response_norm"):
        return tuple(range(2, x.dim()))[-2:]
    return tuple(range(x.dim()))[-2:] if name in ENTRYWISE else ()


def wider(name: str, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """Input and weight repeated along the channels that are summed; of one group alone."""
    if name not in ("conv1d", "conv2d", "conv3d", "linear") or not inputs[0].numel():
        return None
    x, w, *others = inputs
    along = x.dim() - 1 if name == "linear" else x.dim() - w.dim() + 1
    if x.shape[along] != w.shape[1]:
        return None
    return [torch.cat([t] * CHANNELS, at).narrow(at, 0, CHANNELS) for t, at in ((x, along), (w, 1))] + others
