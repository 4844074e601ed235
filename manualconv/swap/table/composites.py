"""The functions of torch's that call others, and offer themselves to a mode first."""

from __future__ import annotations

from collections.abc import Iterable
from types import FunctionType
from typing import Any

from manualconv.swap.table.spelling import Operation


def _never(*_: Any) -> bool:
    return False


def bodies(functions: dict[str, Any], known: Iterable[Operation]) -> dict[Operation, Operation]:
    """The functions among these that offer themselves to a mode, without the offer: their bodies.

    A mode is off while it handles a function, so that what ``multi_head_attention_forward`` calls would not be seen.
    Called with the mode on, it would offer itself again, for ever.
    """
    namespaces: dict[int, dict[str, Any]] = {}
    found: dict[Operation, Operation] = {}
    for function in functions.values():
        if not isinstance(function, FunctionType) or function in known:
            continue
        offers = [name for name in function.__code__.co_names if name.startswith("has_torch_function")]
        if offers:
            own = function.__globals__
            space = namespaces.setdefault(id(own), dict(own))
            space.update(dict.fromkeys(offers, _never))
            body = FunctionType(
                function.__code__, space, function.__name__, function.__defaults__, function.__closure__
            )
            body.__kwdefaults__ = function.__kwdefaults__
            found[function] = body
    return found
