"""A bad call that runs on torch's names and on ours, and what came of it."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

import manualconv.functional
import manualconv.nn

Library = SimpleNamespace
TORCH = Library(nn=torch.nn, functional=torch.nn.functional)
OURS = Library(nn=manualconv.nn, functional=manualconv.functional)


@dataclass(frozen=True)
class Row:
    """One bad call.

    Attributes:
        number: of the mistake; several calls may make the same one.
        name: of this call.
        call: makes it, with a library's ``nn`` and ``functional``.
        words: how torch's message opens; … stands for anything.  Empty where torch accepts the call.
        says: what our message holds besides: what came, the rule's numbers, the fix.
        ours: how our message opens where torch's blames something else.
        theirs: torch's own code raises it in both libraries.
        dangerous: crashed or hung a torch once, so that it runs in a process of its own.
        refused: why ours raises where torch accepts; `ours` is how it opens then.
        changes: the arguments of `function` that make a good call bad, if it is such a call.
    """

    number: int
    name: str
    call: Callable[[Any], Any]
    words: str
    says: tuple[str, ...] = ()
    ours: str = ""
    theirs: bool = False
    dangerous: bool = False
    refused: str = ""
    function: str = ""
    changes: dict[str, Any] = field(default_factory=dict)


#: Words that stand for all.
ANY = "…"


@dataclass(frozen=True)
class Outcome:
    """What a call raised, or else returned."""

    error: type[BaseException] | None
    message: str
    value: Any = None


def outcome(call: Callable[[Any], Any], library: Any) -> Outcome:
    """Make the call; what torch only warns about is its own affair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Outcome(None, "", call(library))
        except Exception as e:
            return Outcome(type(e), str(e))


def opens(message: str, words: str) -> bool:
    """Whether a message begins with the words, … standing for anything."""
    return re.match(".*?".join(map(re.escape, words.split("…"))), message, re.DOTALL) is not None


def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Small integers, whose sums of products are exact in any dtype."""
    return (torch.arange(torch.Size(shape).numel()) % 7 - 3).reshape(shape).to(dtype)


#: Number of the mistake, name of the call, what is changed of a right call, what our hint says of it (nothing where
#: torch takes the call), options of `Row`.
Mistakes = Iterator[tuple[Any, ...]]


def bad_calls(function: str, right: dict[str, Any], *mistakes: Mistakes) -> Iterator[Row]:
    """Rows of calls that are refused in torch's words of the day.

    Besides: what is no tensor in each tensor's place, and an argument that there is not, for which Python has words.
    """
    unknown = f"{function}() got an unexpected keyword argument 'stide'"
    misspelt = (64, "unknown argument", {"stide": 2}, unknown, {"ours": unknown})
    for number, name, changes, *says in chain(*mistakes, _no_tensors(function, right), [misspelt]):
        options = says.pop() if says and isinstance(says[-1], dict) else {}
        call = partial(_called, function, {**right, **changes})
        what = {"words": ANY if says else "", "says": tuple(says), "function": function, "changes": changes}
        yield Row(number, f"{function}, {name}", call, **what, **options)


def _no_tensors(function: str, right: dict[str, Any]) -> Mistakes:
    parameters = inspect.signature(inspect.unwrap(getattr(manualconv.functional, function))).parameters
    for key, t in right.items():
        needed = parameters[key].default is inspect.Parameter.empty and not key.startswith("running")
        for value in (*((None,) if needed else ()), 1.0, "x", t.tolist(), t.numpy()) if isinstance(t, Tensor) else ():
            yield 47 if value is None else 48, f"{type(value).__name__} for {key}", {key: value}, "torch.as_tensor"


def _called(function: str, arguments: dict[str, Any], library: Any) -> Any:
    return getattr(library.functional, function)(**arguments)
