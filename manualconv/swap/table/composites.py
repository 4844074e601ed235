"""The functions of torch's that call others, and offer themselves to a mode first."""

from __future__ import annotations

from collections.abc import Iterable
from types import FunctionType
from typing import Any

import torch

from manualconv.swap.table.spelling import Operation

#: What torch's functions ask before they offer themselves; each is also true under any mode.
QUESTIONS = (
    torch.overrides.has_torch_function,
    torch.overrides.has_torch_function_unary,
    torch.overrides.has_torch_function_variadic,
)


def _never(*_: Any) -> bool:
    return False


def bodies(functions: dict[str, Any], known: Iterable[Operation]) -> dict[Operation, Operation]:
    """The functions among these that offer themselves to a mode, without the offer: their bodies.

    A mode is off while it handles a function, so that what ``multi_head_attention_forward`` calls would not be seen.
    Called with the mode on, it would offer itself again, for ever.

    An offer is found by what the name stands for, not by how it is spelled.  A function that reaches the question
    through its module (``overrides.has_torch_function_unary`` in ``torch.sym_int``) keeps it and is not among the
    bodies: none of these calls a layer.
    """
    namespaces: dict[int, dict[str, Any]] = {}
    found: dict[Operation, Operation] = {}
    for function in functions.values():
        if not isinstance(function, FunctionType) or function in known:
            continue
        own = function.__globals__
        names = function.__code__.co_names
        offers = [name for name in names if own.get(name, _never) in QUESTIONS]
        if offers and not any(own.get(name) is torch.overrides for name in names):
            space = namespaces.setdefault(id(own), dict(own))
            space.update(dict.fromkeys(offers, _never))
            body = FunctionType(
                function.__code__, space, function.__name__, function.__defaults__, function.__closure__
            )
            body.__kwdefaults__ = function.__kwdefaults__
            found[function] = body
    return found
