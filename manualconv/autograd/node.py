"""A function as one node of a compiled graph: the graph holds the call y = f(x, a), not the operations of f.

A graph holds tensors, numbers, words and tuples of them.  The frozen arguments of our maps travel through it as tuples.

Shapes: those of f.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch

from manualconv.geometry import Extension, Intervals, TransposedWindow, Window
from manualconv.torch_internals import at_trace_time

#: The frozen arguments of maps: in a graph they travel as tuples, which it can hold.
_FROZEN: tuple[type[Any], ...] = (Window, TransposedWindow, Extension, Intervals)
_NAMES = tuple(tuple(field.name for field in fields(kind)) for kind in _FROZEN)


def _packed(argument: Any) -> Any:
    """A frozen argument as a tuple that begins with the name of its kind; all else as it is."""
    for kind, names in zip(_FROZEN, _NAMES):
        if type(argument) is kind:
            return (kind.__name__, *[getattr(argument, name) for name in names])
    return argument


def _unpacked(argument: Any) -> Any:
    """The argument that was packed."""
    if isinstance(argument, tuple) and argument and isinstance(argument[0], str):
        kind = next((kind for kind in _FROZEN if kind.__name__ == argument[0]), None)
        return argument if kind is None else kind(*argument[1:])
    return argument


def as_node(run: Callable[..., Any]) -> Callable[..., Any]:
    """A function that Dynamo puts into its graph as one call, without looking inside: f sees sizes as plain numbers.

    Its arguments are tensors, numbers, words, tuples of them, and the frozen ones.
    """

    def node(*args: Any) -> Any:
        return run(*map(_unpacked, args))

    node.__name__ = node.__qualname__ = run.__name__
    node.__module__ = run.__module__

    @at_trace_time
    def allow() -> bool:
        torch.compiler.allow_in_graph(node)
        return True

    def call(*args: Any) -> Any:
        if not torch.compiler.is_dynamo_compiling():
            return run(*args)
        allow()
        return node(*[_packed(argument) for argument in args])

    return call
