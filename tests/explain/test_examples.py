"""The examples in the docstrings of what is shown give what they say."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

from manualconv import explain

FILES = [info.name for info in walk_packages(explain.__path__, "manualconv.explain.")]


@pytest.mark.parametrize("name", [name for name in FILES if ".commands" not in name])
def test_the_example_gives_what_it_says(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


@pytest.mark.parametrize("name", explain.__all__)
def test_a_public_name_says_all_and_its_example_runs_as_it_stands(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what the package exports, and no more."""
    monkeypatch.chdir(tmp_path)
    value = getattr(explain, name)
    said = inspect.getdoc(value) or ""
    needed = ("Attributes:",) if inspect.isclass(value) else ("Args:", "Returns:", "Raises:")
    assert all(word in said for word in (*needed, "Example:"))
    public = {each: getattr(explain, each) for each in explain.__all__}
    (example,) = doctest.DocTestFinder(recurse=False).find(value, name, globs=public)
    assert example.examples and doctest.DocTestRunner(verbose=False).run(example).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    assert sum(bool(test.examples) for name in FILES for test in finder.find(import_module(name))) >= 12
