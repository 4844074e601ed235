"""What is examined: ``package.module:name``, ``path/file.py:name``, ``FILE.py:torch.ops.ns.name``, or a library."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F

from manualconv import functional
from manualconv.testing.adapters import Library, Unusable, adapted, torch_s
from manualconv.testing.catalogue import OPERATIONS
from manualconv.testing.examiner.judgement import proofs_of
from manualconv.testing.operators import of_operator
from manualconv.testing.options import LIBRARIES
from manualconv.torch_internals.operations import registered


@dataclass(frozen=True)
class Target:
    """Where it is found, and the operation that it is examined as."""

    text: str
    operation: str

    @property
    def place(self) -> str:
        """The module or file."""
        return self.text.partition(":")[0]

    @property
    def name(self) -> str:
        """The name in it."""
        return self.text.partition(":")[2]

    def thing(self) -> Any:
        """The thing itself.  Raises `Unusable`."""
        return own(self.text, self.operation) if self.text in LIBRARIES else thing(self)

    def adapted(self, thing: Any) -> Library:
        """The thing under torch's signature.  Raises `Unusable`."""
        if self.text != "manualconv":
            thing = of_operator(thing, self.operation) if self.is_an_operator() else adapted(thing, self.operation)
        return Library(**{self.operation: thing})

    @property
    def found_at(self) -> str:
        """Where a program finds it: the text, or the place in a library."""
        if self.text == "torch":
            return f"torch:{'nn.functional.' * hasattr(F, self.operation)}{self.operation}"
        return f"manualconv.functional:{self.operation}" if self.text == "manualconv" else self.text

    def is_an_operator(self) -> bool:
        """Whether it is registered with torch, whose own check of operators then applies."""
        return self.name.startswith("torch.ops.")


def own(library: str, operation: str) -> Any:
    """A library's own function."""
    found = getattr(functional, operation) if library == "manualconv" else torch_s(operation)
    if found is None:
        raise Unusable(f"torch has no {operation}")
    return found


def named(text: str, operation: str | None) -> list[Target]:
    """The targets that a text names: one, or one for each operation of a library.  Raises `Unusable`."""
    if operation is not None and operation not in OPERATIONS:
        raise Unusable(f"there is no operation {operation!r}{_instead(operation)}")
    if operation is not None and not proofs_of(operation):
        raise Unusable(f"{operation} computes nothing: there is nothing to examine")
    if text in LIBRARIES:
        names = [operation] if operation else [name for name in OPERATIONS if proofs_of(name)]
        return [Target(text, name) for name in names if text == "manualconv" or _is_torch_s(name)]
    place, colon, name = text.partition(":")
    if not colon or not place or not name:
        raise Unusable(
            f"{text!r} names nothing: package.module:name or path/file.py:name is needed, or a library of {LIBRARIES}"
        )
    operation = operation or name.rpartition(".")[2]
    if operation not in OPERATIONS:
        raise Unusable(f"{name!r} is no operation: say which it is by --as{_instead(operation)}")
    return [Target(text, operation)]


def _is_torch_s(operation: str) -> bool:
    return torch_s(operation) is not None


def _instead(operation: str) -> str:
    near = get_close_matches(operation, OPERATIONS, 3, 0.5)
    return f" ({', '.join(near)}?)" if near else f"; there are: {', '.join(sorted(OPERATIONS))}"


def thing(target: Target) -> Any:
    """The object itself.  Raises `Unusable`, whatever its module raises."""
    try:
        module = _module(target.place)
    except (Exception, SystemExit) as error:
        raise Unusable(f"{target.place} cannot be imported: {type(error).__name__}: {_line(error)}") from None
    found: Any = torch.ops if target.is_an_operator() else module
    name = target.name.removeprefix("torch.ops.") if target.is_an_operator() else target.name
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            word, known = (name, registered()) if target.is_an_operator() else (part, dir(found))
            near = get_close_matches(word, known, 3)
            near_by = f" ({', '.join(near)}?)" if near else ""
            raise Unusable(f"{target.place} has no {target.name}{near_by}") from None
    return found


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]


def _module(place: str) -> ModuleType:
    if not place.endswith(".py"):
        sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(place)
    path = Path(place).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {place}")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
