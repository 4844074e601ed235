"""Reports about arguments and functions of torch's that handle themselves, and about `by_hand` around them."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.overrides import get_testing_overrides

from manualconv import by_hand
from manualconv.swap.mode import ByHand
from manualconv.swap.table import COMPOSITES
from manualconv.torch_internals import function_modes

# ------------------------------------------------------ functions of torch's that ask for overrides themselves (row 26)


class TooOften(BaseException):
    """Raised where a function is offered again and again; torch catches Exceptions."""


class Counted(ByHand):
    """The block, which stops what enters itself for ever long before Python does."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.depth += 1
        if self.depth > 20:
            raise TooOften(func)
        try:
            return super().__torch_function__(func, types, args, kwargs)
        finally:
            self.depth -= 1


def asking_functions() -> Iterator[Callable[..., Any]]:
    """Every Python function of torch's whose code asks for overrides, wherever it is kept."""
    seen = set()
    for module in [m for name, m in sys.modules.items() if name.split(".")[0] == "torch"]:
        for value in list(vars(module).values()):
            for found in [value, *(vars(value).values() if isinstance(value, type) else ())]:
                function = found.fget if isinstance(found, property) else found
                bare = inspect.unwrap(function) if isinstance(function, types.FunctionType) else None
                if isinstance(bare, types.FunctionType) and function not in seen:
                    asks = any(name.startswith("has_torch_function") for name in bare.__code__.co_names)
                    if asks and not bare.__module__.startswith(("torch.distributed", "torch._higher_order")):
                        seen.add(function)
                        yield function


def required(signature: inspect.Signature) -> int:
    """How many arguments a call must give by position."""
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.default is p.empty and p.kind in places for p in signature.parameters.values())


def overridable() -> dict[Callable[..., Any], int]:
    """Every function of torch's that asks, by its own account or by its code → how many arguments it must have."""
    told = {function: required(inspect.signature(dummy)) for function, dummy in get_testing_overrides().items()}
    found = {function: required(inspect.signature(function)) for function in asking_functions()} | told
    return {f: count for f, count in found.items() if "distributed" not in str(getattr(f, "__module__", ""))}


@pytest.mark.parametrize(
    ("function", "args", "value"),
    [
        (torch.sym_int, (2.5,), 2),
        (torch.sym_float, (3,), 3.0),
        (torch.sym_max, (2, 5), 5),
        (torch.sym_min, (2, 5), 2),
        (torch.sym_not, (True,), False),
        (torch.sym_sum, ([1, 2, 4],), 7),
        (torch.sym_ite, (True, 1, 2), 1),
        (torch.sym_sqrt, (9,), 3.0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.parametrize("depth", [1, 3])
def test_a_function_that_asks_for_overrides_itself_is_offered_for_ever(
    function: Callable[..., Any], args: tuple[Any, ...], value: object, depth: int
) -> None:
    """Row 26: RecursionError, and a mode stack that had lost its modes."""
    blocks = [by_hand() for _ in range(depth)]
    for block in blocks:
        block.__enter__()
    try:
        assert function(*args) == value
        assert function_modes() == blocks
    finally:
        for block in reversed(blocks):
            block.__exit__(None, None, None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fill", [2.5, "vector", "matrix"])
def test_no_function_of_torch_is_offered_for_ever(fill: float | str) -> None:
    """Row 26: all that can be called, with what it does not take too; the stack is whole after each."""
    values = {"vector": torch.ones(3), "matrix": torch.ones(3, 3)}
    value = values[fill] if isinstance(fill, str) else fill
    functions, answered = overridable(), 0
    assert len(functions) > 1400
    for function, count in functions.items():
        with Counted() as block:
            try:
                function(*[value] * count)
                answered += 1
            except Exception:
                pass
            assert function_modes() == [block], function
        assert not function_modes(), function
    assert answered > 30


def test_a_body_asks_no_more() -> None:
    """Row 26: what is entered has lost the question, under whatever name it asks."""
    questions = [getattr(torch.overrides, f"has_torch_function{kind}") for kind in ("", "_unary", "_variadic")]
    for function, body in COMPOSITES.items():
        for name in body.__code__.co_names:
            assert body.__globals__.get(name) not in (*questions, torch.overrides), function
    assert torch.nn.functional.multi_head_attention_forward in COMPOSITES
