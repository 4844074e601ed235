"""What ``torch.utils.checkpoint`` runs again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils import checkpoint

from manualconv.torch_internals.optional import private


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
