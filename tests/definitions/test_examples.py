"""Every file of the definitions opens with both directions and an example that runs; none of them loads torch."""

from __future__ import annotations

import doctest
import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

from manualconv import definitions

FILES = [info.name for info in iter_modules(definitions.__path__)]
FAMILIES = [name for name in FILES if name != "placement"]  # where a tap lies: no layer


@pytest.mark.parametrize("name", FAMILIES)
def test_the_example_gives_what_it_says(name: str) -> None:
    results = doctest.testmod(import_module(f"manualconv.definitions.{name}"))
    assert (results.failed, results.attempted > 3) == (0, True)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_file_opens_with_forward_backward_and_shapes(name: str) -> None:
    text = import_module(f"manualconv.definitions.{name}").__doc__ or ""
    head = text[: text.index(">>>")]
    assert "Shapes:" in head
    assert "backward" in head
    assert " = " in head


def test_the_definitions_run_without_torch() -> None:
    rooms = "; ".join(f"import manualconv.definitions.{name}" for name in FILES)
    loaded = f"import sys; {rooms}; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout == "False\n"
