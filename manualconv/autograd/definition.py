"""What your own derivative must give; checked when its class is defined.

    y = f(x, a)         forward(x, a)
    what is kept        setup_context(ctx, inputs, output)
    x̄ = (∂y/∂x)ᵀ ȳ      backward(ctx, y_bar)
    ẏ = (∂y/∂x) ẋ       jvp(ctx, x_dot, a_dot)
    y, a sample each    vmap(info, in_dims, x, a)

A rule that is missing, that is not static or that takes another number of arguments raises a TypeError in the class
statement, which says how to write it.  Faults that only results show are found by `manualconv.autograd.first_run`.

Shapes: those of f; none is known yet.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

from torch.autograd import Function

PAGE = "docs/DERIVATIVES.md"

#: The rules that a class may leave out, by ``name = None``, and the error that torch raises where one is needed.
OPTIONAL: dict[str, type[Exception]] = {
    "backward": NotImplementedError,
    "jvp": NotImplementedError,
    "vmap": RuntimeError,
}
_MODES = {"backward": "reverse mode", "jvp": "forward mode", "vmap": "torch.func.vmap"}


def _form(name: str, arguments: Sequence[str]) -> str:
    """How a rule is written for a forward of these arguments, and what it returns."""
    listed = ", ".join(arguments)
    dots = ", ".join(f"{a}_dot" if not a.startswith("*") else a for a in arguments)
    return {
        "forward": "forward(x, *numbers), which returns the output",
        "setup_context": "setup_context(ctx, inputs, output), which keeps what the other rules read",
        "backward": f"backward(ctx, y_bar), which returns a gradient for each of ({listed}), None for what has none",
        "jvp": f"jvp(ctx, {dots}), which returns the tangent of the output",
        "vmap": f"vmap(info, in_dims, {listed}), which returns the output and its mapped axis",
        "times_slope": f"times_slope(kept, t, {', '.join(arguments[1:])})".replace(", )", ")")
        + ", which returns φ′ ⊙ t",
        "adjoint": f"adjoint(y_bar, shape, {', '.join(arguments[1:])})".replace(", )", ")")
        + ", which returns the gradient of forward's first argument, whose shape it is",
    }[name]


def _code(rule: Any) -> CodeType | None:
    """The code that takes a rule's arguments, below its decorators; None where it cannot be seen."""
    return getattr(inspect.unwrap(rule), "__code__", None)


def _fits(rule: Callable[..., Any], count: int) -> bool:
    """Whether a rule can be called with so many arguments."""
    code = _code(rule)
    if code is None:
        return True
    plain = inspect.unwrap(rule)
    fewest = code.co_argcount - len(plain.__defaults__ or ())
    if code.co_kwonlyargcount > len(plain.__kwdefaults__ or ()) or count < fewest:
        return False
    return count <= code.co_argcount or bool(code.co_flags & inspect.CO_VARARGS)


def arguments_of(forward: Any) -> list[str]:
    """The names of forward's arguments; the last has a star where it takes any number."""
    code = _code(forward)
    assert code is not None
    names = list(code.co_varnames[: code.co_argcount])
    rest = code.co_argcount + code.co_kwonlyargcount
    return [*names, f"*{code.co_varnames[rest]}"] if code.co_flags & inspect.CO_VARARGS else names


def _faults_of_forward(forward: Any, arguments: list[str], fewest: int) -> Iterator[str]:
    plain, code = inspect.unwrap(forward), _code(forward)
    assert code is not None
    if plain.__defaults__:
        names = ", ".join(code.co_varnames[: code.co_argcount][-len(plain.__defaults__) :])
        yield f"forward has defaults ({names}), which call does not fill in; give them in a function around call"
    if code.co_kwonlyargcount or code.co_flags & inspect.CO_VARKEYWORDS:
        yield "forward has keyword arguments, which call does not pass; make them positional"
    if not any(a.startswith("*") for a in arguments) and len(arguments) < fewest:
        yield f"forward takes {len(arguments)} arguments, but needs {fewest} or more"


def _written(cls: type, name: str) -> Any:
    """The staticmethod that a class gives for a rule; None if it leaves the rule out, Ellipsis if there is none."""
    for base in cls.__mro__:
        if name in vars(base):
            if base in Function.__mro__:
                break
            return vars(base).get("_written", {}).get(name, vars(base)[name])
    return ...


def fill_in(cls: Any, **made: Callable[..., Any]) -> None:
    """Give a class the rules that its kind implies, except those that it or one of its bases gives itself."""
    for name, rule in made.items():
        owner = next(base for base in cls.__mro__ if name in vars(base))
        if owner in Function.__mro__ or name in vars(owner).get("_made", ()):
            setattr(cls, name, staticmethod(rule))
            cls._made = {*vars(cls).get("_made", ()), name}


def rules_of(cls: type, names: Iterable[str], fewest: int = 1) -> dict[str, Callable[..., Any] | None]:
    """The rules that a class gives or inherits, as they were written; None where it says so.

    Args:
        cls: the class that is being defined.
        names: of its rules, ``forward`` first.
        fewest: how many arguments its forward has at least.

    Raises:
        TypeError: a rule is missing, is not static, or cannot take what it will get.
    """
    names, found, faults = list(names), dict[str, Callable[..., Any] | None](), list[str]()
    arguments = ["x", "*numbers"]
    for name in names:
        rule = _written(cls, name)
        edged = name == "adjoint" and getattr(cls, "flat", False) and not "".join(arguments[-1:]).startswith("*")
        taken = arguments[:-1] if edged else arguments  # an adjoint gets no edge
        if rule is ... or (rule is None and name not in OPTIONAL):
            if name == "vmap" and getattr(cls, "generate_vmap_rule", False):
                continue
            without = f", or say {name} = None" if name in OPTIONAL else ""
            faults.append(f"it has no {name}; give {_form(name, taken)}{without}")
        elif rule is None:
            found[name] = None
        elif not isinstance(rule, staticmethod):
            faults.append(f"{name} is no static method; put @staticmethod above it, and leave out self and cls")
        elif not callable(rule.__func__) or (name == "forward" and not isinstance(rule.__func__, FunctionType)):
            faults.append(f"{name} must be a function made by def, not {type(rule.__func__).__name__}")
        else:
            found[name] = rule.__func__
            if name == "forward":
                arguments = arguments_of(rule.__func__)
                faults += _faults_of_forward(rule.__func__, arguments, fewest)
            faults += _misfit(name, rule.__func__, taken)
    if found.get("vmap") is not None and getattr(cls, "generate_vmap_rule", False):
        faults.append("it has a vmap and generate_vmap_rule = True; leave one out")
    if faults:
        raise TypeError(f"{cls.__qualname__} is not a complete {cls.__mro__[1].__name__}: {'; '.join(faults)} ({PAGE})")
    return found


def _misfit(name: str, rule: Callable[..., Any], arguments: list[str]) -> list[str]:
    """What a rule cannot take of a forward with these arguments."""
    open_ended = bool(arguments) and arguments[-1].startswith("*")
    listing = name in ("jvp", "vmap", "times_slope", "adjoint")
    if name == "forward" or (open_ended and listing):
        return []
    counts = {"setup_context": 3, "jvp": 1, "vmap": 2, "times_slope": 1, "adjoint": 1}
    count = counts.get(name, 0) + (len(arguments) if listing else 0)
    # One cotangent an output, whose number forward alone knows.
    if any(_fits(rule, n) for n in (range(2, 20) if name == "backward" else [count])):
        return []
    return [
        f"{name}{inspect.signature(rule)} does not fit forward({', '.join(arguments)}); write {_form(name, arguments)}"
    ]


def refusal(cls: type, name: str) -> Callable[..., Any]:
    """A rule that raises, in the place of one that the class leaves out."""

    def refuse(*_: Any) -> Any:
        raise OPTIONAL[name](f"{cls.__name__} has no {name} ({name} = None), so {_MODES[name]} cannot go through it")

    return refuse
