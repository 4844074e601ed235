"""What comes before a layer's forward: a tracer's question, and the layer's own rules.

torch.fx sees our layers as torch's: each one node of the graph, so that ``train()`` and ``eval()`` reach it.
torch.jit's tracer sees torch's functions (`manualconv.functional.tracing`); its compiler sees nothing it could compile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, cast

import torch
from torch.fx import Proxy
from torch.nn import Module

from manualconv.autograd.slots import Carried, Rules


def traced_whole(forward: Callable[..., Any], in_block: bool = False) -> Callable[..., Any]:
    """The forward of a layer, which torch.fx's tracer records as a call of the layer.

    A tracer goes into every module that is not torch's by its name; inside, the numbers of a module at that moment and
    its training flag would become constants of the graph.

    Args:
        forward: what the layer's class has.
        in_block: whether rules that the layer carries are put in force by a block around its forward.
    """

    @wraps(forward)
    def seen(self: Module, *args: Any, **kwargs: Any) -> Any:
        for value in args:
            if isinstance(value, Proxy):
                tracer: Any = value.tracer
                path = _node_of(self, tracer)
                if path is not None:
                    return tracer.create_proxy("call_module", path, args, kwargs)
                break
        return run(self, *args, **kwargs)

    run = in_own_block(forward) if in_block else forward
    return seen


def in_own_block(forward: Callable[..., Any]) -> Callable[..., Any]:
    """A forward that runs in a block of the rules that its layer carries.

    Raises:
        torch.fx.proxy.TraceError: a tracer goes into the forward of a layer with rules; its graph would not have them.
    """

    @wraps(forward)
    def ruled(self: Module, *args: Any, **kwargs: Any) -> Any:
        rules: Rules | None = cast(Any, self).derivative_rules
        if rules is None:
            return forward(self, *args, **kwargs)
        if any(isinstance(value, Proxy) for value in (*args, *kwargs.values())):
            raise torch.fx.proxy.TraceError(
                f"{type(self).__name__} has derivative rules ({rules.named()}), which a graph of the "
                "functions in its forward would not have: have the tracer's is_leaf_module keep the layer whole, or "
                "take its rules away by set_rules(layer)"
            )
        with Carried(rules):
            return forward(self, *args, **kwargs)

    return ruled


def not_scripted(*_: Module) -> NoReturn:
    """What ``torch.jit.script`` asks of a layer before it compiles it: ``__prepare_scriptable__``.

    Raises:
        RuntimeError: always.  A layer of torch's given back here would stay in the model that it was taken from.
    """
    raise RuntimeError(
        "torch.jit.script compiles a layer's source, and derivatives by hand are not TorchScript: call "
        "manualconv.restore(model) and script torch's layers, or use torch.jit.trace, which records torch's operators"
    )


def _node_of(layer: Module, tracer: Any) -> str | None:
    """Under which path a tracer would record this layer, were it torch's; None if it would go into it."""
    cls = type(layer)
    theirs: Any = next(base for base in cls.__mro__ if base.__module__.startswith("torch.nn."))
    if not cls.__module__.startswith(("manualconv.nn.", "torch.nn.")) or not hasattr(tracer, "is_leaf_module"):
        return None
    twin = theirs.__new__(theirs)
    twin.__dict__.update(vars(layer))
    path: str = tracer.path_of_module(layer)
    if not path or not tracer.is_leaf_module(twin, path):
        return None
    hooks = (*layer._forward_pre_hooks.values(), *layer._forward_hooks.values())
    if any(not type(hook).__module__.startswith("torch.nn.utils.") for hook in hooks):
        raise torch.fx.proxy.TraceError(
            f"symbolically traced layers of manualconv.nn must have no forward hooks: those of {path!r} would run now "
            "and in the graph again; remove them, trace, and register them on the graph's module"
        )
    return path
