"""One of torch's layers by hand: two hooks around its forward, and all else as it was.

Tools look a layer up by its exact type (``type(m) is torch.nn.Linear``) and replace what they find by their own tables.
So a converted layer keeps its type, and the hooks switch `by_hand` on for the length of its own forward:

    before forward    `enter` puts a `LayerMode` on the stack of function modes
    after forward     `leave` takes that mode away, wherever in the stack it is

Only the layer's own forward runs by hand.  Other hooks of the layer may run while the mode is on the stack; the mode
then hands every call on to torch.  An interrupt may keep `leave` from running; the mode that is left behind hands every
call on, too, and the next converted layer takes it away.

Called as ``layer.forward(x)``, a layer runs none of its hooks, and so computes as torch's.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn, cast

import torch
import torch.nn.functional as F
from torch.fx import Proxy
from torch.nn import Module

from manualconv.autograd.slots import WEIGHTED, Carried, Rules
from manualconv.functional.overrides import refuse_rules
from manualconv.nn._rules import KEPT
from manualconv.nn._tracing import not_scripted
from manualconv.swap.mode import ENTERED, ByHand
from manualconv.swap.table import TABLE, activation, convolution, linear
from manualconv.torch_internals import (
    calls_forward,
    function_modes,
    guard_hooks,
    has_handlers,
    innermost_mode,
    not_compiled_alone,
)

#: The name of the two hooks.  Not a number: torch counts hooks from 0 in every process, so that in a model that was
#: loaded from a file the next hook to be registered would take the place of ours.
NAME: Any = "manualconv"

#: What derivative rules reach, by which slots, and what a rule for ties does.
RULED: dict[Any, tuple[str, ...]] = {
    **dict.fromkeys((*convolution.TABLE, *linear.TABLE), WEIGHTED),
    **dict.fromkeys(activation.ENTRYWISE, ("slope",)),
    **{
        getattr(F, f"{name}{ndim}d{more}"): ("pool",)
        for name, forms in (
            *(("max_pool", ("", "_with_indices")), ("adaptive_max_pool", ("", "_with_indices"))),
            *(("avg_pool", ("",)), ("adaptive_avg_pool", ("",)), ("lp_pool", ("",))),
        )
        for ndim in (1, 2, 3)
        for more in forms
    },
}
TIED = {getattr(F, f"max_pool{ndim}d{more}") for ndim in (1, 2, 3) for more in ("", "_with_indices")}

#: What runs the forward under torch.jit's tracer.
_SLOW_FORWARD = Module._slow_forward.__code__


class LayerMode(ByHand):
    """`ByHand` for one call of one layer, and for nothing but the layer's forward.

    The call is known by `caller`, the frame that runs the layer's hooks and its forward; None in compiled code, which
    has no frames to look at, and runs `leave` in any case.
    """

    def __init__(self, module: Module, caller: FrameType | None) -> None:
        self.module, self.caller = module, caller

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run `func`, or ours with the layer's rules."""
        ours = TABLE.get(func)
        if ours is None and not types and func not in ENTERED:  # torch's wherever it is called from: not worth a look
            return func(*args, **kwargs or {})
        if self.caller is not None and not torch.compiler.is_compiling() and not self._in_forward(self.caller):
            return func(*args, **kwargs or {})
        if ours is None or has_handlers(types):
            refuse_rules(func, types, self._own("derivative_rules"))
            if Proxy in types and (
                self._rules_for(func) is not None or (func in TIED and self._own("ties") is not None)
            ):
                raise torch.fx.proxy.TraceError(
                    f"torch.fx was to trace into a converted {type(self.module).__name__}, but a graph of functions "
                    "holds neither derivative rules nor ties: keep the layer whole (Tracer.is_leaf_module), or remove "
                    "them"
                )
            return super().__torch_function__(func, types, args, kwargs)
        kwargs = kwargs or {}
        if func in TIED:
            ties = self._own("ties")
            kwargs = kwargs if ties is None else {**kwargs, "ties": ties}
        if (rules := self._rules_for(func)) is not None:
            with Carried(rules):
                return ours(*args, **kwargs)
        return ours(*args, **kwargs)

    def _own(self, name: str) -> Any:
        """What was set on the layer, or None.

        Dynamo guards what it finds by getattr, but not that a name is missing among the vars, nor since torch 2.15
        what one stands for.  Eagerly not by getattr: a module searches long for what it has not.
        """
        return getattr(self.module, name, None) if torch.compiler.is_compiling() else vars(self.module).get(name)

    def _rules_for(self, func: Callable[..., Any]) -> Rules | None:
        """The layer's rules, if this function has a slot that they fill."""
        rules: Rules | None = self._own("derivative_rules")
        return rules if rules is not None and any(slot in rules.given() for slot in RULED.get(func, ())) else None

    def _in_forward(self, caller: FrameType) -> bool:
        """Whether this call comes from the layer's forward: not from a hook of it, and not after it."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if (back := frame.f_back) is caller:
                own = (getattr(self.module.forward, "__code__", None), _SLOW_FORWARD)
                return frame.f_code in own or calls_forward(caller)
            frame = back
        return False

    def is_left_behind(self) -> bool:
        """Whether the call that this mode was made for has ended."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame is self.caller:
                return False
            frame = frame.f_back
        return self.caller is not None


@not_compiled_alone
def enter(module: Module, args: Any) -> None:
    """The hook before the forward of a converted layer."""
    if torch.compiler.is_compiling():
        LayerMode(module, None).__enter__()
        return
    if module._forward_hooks.get(NAME) is not leave and not _found_again(module):
        return
    while isinstance(mode := innermost_mode(), LayerMode) and mode.is_left_behind():
        mode.__exit__(None, None, None)
    LayerMode(module, sys._getframe(1)).__enter__()


def _found_again(module: Module) -> bool:
    """Whether `leave` is there under another name, as where a tool moved our hooks to a layer that it made.

    A tool that moved one of them alone broke the pair.  One that moved both did not say that `leave` runs always.
    """
    name = next((name for name, hook in module._forward_hooks.items() if hook is leave), None)
    if name is not None:
        module._forward_hooks_always_called[name] = True
    return name is not None


@not_compiled_alone
def leave(module: Module, args: Any, output: Any) -> None:
    """The hook after it, which also runs if the forward raised: then the frame of the call has ended."""
    if torch.compiler.is_compiling():
        ByHand().__exit__(None, None, None)  # takes the uppermost mode away, as the end of any mode does
        return
    caller, mode = sys._getframe(1), innermost_mode()
    if isinstance(mode, LayerMode) and mode.caller is caller:
        mode.__exit__(None, None, None)
    else:
        _take_away(lambda mode: mode.caller is caller or mode.is_left_behind())


def _take_away(ended: Callable[[LayerMode], bool]) -> None:
    """Take away the modes of calls that have ended, wherever in the stack they are."""
    modes = function_modes()
    kept = [mode for mode in modes if not (isinstance(mode, LayerMode) and ended(mode))]
    # As far up as nothing is missing, the stack stays.
    same = next((at for at, mode in enumerate(kept) if mode is not modes[at]), len(kept))
    for _ in modes[same:]:
        ByHand().__exit__(None, None, None)
    for mode in kept[same:]:
        mode.__enter__()


class _Mark:
    """What torch.jit.script, which would compile the hooks, finds at a converted layer; and what a pickle brings along.

    A program that loads a converted layer may have compiled layers like it before: see `guard_hooks`.
    """

    def __call__(self, *modules: Module) -> NoReturn:
        not_scripted(*modules)

    def __reduce__(self) -> tuple[Callable[[], _Mark], tuple[()]]:
        return _loaded, ()


MARK = _Mark()


def _loaded() -> _Mark:
    guard_hooks()
    return MARK


def is_by_hand(module: Module) -> bool:
    """Whether a layer of torch's was converted."""
    return enter in module._forward_pre_hooks.values()


def put_on(module: Module, takes_rules: bool) -> None:
    """Convert a layer: `enter` runs after the hooks it has, `leave` before them; rules it had are in force again."""
    guard_hooks()
    if takes_rules:
        module.derivative_rules = vars(module).pop(KEPT, None)
    module._forward_pre_hooks[NAME] = enter
    module._forward_hooks[NAME] = leave
    cast(OrderedDict[int, Any], module._forward_hooks).move_to_end(NAME, last=False)
    module._forward_hooks_always_called[NAME] = True
    vars(module)["__prepare_scriptable__"] = MARK


def take_off(module: Module) -> None:
    """Undo `put_on`, also where a tool registered the hooks again under names of its own.

    A layer of torch's does not follow rules, so that it has no place for them; those it had are kept.
    """
    vars(module).pop("__prepare_scriptable__", None)
    if (rules := vars(module).pop("derivative_rules", None)) is not None:
        setattr(module, KEPT, rules)
    for hooks, ours in ((module._forward_pre_hooks, enter), (module._forward_hooks, leave)):
        for name in [name for name, hook in hooks.items() if hook is ours]:
            del hooks[name]
            module._forward_hooks_always_called.pop(name, None)
    _take_away(lambda mode: mode.module is module)  # a hook of the layer may restore it, after `enter` ran
