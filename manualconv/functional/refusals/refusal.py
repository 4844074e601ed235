"""How a bad call is refused: in the words of the running torch, and a hint of ours behind them.

A check raises `Refusal(hint)`: what came, the rule with its numbers, the fix.  It quotes nothing.  `asking`, through
which every public function is called, catches it, makes the very call of torch's function, and raises what that raises:
its type, the first line of its message, and the hint in brackets.  So the types and their order are torch's.

To write a family's checks:

1. Look at the kinds of all arguments first (`arguments`): torch's parser does.
2. Then whatever crashes or hangs a torch: raise the error itself, of torch's type, in words of ours.  No `Refusal` may
   come before it, for torch would be asked.
3. Then the rest, in any order: ``if wrong: raise Refusal("stride=0 must be 1 or more")``.
4. What torch takes and ours does not, or what only ours has: the error itself; or ``Refusal(hint, TypeError)``, whose
   second argument is the type where torch has no error, or no such function.
5. Plain sizes are judged once: put the rules of whole numbers behind `once`.

Torch is asked outside all modes, of functions and of operators, with a copy of each tensor that it may overwrite, so
that statistics are as before; the random state is, too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from manualconv.torch_internals import handles_operators, no_function_modes, no_operator_modes, not_compiled

P = ParamSpec("P")
T = TypeVar("T")

#: Arguments of functions that write to a tensor they are given, and of those that draw random numbers.
_WRITING = frozenset({"inplace", "running_mean"})
_DRAWING = frozenset({"p", "dropout_p", "_random_samples"})
#: Where a kernel that fails raises an error like any other.
ASKED_ON = {"cpu", "meta"}


class Refusal(RuntimeError):
    """What is wrong with a call: a hint, and the type of the error where torch has none."""


class RefusalByValue(Refusal):
    """The same of what tensors hold: an accelerator finds it in a kernel, whose failure ends all work there."""


def once(rule: Callable[P, T]) -> Callable[P, T]:
    """A rule of plain numbers, computed once for each; symbolic ones cannot be looked up, and no error is kept."""
    kept = lru_cache(4096)(rule)

    @wraps(rule)
    def looked_up(*numbers: P.args, **named: P.kwargs) -> T:
        if torch.compiler.is_compiling():
            return rule(*numbers, **named)
        try:
            return kept(*numbers, **named)  # type: ignore[arg-type]
        except TypeError:  # a symbolic number has no hash
            return rule(*numbers, **named)

    return looked_up


def writes_and_draws(function: Callable[..., Any]) -> tuple[bool, bool]:
    """Whether a public function may write to a tensor that it is given, and whether it may draw random numbers."""
    code = function.__code__
    named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return not _WRITING.isdisjoint(named), not _DRAWING.isdisjoint(named)


def _operand(value: Any, copied: bool) -> Any:
    """An argument as torch is asked with it: no part of a graph, but for a tensor without axes.

    Where torch's parser wants a number, it looks whether a derivative is asked for.
    """
    if not isinstance(value, Tensor):
        return value
    value = value.detach() if value.dim() else value
    return value.clone() if copied else value


@not_compiled("this call is refused; outside torch.compile, or without fullgraph, the error says why")
def explained(
    refusal: Refusal,
    name: str,
    theirs: Callable[..., Any] | None,
    args: Any,
    kwargs: Any,
    copied: bool = False,
    draws: bool = False,
) -> Exception:
    """The error of a refused call: torch's own with the hint, or ours where torch has none."""
    hint, *kind = refusal.args
    devices = {value.device.type for value in (*args, *kwargs.values()) if isinstance(value, Tensor)}
    if isinstance(refusal, RefusalByValue) and not devices <= ASKED_ON:
        theirs = None
    error = None if theirs is None else asked(theirs, args, kwargs, copied, draws)
    if error is None:
        return kind[0](f"{name}(): {hint}") if kind else RuntimeError(f"{name}(): {hint}")
    said, *_ = str(error).split("\n", 1)
    try:
        return type(error)(f"{said} [{hint}]")
    except Exception:  # a type of torch's own that is made of something else
        return error


def asked(
    theirs: Callable[..., Any], args: Any, kwargs: Any, copied: bool = False, draws: bool = False
) -> Exception | None:
    """What torch raises for a call; None if it takes it.

    All threads share the random state and the filters of warnings: the first is set back only where torch may draw, the
    second are left alone.
    """
    tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
    with ExitStack() as off:
        off.enter_context(no_function_modes())
        if not any(map(handles_operators, tensors)):  # a fake tensor is nothing without its mode
            off.enter_context(no_operator_modes())
        if draws:
            off.enter_context(torch.random.fork_rng([t.device for t in tensors if t.is_cuda]))
        try:
            theirs(*(_operand(a, copied) for a in args), **{key: _operand(a, copied) for key, a in kwargs.items()})
        except Exception as error:
            return error
    return None
