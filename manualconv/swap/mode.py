"""by_hand: any PyTorch code on our operations, while a ``with`` block lasts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from torch.overrides import TorchFunctionMode

from manualconv.swap.table import COMPOSITES, TABLE
from manualconv.torch_internals import function_modes, hand_to_checkpoints, takes_functions


class ByHand(TorchFunctionMode):
    """The mode behind `by_hand`: what is in the table is ours, what is made of others is entered, the rest is torch's.

    ``__enter__`` and ``__exit__`` stay the base class's: Dynamo traces modes whose are.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run `func`, or ours."""
        kwargs = kwargs or {}
        ours = TABLE.get(func)
        if ours is not None:
            return ours(*args, **kwargs)
        if takes_functions(func):
            # Not a class: an autograd.Function that torch.func runs.
            return func(*(_entered(a) if callable(a) and not isinstance(a, type) else a for a in args), **kwargs)
        body = COMPOSITES.get(func)
        if body is None:
            return func(*args, **kwargs)
        with self:
            return body(*args, **kwargs)


def by_hand() -> ByHand:
    """Run any PyTorch code on our operations: ``with manualconv.by_hand(): loss = model(x)``.

    Inside the block every spelling of an operation of ours (``torch.nn.functional``, ``torch``, methods of tensors,
    in-place forms, and what functions such as ``multi_head_attention_forward`` call) is ours; all else is torch's.
    ``scaled_dot_product_attention`` becomes matrix products around our softmax, which store the weights it fuses away.

    The derivatives are those of the operations that ran: a backward pass after the block is by hand for what was
    computed in it.  Checkpointed parts are computed again by hand, wherever the backward pass runs.  Blocks nest; they
    work around ``torch.func`` transforms, autocast and ``torch.compile``, and inside compiled functions; a function
    compiled outside is compiled anew for the block.  A checkpoint with ``fullgraph=True``, and the branches of
    ``torch.cond``, are refused by Dynamo under a mode; without ``fullgraph`` a checkpoint runs uncompiled, by hand.

    The mode does not see:

    * scripted and traced code (``torch.jit``), compiled before: it runs on torch's operations;
    * other threads: a block belongs to the thread that entered it (``DataParallel``'s replicas, an executor's tasks);
    * operators called as such (``torch.ops.aten.…``, or a kernel by its name, ``torch.mkldnn_convolution``);
    * torch's fused layers of many steps: ``torch.lstm`` and its kind (``LSTMCell`` and its kind are by hand);
    * the `weight` of ``torch.nn.functional.l1_loss``, which torch 2.14 does not pass on to any mode.

    Returns:
        A context manager.
    """
    return ByHand()


def _entered(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function inside a block of its own, whenever it is run."""

    def inside(*args: Any, **kwargs: Any) -> Any:
        with by_hand():
            return function(*args, **kwargs)

    return inside


def _captured(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a checkpoint keeps, to run it now and again in the backward pass: by hand if it is by hand now."""
    if not _is_on():
        return function
    later = _entered(function)
    return wraps(function)(lambda *args, **kwargs: (function if _is_on() else later)(*args, **kwargs))


def _is_on() -> bool:
    return any(isinstance(mode, ByHand) for mode in function_modes())


hand_to_checkpoints(_captured)
