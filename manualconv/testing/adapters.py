"""What somebody else wrote, as a library: an object whose attributes are functions with torch's signatures.

A question of the catalogue asks a library for its function of a name.  Here the library is one implementation: a
function, a `torch.autograd.Function`, a `torch.nn.Module` class or a `Pair` of NumPy functions.  Each is called with
the arguments that torch's function takes, whatever of them a question leaves out filled in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.overrides import get_testing_overrides

from manualconv import functional
from manualconv.testing.pair import Pair

Implementation = Callable[..., Any]


class Unusable(ValueError):
    """Why a thing cannot be examined, in one sentence."""


@cache
def signature(operation: str) -> inspect.Signature:
    """Of torch's function, with our defaults; what only ours takes is left out.

    Many of torch's functions are written in C and have no signature of their own: `torch.overrides` keeps one for each.
    """
    ours = inspect.signature(getattr(functional, operation))
    kept = get_testing_overrides().get(torch_s(operation))
    if kept is None:
        return ours
    names = inspect.signature(kept).parameters
    return ours.replace(parameters=[p for name, p in ours.parameters.items() if name in names])


def bound(operation: str, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """All arguments of a call by their names, in order."""
    call = signature(operation).bind(*args, **options)
    call.apply_defaults()
    return dict(call.arguments)


def is_default(operation: str, name: str, value: Any) -> bool:
    """Whether an argument is what it is where nobody says anything; ``stride=(1, 1)`` is ``stride=1``."""
    default = signature(operation).parameters[name].default
    if isinstance(value, Tensor) or default is inspect.Parameter.empty:
        return False
    if isinstance(value, (tuple, list)) and isinstance(default, int):
        return all(is_default(operation, name, each) for each in value)
    return bool(value == default) and type(value) is type(default)


def as_torch_says(value: Any) -> Any:
    """Padding that is alike on both sides as torch says it, one number an axis; other numbers as they are."""
    if isinstance(value, tuple) and value and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        return tuple(lo for lo, _ in value) if all(lo == hi for lo, hi in value) else value
    return value


def is_the_kernel(call: Mapping[str, Any], name: str) -> bool:
    """Whether a stride is the kernel's size, which it is in a pooling where nobody says any."""
    sizes = [as_torch_says(call.get(each)) for each in (name, "kernel_size")]
    one, other = ((size,) * 3 if isinstance(size, int) else size for size in sizes)
    return name == "stride" and None not in (one, other) and all(a == b for a, b in zip(one, other))


def said(operation: str, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """A call as a person would write it: arguments without a default by place, the others by name where they differ."""
    places, names = [], {}
    call = bound(operation, args, options)
    for name, value in call.items():
        value = as_torch_says(value)
        if signature(operation).parameters[name].default is None and is_the_kernel(call, name):
            continue
        if signature(operation).parameters[name].default is inspect.Parameter.empty:
            places.append(value)
        elif not is_default(operation, name, value):
            names[name] = value
    return places, names


# --------------------------------------------------------------------------------------------- kinds of things


def of_function(apply: Implementation, operation: str) -> Implementation:
    """A function with torch's signature: what it does not know is left out where it has its default."""
    needed = _needed(apply)

    def call(*args: Any, **options: Any) -> Any:
        places, names = said(operation, args, options)
        missing = [name for name in needed[len(places) :] if name not in names]
        if missing and set(missing) <= set(bound(operation, args, options)):
            raise NotImplementedError(f"it needs {' and '.join(missing)}")
        return apply(*places, **names)

    return call


def _needed(apply: Implementation) -> tuple[str, ...]:
    """Arguments without which a function cannot be called, as far as that is known."""
    try:
        parameters = inspect.signature(apply).parameters.values()
    except (TypeError, ValueError):  # written in C
        return ()
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    return tuple(p.name for p in parameters if p.kind in kinds and p.default is p.empty)


def arguments_of(function: type[Function], operation: str) -> tuple[str, ...]:
    """torch's names of what a Function's forward takes, in its order: by its own names where they are torch's.

    Other names stand for whatever is next in torch's order, so that ``x, w, stride`` are input, weight and stride.
    """
    parameters = list(inspect.signature(function.forward).parameters.values())
    parameters = parameters["setup_context" not in vars(function) :]
    left = list(signature(operation).parameters)
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return tuple(left)
    found = list[str]()
    for p in parameters:
        if not left:
            break
        place = left.index(p.name) if p.name in left else 0
        found.append(left[place])
        del left[: place + 1]
    return tuple(found)


def of_autograd_function(function: type[Function], operation: str) -> Implementation:
    """``Function.apply`` by place; what its forward does not take has to have its default."""
    taken = arguments_of(function, operation)

    def call(*args: Any, **options: Any) -> Any:
        arguments = bound(operation, args, options)
        for name, value in arguments.items():
            if name not in taken and not is_default(operation, name, value):
                raise TypeError(f"forward() got an unexpected keyword argument {name!r}")
        return function.apply(*(as_torch_says(arguments[name]) for name in taken))

    return call


class _ByPair(Function):
    """A pair's two passes; of its second derivative NumPy knows nothing."""

    @staticmethod
    def forward(ctx: Any, pair: Pair, names: tuple[str, ...], options: dict[str, Any], *tensors: Tensor) -> Tensor:
        if any(t.dtype == torch.bfloat16 for t in tensors):
            raise NotImplementedError("NumPy has no bfloat16")
        ctx.save_for_backward(*tensors)
        ctx.pair, ctx.names, ctx.options = pair, names, options
        return _tensor(pair.forward(*(t.detach().numpy() for t in tensors), **options), "forward")

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled() and grad_output.requires_grad:
            raise NotImplementedError("a Pair has no second derivative")
        tensors = ctx.saved_tensors
        arrays = [t.detach().numpy() for t in (grad_output, *tensors)]
        bars = ctx.pair.backward(*arrays, **ctx.options)
        if not isinstance(bars, (tuple, list)) or len(bars) != len(tensors):
            got = f"{len(bars)} entries" if isinstance(bars, (tuple, list)) else type(bars).__name__
            needed = f"a tuple with one entry for each of {', '.join(ctx.names)}"
            raise TypeError(f"backward returned {got}; {needed} is needed")
        return None, None, None, *(None if bar is None else _tensor(bar, "backward") for bar in bars)


def _tensor(array: Any, who: str) -> Tensor:
    if not isinstance(array, (np.ndarray, np.generic)):
        raise TypeError(f"{who} returned {type(array).__name__}; a NumPy array is needed")
    return torch.from_numpy(np.array(array))


def of_pair(pair: Pair, operation: str) -> Implementation:
    """NumPy arrays in, NumPy arrays out."""

    def call(*args: Any, **options: Any) -> Any:
        values = {name: as_torch_says(value) for name, value in bound(operation, args, options).items()}
        tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        rest = {
            name: value
            for name, value in values.items()
            if name not in tensors and not (value is None and name in OPTIONAL_TENSORS)
        }
        if not _takes(pair.forward, tensors.values(), rest):
            raise NotImplementedError(f"forward does not take {', '.join(tensors)} by place and its options by name")
        return _ByPair.apply(pair, tuple(tensors), rest, *tensors.values())

    return call


def _takes(forward: Callable[..., Any], tensors: Iterable[Tensor], options: dict[str, Any]) -> bool:
    """Whether there is a place for each tensor that no option claims; what else is wrong, the call itself says."""
    try:
        inspect.signature(forward).bind(*tensors, **options)
    except TypeError as error:
        return not any(words in str(error) for words in ("multiple values", "too many positional"))
    except ValueError:  # written in C
        pass
    return True


#: Arguments that are a tensor or None: a Pair gets those that are there.
OPTIONAL_TENSORS = frozenset({"bias", "weight", "running_mean", "running_var", "pos_weight", "_random_samples"})


def of_module(module: type[torch.nn.Module], operation: str) -> Implementation:
    """A class with the constructor of torch.nn's: built for each call, its parameters those of the call."""
    from manualconv.testing.modules import built

    def call(*args: Any, **options: Any) -> Any:
        said = {name: as_torch_says(value) for name, value in bound(operation, args, options).items()}
        return built(module, operation, said)

    return call


def adapted(thing: Any, operation: str) -> Implementation:
    """Anything that can be examined, as a function with torch's signature.  Raises `Unusable`."""
    if isinstance(thing, Pair):
        return of_pair(thing, operation)
    if inspect.isclass(thing) and issubclass(thing, Function):
        return of_autograd_function(thing, operation)
    if inspect.isclass(thing) and issubclass(thing, torch.nn.Module):
        return of_module(thing, operation)
    if isinstance(thing, torch.nn.Module):
        raise Unusable(f"it is a {type(thing).__name__} object: the class itself is examined, with its constructor")
    if callable(thing):
        return of_function(thing, operation)
    kinds = "a function, a torch.autograd.Function, a torch.nn.Module class or a manualconv.testing.Pair"
    raise Unusable(f"it is a {type(thing).__name__}: {kinds} is needed")


class Library:
    """One implementation under its operation's name; for other names there is nothing."""

    def __init__(self, **implementations: Implementation) -> None:
        vars(self).update(implementations)


def torch_s(operation: str) -> Any:
    """torch's own function, or None."""
    return getattr(F, operation, None) or getattr(torch, operation, None)
