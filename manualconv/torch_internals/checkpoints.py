"""What ``torch.utils.checkpoint`` runs, and runs again in the backward pass.

A recomputation happens where no ``with`` block of the forward is active any more; torch has a place to re-enter one
(``context_fn``), but only for the caller of ``checkpoint`` and only without reentry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

from torch.utils import checkpoint

from manualconv.torch_internals.calling import at_trace_time
from manualconv.torch_internals.optional import private

Prepared = Callable[[Callable[..., Any]], Callable[..., Any]]
Block = Callable[[], AbstractContextManager[Any]]

_PLACE = "torch.utils.checkpoint"
# Earlier releases have the second name only; without either, what a checkpoint computes again is torch's.
_GENERATORS = ("_checkpoint_without_reentrant_generator_impl", "_checkpoint_without_reentrant_generator")
_GENERATOR = next((name for name in _GENERATORS if private(f"{_PLACE}.{name}")), None)
# Without it, a checkpoint from before is run again in whatever block the backward pass is in.
_AGAIN = "_recomputation_hook" if private(f"{_PLACE}._recomputation_hook") else None


def checkpoints_run(prepared: Prepared, again_in: Block = nullcontext) -> Callable[[], None]:
    """What has every later checkpoint run, and run again, ``prepared(function)`` instead of its function.

    Called more than once it does nothing more.  Dynamo calls it where it meets it.

    Args:
        prepared: called where the forward of a checkpoint runs.
        again_in: the block in which anything is run again, checkpoints that were made before included.
    """
    hand_over = cache(lambda: _hand_over(prepared, again_in))
    return at_trace_time(lambda: hand_over())


def _hand_over(prepared: Prepared, again_in: Block) -> None:
    entering = checkpoint.CheckpointFunction
    reentrant, back = entering.forward, entering.backward

    def forward(ctx: Any, run_function: Callable[..., Any], *args: Any) -> Any:
        return reentrant(ctx, prepared(run_function), *args)

    def backward(ctx: Any, *cotangents: Any) -> Any:
        function = ctx.run_function

        def again(*args: Any) -> Any:
            with again_in():
                return function(*args)

        ctx.run_function = again  # and no more: torch goes on to a backward pass, with hooks in it
        try:
            return back(ctx, *cotangents)
        finally:
            ctx.run_function = function

    for name, method in (("forward", forward), ("backward", backward)):
        setattr(entering, name, staticmethod(method))
    if _GENERATOR is not None:
        generator = getattr(checkpoint, _GENERATOR)
        setattr(checkpoint, _GENERATOR, lambda fn, *args, **kwargs: generator(prepared(fn), *args, **kwargs))
    if _AGAIN is not None and again_in is not nullcontext:
        setattr(checkpoint, _AGAIN, _both(getattr(checkpoint, _AGAIN), again_in))


def _both(outer: Callable[..., AbstractContextManager[Any]], inner: Block) -> Callable[..., Any]:
    @contextmanager
    def entered(*args: Any, **kwargs: Any) -> Iterator[None]:
        with outer(*args, **kwargs), inner():
            yield

    return entered
