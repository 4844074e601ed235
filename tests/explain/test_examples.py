"""The examples in the docstrings of what is shown give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

from manualconv import explain

FILES = [info.name for info in walk_packages(explain.__path__, "manualconv.explain.")]


@pytest.mark.parametrize("name", [name for name in FILES if ".commands" not in name])
def test_the_example_gives_what_it_says(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    assert sum(bool(test.examples) for name in FILES for test in finder.find(import_module(name))) >= 12
