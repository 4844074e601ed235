"""What dropout takes."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import kind, no_method, no_tensor, scalar_type


def check_probability(name: str, p: Any) -> None:
    """A number between 0 and 1, or NaN, which torch lets through to its kernel."""
    if not isinstance(p, (int, float)) and not hasattr(p, "__float__"):
        raise TypeError(f"'<' not supported between instances of '{kind(p)}' and 'float' [p of {name}: 0 <= p <= 1]")
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p} [p of {name}: 0 <= p <= 1]")


def checked_probability(name: str, input: Any, p: Any, training: Any) -> float:
    """The probability beside a tensor and a flag; of NaN torch's kernel says so, with another type of error.

    A tensor of no axes is read as its number, as torch reads it: a draw for a tensor would be another one.
    """
    check_probability(name, p)
    if not isinstance(input, Tensor):
        raise no_tensor(name, 1, "input", input)
    if not isinstance(training, bool):
        raise TypeError(f"{name}(): argument 'train' (position 3) must be bool, not {kind(training)} [True or False]")
    if isinstance(p, Tensor):
        if p.dim() > 0 or (p.requires_grad and torch.is_grad_enabled()):
            raise TypeError(
                f"{name}(): argument 'p' (position 2) must be float, not Tensor [a number; it has no derivative, so "
                "p.item() or p.detach()]"
            )
        p = p.item()
    chance: float = p
    if p != p:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p} [p of {name}: 0 <= p <= 1]")
    return chance


def check_scaled(input: Tensor) -> None:
    """What is divided by ``1 − p`` is no integer."""
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {scalar_type(input)} [.float() before dropout]"
        )


def check_features(input: Tensor) -> None:
    """Dropout of channels needs a second axis."""
    if input.dim() < 2:
        raise RuntimeError(
            f"Feature dropout requires at least 2 dimensions in the input [(N, C, ...), but got {tuple(input.shape)}]"
        )


def check_channels(name: str, ndim: int, input: Any) -> None:
    """Ranks ``ndim + 1`` and ``ndim + 2``; torch only warns of others from two axes on."""
    if not isinstance(input, Tensor):
        raise no_method(name, input, "dim")
    ranks, rank = (ndim + 1, ndim + 2), input.dim()
    if rank not in ranks:
        if ndim == 1:
            raise RuntimeError(f"{name}: Expected 2D or 3D input, but received a {rank}D input. [(C, L) or (N, C, L)]")
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
