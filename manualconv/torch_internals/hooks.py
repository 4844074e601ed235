"""A layer being called, and the hooks of layers that are compiled."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import CodeType, FrameType
from typing import Any, TypeVar

import torch

from manualconv.torch_internals.optional import private

F = TypeVar("F", bound=Callable[..., Any])


@cache
def _call_of_forward(code: CodeType) -> int | None:
    """Where in the code of torch's that runs a layer's hooks the forward is called; None if it is no such code."""
    steps = list(dis.get_instructions(code))
    loads = [at for at, step in enumerate(steps) if step.argval == "forward_call" and "LOAD" in step.opname]
    # The last: where a layer has no hooks, torch calls its forward before it looks at them.
    return next((step.offset for step in steps[loads[-1] :] if step.opname.startswith("CALL")), None) if loads else None


def calls_forward(frame: FrameType) -> bool:
    """Whether a frame that runs a layer's hooks and its forward is at its forward; False if this cannot be told.

    The place in the code tells, for a forward may be anything that can be called: a partial, code that Dynamo wrote.
    """
    return frame.f_lasti == _call_of_forward(frame.f_code)


# ------------------------------------------------------------------------------------------- hooks of compiled layers


def not_compiled_alone(function: F) -> F:
    """A function that Dynamo compiles as a part of what calls it, and never by itself.

    Where Dynamo breaks a graph, it compiles the functions that are then called, each by itself; one that leaves a mode
    on the stack it cannot, and says so by an AssertionError.
    """
    if None not in (_set_strategy, _strategy, _action):
        _set_strategy(function.__code__, _strategy(_action.SKIP, _action.SKIP))
    return function


def not_compiled(reason: str) -> Callable[[F], F]:
    """A function that Dynamo leaves alone: it breaks its graph there, or says the reason where it must not.

    ``torch.compiler.disable`` sets the same marks, but imports Dynamo for it.
    """

    def marked(function: F) -> F:
        setattr(function, "_torchdynamo_disable", True)  # noqa: B010
        setattr(function, "_torchdynamo_disable_msg", reason)  # noqa: B010
        return not_compiled_alone(function)

    return marked


_set_strategy, _strategy, _action = (
    private(f"torch._C._dynamo.eval_frame.{name}")
    for name in ("set_code_exec_strategy", "_FrameExecStrategy", "_FrameAction")
)


_DYNAMO, _SKIPPED = "torch._dynamo.config", "skip_nnmodule_hook_guards"


@cache
def guard_hooks() -> None:
    """Once: have Dynamo look whether a layer has hooks, before it runs code that it compiled for one without.

    It skips that by default, so that a model that was compiled before it got hooks, and any model like it, would run
    without them.  Code compiled before is dropped.  A program that sets the option itself is left alone.
    """
    if _DYNAMO in sys.modules:
        _guard(sys.modules[_DYNAMO])
        torch.compiler.reset()
    else:  # importing it takes a second, and most programs do not compile
        sys.meta_path.insert(0, _OnImport())


def _guard(config: Any) -> None:
    # As the default: an option that is set holds for the thread that set it alone.
    entry = getattr(config, "_config", {}).get(_SKIPPED)
    if entry is not None:
        entry.default = False
    else:
        setattr(config, _SKIPPED, False)


class _OnImport(MetaPathFinder):
    """Sets Dynamo's option when its options are imported, and then leaves."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """The module as the other finders find it."""
        if fullname != _DYNAMO:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            _guard(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
