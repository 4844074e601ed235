"""Where the code of a result stands: the maps and kernels that computed it, and the lines that are its equation.

Nothing here is typed in: `watched` asks the interpreter which functions a call enters, `stated` reads the source.

A *map* is a class of `manualconv.autograd`, whose docstring is its equation; a *kernel* is a function of
`manualconv.kernels` that a map calls for a tensor.  What only prepares a call, or chooses an algorithm, is left out.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NamedTuple, TypeVar

from torch import Tensor
from torch.autograd import grad

import manualconv
from manualconv.autograd.function import Map

T = TypeVar("T")

PACKAGE = Path(manualconv.__file__).parent
MAPS, KERNELS = str(PACKAGE / "autograd"), str(PACKAGE / "kernels")
#: It hands each map of a convolution to the algorithm that was chosen.
DISPATCHER = str(PACKAGE / "kernels" / "correlation" / "maps.py")

#: The rules of a map that are an equation of their own, not a call of another map.
RULES = ("forward", "times_slope", "_times_slope", "_to_input")
#: A kernel's name that computes nothing.
BOOKKEEPING = "own"


class Code(NamedTuple):
    """A piece of code: its name, ``manualconv/…/file.py:line``, and the line of its docstring that says what it is."""

    name: str
    place: str
    text: str


def place(file: str, line: int) -> str:
    """``manualconv/kernels/correlation/lowering.py:104``."""
    return f"{Path(file).relative_to(PACKAGE.parent).as_posix()}:{line}"


@cache
def stated(module: ModuleType, words: str) -> Code:
    """The first line of a module's source with these words, which is its equation.

    Raises:
        LookupError: the module does not say them.
    """
    for number, line in enumerate(inspect.getsource(module).splitlines(), 1):
        if words in line:
            return Code(module.__name__, place(str(module.__file__), number), " ".join(line.split()))
    raise LookupError(f"{module.__name__} does not say {words!r}")


@cache
def equation(map: type[Map]) -> Code:
    """A map and the line of its docstring that is its equation."""
    lines, first = inspect.getsourcelines(map)
    text = (inspect.getdoc(map) or "").splitlines()[0]
    offset = next(n for n, line in enumerate(lines) if text in line)
    return Code(
        map.__name__, place(str(inspect.getsourcefile(map)), first + offset), text.replace("``", "").rstrip(".")
    )


class Run(NamedTuple):
    """A layer, forward and backward: its numbers, and the maps and kernels that ran."""

    output: Tensor
    gradients: tuple[Tensor, ...]
    forward: tuple[Code, ...]
    backward: tuple[Code, ...]


def run(layer: Callable[..., Tensor], leaves: Sequence[Tensor], cotangent: Tensor) -> Run:
    """A layer at these leaves, and their gradients from autograd for the cotangent of its output; in float64."""
    wide = [t.detach().double().requires_grad_() for t in leaves]
    output, forward = watched(lambda: layer(*wide))
    gradients, backward = watched(lambda: grad(output, wide, cotangent.detach().to(output.dtype)))
    return Run(output.detach(), gradients, forward, backward)


def watched(call: Callable[[], T]) -> tuple[T, tuple[Code, ...]]:
    """A call's result, and the maps and kernels that it entered, each once, in their order."""
    found: dict[Any, Code] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code not in found and code.co_filename.startswith((MAPS, KERNELS)):
            entered = _map(frame) if code.co_filename.startswith(MAPS) else _kernel(frame)
            if entered is not None:
                found[code] = entered

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        result = call()
    finally:
        sys.setprofile(before)
    return result, tuple(found.values())


def _map(frame: FrameType) -> Code | None:
    """A map's forward, or the rule in which a derivative is written out."""
    code = frame.f_code
    if code.co_name not in RULES:
        return None
    for value in frame.f_globals.values():
        if inspect.isclass(value) and issubclass(value, Map) and code.co_name in vars(value):
            rule = inspect.unwrap(getattr(value, code.co_name))
            if getattr(rule, "__code__", None) is code:
                if code.co_name == "forward":
                    return equation(value)
                return Code(f"{value.__name__}.{code.co_name}", place(code.co_filename, code.co_firstlineno), "")
    stands_alone = code.co_name in frame.f_globals
    return Code(code.co_name, place(code.co_filename, code.co_firstlineno), "") if stands_alone else None


def _kernel(frame: FrameType) -> Code | None:
    """None for what chooses, prepares or counts: it is called by a kernel, or gives no tensor."""
    code, caller = frame.f_code, frame.f_back
    function = frame.f_globals.get(code.co_name)
    called_by = "" if caller is None else caller.f_code.co_filename
    if not callable(function) or code.co_name.startswith("_") or code.co_name == BOOKKEEPING:
        return None
    if code.co_filename == DISPATCHER or not (called_by.startswith(MAPS) or called_by == DISPATCHER):
        return None
    if "Tensor" not in str(getattr(function, "__annotations__", {}).get("return", "")):
        return None
    file = Path(code.co_filename).stem
    text = (inspect.getdoc(function) or "").split("\n")[0].replace("``", "").rstrip(".")
    return Code(f"{file}.{code.co_name}", place(code.co_filename, code.co_firstlineno), text)


def listing(equations: Sequence[Code], run: Run) -> Iterator[str]:
    """Where the equations stand, and what ran."""
    yield "  code       these lines are the equations"
    for each in equations:
        yield f"    {each.place}  {each.name.removeprefix('manualconv.')}"
        yield f"        {each.text}"
    yield "             these maps and kernels just computed the numbers"
    for direction, codes in (("forward ", run.forward), ("backward", run.backward)):
        for each in codes:
            yield f"    {direction}  {each.place}  {each.name}"
