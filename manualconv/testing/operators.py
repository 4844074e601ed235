"""An operator that is registered with torch, called as torch's function of its operation is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from manualconv.testing.adapters import Unusable, as_torch_says, bound, is_default


class Arguments(NamedTuple):
    """What an operator is called with."""

    places: tuple[Any, ...]
    names: dict[str, Any]


class Parameter(NamedTuple):
    """What a schema says of an argument."""

    name: str
    kind: str
    by_name_alone: bool


def parameters(operator: Any) -> tuple[Parameter, ...]:
    """What its schema takes; that of its one overload, or of the one without a name.  Raises `Unusable`."""
    names = operator.overloads() if hasattr(operator, "overloads") else []
    overload = getattr(operator, names[0] if len(names) == 1 else "default", None) if names else operator
    schema = getattr(overload, "_schema", None)
    if schema is None:
        some = f"; of its overloads {', '.join(names)} one is needed" if names else ""
        raise Unusable(f"it is a {type(operator).__name__}, no operator{some}")
    return tuple(Parameter(each.name, str(each.type), bool(each.kwarg_only)) for each in schema.arguments)


def arguments(schema: Sequence[Parameter], operation: str, args: tuple[Any, ...], options: dict[str, Any]) -> Arguments:
    """A call in the words of a schema: by name where torch's function has the name, else by place.

    Raises TypeError where something is said that it has no argument for, and NotImplementedError where its type does
    not hold what is said.
    """
    values = {name: as_torch_says(value) for name, value in bound(operation, args, options).items()}
    order, places, names, taken = list(values), [], {}, set()
    for place, parameter in enumerate(schema):
        if parameter.name not in values and place >= len(order):
            break  # what torch's function does not have is left as it is by default
        name = parameter.name if parameter.name in values else order[place]
        taken.add(name)
        value = _typed(values[name], parameter, operation)
        if parameter.by_name_alone:
            names[parameter.name] = value
        else:
            places.append(value)
    for name, value in values.items():
        if name not in taken and not is_default(operation, name, value):
            raise TypeError(f"the operator got an unexpected keyword argument {name!r}")
    return Arguments(tuple(places), names)


def _typed(value: Any, parameter: Parameter, operation: str) -> Any:
    """A schema has lists where torch's functions take one number for all axes, and seldom strings."""
    if isinstance(value, str) and "str" not in parameter.kind:
        raise NotImplementedError(
            f"{parameter.name} is {parameter.kind} in the operator's schema, which {value!r} is not"
        )
    if isinstance(value, int) and "List" in parameter.kind and operation[-2:-1].isdigit():
        return [value] * int(operation[-2])
    return value


def of_operator(operator: Any, operation: str) -> Callable[..., Any]:
    """An operator with torch's signature.  Raises `Unusable`."""
    schema = parameters(operator)

    def call(*args: Any, **options: Any) -> Any:
        places, names = arguments(schema, operation, args, options)
        return operator(*places, **names)

    return call
