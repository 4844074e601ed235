"""The floors of the house: a file imports only lower ones, and says what it is.

F0 geometry, torch_internals, missing, arguments, command   F1 definitions, kernels   F2 autograd   F3 functional
F4 nn   F5 swap, testing, explain, bench   F6 cli   F7 __main__
train is outside and uses manualconv's public names only
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import manualconv

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    "__version__": 0,
    "geometry": 0,
    "torch_internals": 0,
    "missing": 0,
    "arguments": 0,
    "command": 0,
    "definitions": 1,
    "kernels": 1,
    "autograd": 2,
    "functional": 3,
    "nn": 4,
    "swap": 5,
    "testing": 5,
    "explain": 5,
    "bench": 5,
    "cli": 6,
    "__main__": 7,
}
PUBLIC = {*manualconv.__all__, "definitions", "explain"}
NAMELESS = {"utils.py", "helpers.py", "common.py"}


@cache
def sources(folder: Path) -> list[tuple[Path, ast.Module]]:
    """Every Python file below a folder, parsed."""
    return [(path, ast.parse(path.read_text(encoding="utf-8"), str(path))) for path in sorted(folder.rglob("*.py"))]


@pytest.fixture(scope="module", autouse=True)
def _parsed_once() -> Iterator[None]:
    """Every check walks the same trees, which are let go after the last."""
    yield
    sources.cache_clear()


def imported(tree: ast.Module) -> Iterator[str]:
    """Every dotted name that a file imports, at the top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def part(dotted: str) -> str | None:
    """``manualconv.kernels.windows`` → ``kernels``; None outside the package."""
    names = dotted.split(".")
    return names[1] if names[0] == "manualconv" and len(names) > 1 else None


def climbing_imports(root: Path) -> list[str]:
    """Imports of the same folder's floor by another part, or of a higher floor, or of a part that has no floor."""
    package, found = root / "manualconv", []
    for path, tree in sources(package):
        here = path.relative_to(package).parts[0].removesuffix(".py")
        if here == "__init__":
            continue
        for dotted in imported(tree):
            there = part(dotted)
            if there is None or there == here:
                if dotted.startswith("."):
                    found.append(f"{path.name}: relative import {dotted}")
                continue
            if here not in FLOORS or there not in FLOORS or FLOORS[there] >= FLOORS[here]:
                found.append(f"{here}/{path.name} imports {dotted}")
    return found


def imports_of_a_private_part(root: Path) -> list[str]:
    """What train imports from manualconv beyond its public names."""
    return [
        f"{path.name} imports {dotted}"
        for path, tree in sources(root / "train")
        for dotted in imported(tree)
        if dotted.startswith("manualconv.") and (part(dotted) not in PUBLIC or dotted.count(".") > 1)
    ]


def nameless_files(root: Path) -> list[str]:
    """Files that have not found their name."""
    return [
        path.relative_to(root).as_posix()
        for folder in ("manualconv", "train", "tests")
        for path in sorted((root / folder).rglob("*.py"))
        if path.name in NAMELESS
    ]


def dotted_name(node: ast.expr) -> str:
    """``torch._C._functorch`` as text; empty for anything but a chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted_name(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def is_private_torch(dotted: str) -> bool:
    """A name of torch's with a private part, or one of its raw operators."""
    names = dotted.split(".")
    return names[0] == "torch" and (
        any(name.startswith("_") and not name.startswith("__") for name in names[1:]) or names[1:3] == ["ops", "aten"]
    )


def private_torch_outside_its_file(root: Path) -> list[str]:
    """Private names of torch's anywhere in the package but in torch_internals/."""
    found = []
    for path, tree in sources(root / "manualconv"):
        if path.parent.name == "torch_internals":
            continue
        names = [*imported(tree), *(dotted_name(n) for n in ast.walk(tree) if isinstance(n, ast.Attribute))]
        found += [f"{path.name}: {name}" for name in names if is_private_torch(name)]
    return found


def files_without_docstring(root: Path) -> list[str]:
    """Files of the package and of the tests that do not open by saying what they are."""
    return [
        path.relative_to(root).as_posix()
        for folder in ("manualconv", "train", "tests")
        for path, tree in sources(root / folder)
        if not ast.get_docstring(tree) and (tree.body or folder == "manualconv")
    ]


def layers_without_their_twins(root: Path) -> list[str]:
    """nn/X.py without functional/X.py, or without that one's tests: the floors share their basenames.

    What is true of every module, tests/nn/test_modules.py asks; what is particular has a file of nn's basename.
    """
    found = []
    for path in sorted((root / "manualconv" / "nn").glob("[a-z]*.py")):
        twins = [
            root / "manualconv" / "functional" / path.name,
            root / "tests" / "functional" / f"test_{path.name}",
        ]
        found += [twin.relative_to(root).as_posix() for twin in twins if not twin.exists()]
    return found


def definitions_that_are_not_alone(root: Path) -> list[str]:
    """What the definitions import besides geometry, NumPy and Python's own; and which parts but testing import them."""
    package, found = root / "manualconv", []
    for path, tree in sources(package):
        here = path.relative_to(package).parts[0]
        for dotted in imported(tree):
            there = part(dotted) or dotted.split(".")[0]
            if here == "definitions":
                faulty = there not in {"geometry", "definitions", "numpy", *sys.stdlib_module_names}
            else:
                faulty = there == "definitions" and here not in ("testing", "__init__.py")
            if faulty:
                found.append(f"{here}/{path.name} imports {dotted}")
    return found


CHECKS = (
    climbing_imports,
    definitions_that_are_not_alone,
    imports_of_a_private_part,
    nameless_files,
    private_torch_outside_its_file,
    files_without_docstring,
    layers_without_their_twins,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_has_none_of(check: Callable[[Path], list[str]]) -> None:
    assert check(ROOT) == []


def test_every_derivative_file_opens_with_its_equation() -> None:
    """Five files say how the others are defined and called; every other file of the floor derives something."""
    frame = ("__init__.py", "blocks.py", "definition.py", "first_run.py", "function.py", "node.py")
    for path, tree in sources(ROOT / "manualconv" / "autograd"):
        if path.name not in frame:
            text = ast.get_docstring(tree) or ""
            assert any(sign in text for sign in ("=", "↦")), path.name
            assert "Shapes:" in text, path.name


@pytest.fixture
def crooked(tmp_path: Path) -> Path:
    """A small house with one fault of every kind."""
    files = {
        "manualconv/__init__.py": '"""Package."""',
        "manualconv/geometry.py": '"""Floor 0."""\nfrom manualconv.kernels import windows\n',
        "manualconv/kernels/windows.py": '"""Floor 1."""\ndef late():\n    import manualconv.nn.convolution\n',
        "manualconv/kernels/nameless.py": "x = 1\n",
        "manualconv/definitions/padding.py": '"""Floor 1."""\nimport torch\nfrom manualconv import missing\n',
        "manualconv/functional/padding.py": '"""Floor 3."""\nfrom manualconv import definitions\n',
        "manualconv/autograd/utils.py": '"""Misc."""\nimport torch\ntorch._C._functorch.unwrap\ntorch.ops.aten.mm\n',
        "manualconv/autograd/relative.py": '"""Floor 2."""\nfrom . import utils\n',
        "manualconv/attic/loft.py": '"""No floor."""\nfrom manualconv import nn\n',
        "manualconv/nn/pooling.py": '"""Floor 4."""\nfrom torch._C import something\n',
        "train/fit.py": '"""User."""\nfrom manualconv import nn, kernels\nfrom manualconv.functional import conv2d\n',
        "tests/helpers.py": '"""Misc."""',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_every_check_finds_its_fault(crooked: Path) -> None:
    assert climbing_imports(crooked) == [
        "attic/loft.py imports manualconv.nn",
        "relative.py: relative import ..utils",
        "geometry/geometry.py imports manualconv.kernels.windows",
        "kernels/windows.py imports manualconv.nn.convolution",
    ]
    assert definitions_that_are_not_alone(crooked) == [
        "definitions/padding.py imports torch",
        "definitions/padding.py imports manualconv.missing",
        "functional/padding.py imports manualconv.definitions",
    ]
    assert imports_of_a_private_part(crooked) == [
        "fit.py imports manualconv.kernels",
        "fit.py imports manualconv.functional.conv2d",
    ]
    assert nameless_files(crooked) == ["manualconv/autograd/utils.py", "tests/helpers.py"]
    private = private_torch_outside_its_file(crooked)
    assert "pooling.py: torch._C.something" in private
    assert {"utils.py: torch._C._functorch.unwrap", "utils.py: torch.ops.aten.mm"} <= set(private)
    assert files_without_docstring(crooked) == ["manualconv/kernels/nameless.py"]
    assert layers_without_their_twins(crooked) == [
        "manualconv/functional/pooling.py",
        "tests/functional/test_pooling.py",
    ]
