"""The examples in the docstrings of the figures and of the layers on paper give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

from manualconv.explain import figures, worked

FILES = [
    name
    for room in (figures, worked)
    for name in (room.__name__, *(f"{room.__name__}.{info.name}" for info in iter_modules(room.__path__)))
]


@pytest.mark.parametrize("name", FILES)
def test_the_example_gives_what_it_says(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    assert sum(bool(test.examples) for name in FILES for test in finder.find(import_module(name))) >= 6
