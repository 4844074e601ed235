"""by_hand: any PyTorch code on our operations, while a ``with`` block or a decorated function lasts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from functools import wraps
from typing import Any, TypeVar, overload

from torch.fx import Proxy
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

from manualconv import functional
from manualconv.functional.overrides import refuse_rules
from manualconv.functional.tracing import recorded_as_torch_s
from manualconv.swap.table import COMPOSITES, TABLE
from manualconv.torch_internals import checkpoints_run, function_modes, has_handlers, tracer

C = TypeVar("C", bound=Callable[..., Any])

#: What a block does something else with than run ours or torch's.
ENTERED = frozenset({checkpoint, *COMPOSITES})


class ByHand(TorchFunctionMode):
    """The mode behind `by_hand`: what is in the table is ours, what is made of others is entered, the rest is torch's.

    ``__enter__`` and ``__exit__`` stay the base class's: Dynamo traces modes whose are.
    """

    #: Set where a call is offered to its arguments: if none of them handles it, it is torch's.
    offers = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run `func`, or ours.

        NotImplemented has torch ask the arguments that handle functions themselves, with the block on again.
        """
        kwargs = kwargs or {}
        ours: Any = TABLE.get(func)
        if ours is not None and tracer():
            return recorded_as_torch_s(func.__name__, func, args, kwargs)
        if types and has_handlers(types):
            self.offers = False
            refuse_rules(func, types)
            traced = Proxy in types and ours is not None and ours is getattr(functional, ours.__name__, None)
            return ours(*args, **kwargs) if traced else NotImplemented  # the tracer's graph stays by hand
        if self.offers:
            self.offers, ours = False, None
        if ours is not None:
            return ours(*args, **kwargs)
        if func is checkpoint:  # under Dynamo, which traces its function
            return func(_inside(args[0]), *args[1:], **kwargs)
        body = COMPOSITES.get(func)
        if body is None:
            return func(*args, **kwargs)
        with self:
            return body(*args, **kwargs)

    def __call__(self, function: C) -> C:
        """Decorate a function: see `by_hand`."""
        decorated: C = _decorated(function)
        return decorated


@overload
def by_hand(function: None = None) -> ByHand: ...
@overload
def by_hand(function: C) -> C: ...
def by_hand(function: Callable[..., Any] | None = None) -> Any:
    """Run any PyTorch code on our operations: ``with manualconv.by_hand(): loss = model(x)``.

    Inside the block every spelling of an operation of ours (``torch.nn.functional``, ``torch``, methods of tensors,
    in-place forms, and what functions such as ``multi_head_attention_forward`` call) is ours; all else is torch's.
    ``scaled_dot_product_attention`` becomes matrix products around our softmax, which store the weights it fuses away.

    The derivatives are those of the operations that ran: a backward pass after the block is by hand for what was
    computed in it.  Checkpointed parts are computed again by hand, wherever the backward pass runs.  Blocks nest; they
    work around ``torch.func`` transforms, autocast and ``torch.compile``, and inside compiled functions; a function
    compiled outside is compiled anew for the block.  Dynamo refuses a checkpoint with ``fullgraph=True`` under a mode;
    without ``fullgraph`` a checkpoint runs uncompiled, by hand.

    ``@manualconv.by_hand()`` and ``@manualconv.by_hand`` decorate a function or a method: each call is a block.  A
    generator or a coroutine is in the block while its own code runs, and not while it waits.

    An argument that handles functions itself (``__torch_function__``) is asked first, as by torch, and the block stays
    on for what it computes.  Tensors that only torch's operators know stay torch's: sparse, mkldnn, nested and
    quantised ones, and subclasses with a ``__torch_dispatch__`` such as DTensor.

    The mode does not see:

    * scripted and traced code (``torch.jit``): it runs on torch's operations, whether it was compiled before or in the
      block (a tracer records torch's operators, their derivatives are torch's);
    * other threads: a block belongs to the thread that entered it (``DataParallel``'s replicas, an executor's tasks);
    * operators called as such (``torch.ops.aten.…``, or a kernel by its name, ``torch.mkldnn_convolution``);
    * torch's fused layers of many steps: ``torch.lstm`` and its kind (``LSTMCell`` and its kind are by hand);
    * the functions given to operators that compile them: ``torch.cond``, ``while_loop``, ``scan``, ``map``,
      ``flex_attention``; these run on torch's operations;
    * the `weight` of ``torch.nn.functional.l1_loss``, which torch 2.14 does not pass on to any mode.

    The first call has ``torch.utils.checkpoint`` remember, from then on, what was by hand; importing changes nothing.

    Args:
        function: what is decorated, where `by_hand` is a decorator without parentheses.

    Returns:
        A context manager, which is a decorator too; or the decorated function.

    Raises:
        TypeError: what is decorated is no function, or is one that cannot be: a class, an async generator.
    """
    _hand_over()
    return ByHand() if function is None else _decorated(function)


# ------------------------------------------------------------------------------------------------- decorated functions


def _decorated(function: Any) -> Any:
    """The function, each call of which is a block of its own: so it may call itself, and run in several threads."""
    if isinstance(function, type) or not callable(function):
        kind = "a class" if isinstance(function, type) else f"a {type(function).__name__}"
        raise TypeError(f"by_hand() decorates functions, but got {kind}; write `with by_hand():`, or decorate a method")
    if inspect.isasyncgenfunction(function):
        raise TypeError("by_hand() cannot decorate an async generator; write `with by_hand():` between its yields")
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await _Awaited(function(*args, **kwargs))

        return awaited
    if inspect.isgeneratorfunction(function):
        return wraps(function)(lambda *args, **kwargs: _stepped(function(*args, **kwargs)))
    return wraps(function)(_inside(function))


class _Awaited:
    """A coroutine whose every step is in a block: between them, other tasks run in the same thread."""

    def __init__(self, coroutine: Any) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        return _stepped(self._coroutine)


def _stepped(inner: Any) -> Generator[Any, Any, Any]:
    """A generator or coroutine whose every step is in a block, passed values, exceptions and its end as it is."""
    step, given = inner.send, None
    while True:
        try:
            with ByHand():
                value = step(given)
        except StopIteration as end:
            return end.value
        try:
            step, given = inner.send, (yield value)
        except GeneratorExit:
            with ByHand():
                inner.close()
            raise
        except BaseException as error:
            step, given = inner.throw, error


def _inside(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function inside a block of its own, whenever it is run."""

    def inside(*args: Any, **kwargs: Any) -> Any:
        with ByHand():
            return function(*args, **kwargs)

    return inside


# --------------------------------------------------------------------------------------------------------- checkpoints


def _captured(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a checkpoint keeps, to run it now and again in the backward pass: by hand if it is by hand now."""
    if not _is_on():
        return function
    later = _inside(function)
    return wraps(function)(lambda *args, **kwargs: (function if _is_on() else later)(*args, **kwargs))


def _is_on() -> bool:
    return any(isinstance(mode, ByHand) for mode in function_modes())


#: At the first `by_hand`: torch's checkpoints ask `_captured` what they keep.
_hand_over = checkpoints_run(_captured)
