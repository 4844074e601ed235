"""For each callable in the table, calls that reach it: the catalogue's examples, and what only a spelling can say.

A name takes the examples of the function that it spells, with its arguments by position and, where torch has a
signature, by name; a name with an underscore overwrites.  What torch's own does not take so stands in `spelled`.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.swap.table import TABLE
from manualconv.testing.catalogue import OPERATIONS, Example
from manualconv.testing.catalogue.question import function
from tests.swap.calls.spelled import IMAGES as IMAGES
from tests.swap.calls.spelled import OTHERWISE, SPELLED, Call, Calls, first
from tests.swap.calls.spelled import ROWS as ROWS


def _named(spelling: Callable[..., Any], lead: int, **more: Any) -> Callable[..., Any]:
    """The same with the arguments behind the tensors by name; None where torch has no signature."""
    names = list(inspect.signature(spelling).parameters)[lead:]
    return lambda *given, **options: spelling(*given[:lead], **dict(zip(names, given[lead:])), **options, **more)


def _ways(spelling: Callable[..., Any], example: Example) -> Iterator[Callable[..., Any]]:
    """How a spelling is called."""
    yield (
        (lambda x, *given, **options: spelling(x * 1, *given, **options)) if spelling.__name__[-1] == "_" else spelling
    )
    try:
        names = inspect.signature(spelling).parameters
    except ValueError:
        return
    if "input" in names and "_with_indices" not in spelling.__name__ and len(example.shapes) == 1:
        yield _named(spelling, 1)
    if "inplace" in names:
        yield lambda x, *given, **options: spelling(x * 1, *given, **options, inplace=True)
    if "return_indices" in names:
        yield lambda *given, **options: first(spelling(*given, **options, return_indices=True))


def _dtype(name: str) -> torch.dtype:
    """torch multiplies by a sixth of single precision in hardsigmoid's slope."""
    return torch.float32 if name == "hardsigmoid" else torch.float64


def _called(way: Callable[..., Any], example: Example) -> Callable[..., Tensor]:
    """An example of a way to call it, a tuple's first if it gives one."""

    def call(*tensors: Tensor) -> Tensor:
        tensors = tuple(t.to(_dtype(example.name)) for t in tensors)
        y = example.form(way)(*tensors, *example.arguments, **example.options)
        return first(y) if isinstance(y, tuple) else y

    return call


def _derived(spelling: Callable[..., Any]) -> Iterator[Call]:
    """Calls of a name with the arguments of the function that it spells."""
    name = spelling.__name__.strip("_").removesuffix("_with_indices").removeprefix("special_")
    if name not in OPERATIONS or spelling in OTHERWISE:
        return
    operation = OPERATIONS[name]
    # torch derives no falling line that was written in place: it comes last, and not at all where a name overwrites.
    rows = sorted(operation.examples.items(), key=lambda row: "falling" in row[0])
    falling = spelling.__name__[-1] != "_"
    examples = [example for label, example in rows if "askew" not in label and (falling or "falling" not in label)]
    for n, example in enumerate(examples):
        ways = [*_ways(spelling, example)][: None if n == 0 else 1]
        yield from ((_called(way, example), example.shapes) for way in ways)
    if spelling is function(F, name) and operation.layers:
        module, shape = operation.layers[0].of(torch.nn).to(_dtype(name)), operation.layers[0].input
        yield lambda x: module(x.to(_dtype(name))), (shape,)


CALLS: Calls = {spelling: [*_derived(spelling), *SPELLED.get(spelling, ())] for spelling in TABLE}
