"""Laws of numbers beyond those that proofs draw: large, far from zero, not a number, and more than a block of them.

Here no loop is asked, but our own layers, which the loops prove; they answer in the judge's process, as always.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2, prod

import torch
from torch import Tensor

from manualconv.testing.catalogue.activation import ENTRYWISE
from manualconv.testing.catalogue.entry_loss import LOSSES
from manualconv.testing.laws.operation.asked import Asked, are_probabilities, law

#: e to this is no float64.
LARGE = 1024.0
#: In float64 a rounding of it is 2^20 of those of 1, and of its square 2^40; roots of a small ε and their powers make
#: more of that, but not so many.
FAR, FARTHEST = 2.0**20, 2.0**33
#: Past blocks of 32, a prime number of channels, and more entries than a narrow counter of positions holds.
LONG, CHANNELS, MANY = 37, 17, 2**14
#: Roundings of a sum of quotients.
QUOTIENTS = 64
#: Of whose first axis each place is on its own, or joined with the others in a sum of any length.
IN_ROWS = ("linear", "layer_norm", "softmax", "log_softmax", "softmin", "unfold", "fold", *LOSSES)


@law(share=0.2)
def large_numbers_are_as_right_as_small_ones(asked: Asked) -> None:
    x, *others = asked.question.inputs
    if not x.is_floating_point() or not x.numel() or are_probabilities(x):
        return
    largest = float(x.detach().abs().max())
    if largest:
        scale = 2.0 ** ceil(log2(LARGE / largest))
        asked.as_ours([scale * x, *others], asked.question.cotangent, "is wrong for large numbers")


@law("gradients", "float64", share=0.2)
def numbers_far_from_zero_are_as_right_as_near_ones(asked: Asked) -> None:
    """Off by a rounding of the distance, and not of its square, as a mean of squares less the square of a mean is."""
    x, *others = asked.question.inputs
    if x.is_floating_point() and x.numel() and not are_probabilities(x):
        asked.as_ours([x + FAR, *others], asked.question.cotangent, "is wrong for numbers far from zero", more=FARTHEST)


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
    """Long images, many samples, and many channels: past the blocks that kernels are cut into."""
    name = asked.operation
    # A rounding for each term of a sum; of quotients a few, since this cotangent is no multiple of their divisors.
    more = QUOTIENTS if asked.question.exact else MANY
    for inputs in (longer(name, asked.question.inputs), wider(name, asked.question.inputs)):
        if inputs is not None:
            asked.as_ours(inputs, None, "is wrong for large tensors", more=more)


def longer(name: str, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """The input repeated along its free axes, past a block along each, and until there are many entries.

    What a loss compares with it, entry by entry, is repeated, too.
    """
    x, *others = inputs
    axes = free_axes(name, x)
    if not axes or not x.numel() or (name in LOSSES and any(t.shape != x.shape for t in others)):
        return None
    repeats = [ceil(LONG / x.shape[n]) if n in axes else 1 for n in range(x.dim())]
    repeats[axes[-1]] *= ceil(MANY / (x.numel() * prod(repeats)))
    return [x.repeat(repeats), *(t.repeat(repeats) if name in LOSSES else t for t in others)]


def free_axes(name: str, x: Tensor) -> tuple[int, ...]:
    """The last axis and the one before it, as far as they are images', or entries alone; the first of rows."""
    if name.startswith(("conv", "max_pool", "avg_pool", "lp_pool")) and name[-1] == "d":
        return tuple(range(x.dim()))[-min(int(name[-2]), 2) :]
    if name in ("batch_norm", "instance_norm", "group_norm", "local_response_norm"):
        return tuple(range(2, x.dim()))[-2:]
    if name in IN_ROWS or name.startswith("adaptive"):
        return (0,) if x.dim() > 1 else ()
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
