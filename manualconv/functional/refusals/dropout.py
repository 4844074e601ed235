"""What dropout takes."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import check_flags, check_input
from manualconv.functional.refusals.refusal import Refusal


def check_probability(p: Any) -> None:
    """A number between 0 and 1, or NaN, which torch lets through to its kernel."""
    if (not isinstance(p, (int, float)) and not hasattr(p, "__float__")) or p < 0.0 or p > 1.0:
        raise Refusal(f"p={p!r} must be a number, 0 <= p <= 1")


def checked_probability(input: Any, p: Any, training: Any) -> float:
    """The probability beside a tensor and a flag.

    A tensor of no axes is read as its number, as torch reads it: a draw for a tensor would be another one.
    """
    check_probability(p)
    check_input(input)
    check_flags(training=training)
    if isinstance(p, Tensor):
        if p.dim() > 0 or (p.requires_grad and torch.is_grad_enabled()):
            raise Refusal("p is a number, which has no derivative: p.item() or p.detach()")
        p = p.item()
    if p != p:
        raise Refusal(f"p={p} must be a number, 0 <= p <= 1")
    chance: float = p
    return chance


def check_drawn(input: Tensor, channels: bool) -> None:
    """What is divided by ``1 − p`` is no integer; dropout of channels needs a second axis."""
    if not (input.is_floating_point() or input.is_complex()):
        raise Refusal(f"input is {input.dtype}: .float() before dropout")
    if channels and input.dim() < 2:
        raise Refusal(f"input must be (N, C, ...), but got {tuple(input.shape)}")


def check_channels(name: str, ndim: int, input: Any) -> None:
    """Ranks ``ndim + 1`` and ``ndim + 2``; torch only warns of others from two axes on."""
    check_input(input)
    ranks, rank = (ndim + 1, ndim + 2), input.dim()
    if rank not in ranks:
        if ndim == 1:
            raise Refusal(f"input of {rank} axes must be (C, L) or (N, C, L)")
        warnings.warn(
            f"{name}: Received a {rank}-D input to {name}, which is deprecated and will result in an error in a future "
            f"release [{ranks[0]}-D or {ranks[1]}-D; dropout takes any rank]",
            stacklevel=5,
        )
    if ndim == 2 and rank == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "[(N, C, L), as torch reads it today; dropout1d says so]",
            stacklevel=5,
        )
