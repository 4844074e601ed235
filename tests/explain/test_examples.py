"""The examples in the docstrings run as they stand there."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["arithmetic", "figure", "inventory", "receptive"])
def test_an_example_prints_what_it_says(name: str) -> None:
    failed, tried = doctest.testmod(import_module(f"manualconv.explain.{name}"))
    assert tried > 0 and not failed
