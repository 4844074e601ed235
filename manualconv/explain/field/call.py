"""One call of one of torch's functions while a network is followed, and where the rules for them are entered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from torch import Tensor

from manualconv.explain.field.axis import hull
from manualconv.explain.field.tensor import Field


def tensors_in(values: Any) -> Iterator[Tensor]:
    """All tensors in nested lists, tuples and dictionaries."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple, dict)):
        for value in values.values() if isinstance(values, dict) else values:
            yield from tensors_in(value)


@dataclass(frozen=True)
class Call:
    """A call that was made, and what its arguments see.

    Attributes:
        function: torch's, or ours.
        name: of the function.
        args, kwargs: as it was called.
        seeing: the tensors among them that see something of the input.
        fields: theirs, by identity.
        outs: the tensors that came back.
    """

    function: Callable[..., Any]
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    seeing: Sequence[Tensor]
    fields: Mapping[int, Field]
    outs: tuple[Tensor, ...]

    def given(self, place: int, name: str, otherwise: Any = None) -> Any:
        """An argument by its place or name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(name, otherwise)

    @property
    def input(self) -> Tensor:
        """The first argument."""
        first = self.given(0, "input")
        tensor: Tensor = first if isinstance(first, Tensor) else self.seeing[0]
        return tensor

    @property
    def main(self) -> Field:
        """What the first argument sees; of a later one, as a weight that was computed, every unit sees all."""
        own = self.fields.get(id(self.input))
        others = [self.fields[id(t)] for t in self.seeing if t is not self.input]
        field = own or Field((None,) * self.input.dim(), (None,) * len(others[0].spans))
        for other in others:
            spans = other.mixed(range(len(other.axes))).spans
            field = replace(field, spans=tuple(map(hull, zip(field.spans, spans))))
        return field

    @property
    def ndim(self) -> int:
        """2 in ``conv2d``."""
        found = re.search(r"(\d)d", self.name)
        return int(found.group(1)) if found else self.input.dim() - 2

    @property
    def sizes(self) -> list[int]:
        """Of the result's last `ndim` axes."""
        return list(self.outs[0].shape)[-self.ndim :]


#: One field for every result, or a list of one each.
Rule = Callable[[Call], Field | list[Field]]
RULES: dict[str, Rule] = {}


Result = TypeVar("Result", Field, list[Field])


def rule(*names: str) -> Callable[[Callable[[Call], Result]], Callable[[Call], Result]]:
    """Enter a rule under the names of the functions that it is for."""

    def enter(function: Callable[[Call], Result]) -> Callable[[Call], Result]:
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter


def each(*names: str) -> list[str]:
    """The names in one, two and three dimensions."""
    return [f"{name}{ndim}d" for name in names for ndim in (1, 2, 3)]
