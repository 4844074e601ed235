"""Convolutional networks whose every derivative is written by hand.

``manualconv.nn`` and ``manualconv.functional`` have torch's names and signatures; ``manualconv.autograd`` holds the
derivatives, each file opening with its equation.  Importing this package loads nothing: torch comes with the first use.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manualconv import autograd as autograd
    from manualconv import bench as bench
    from manualconv import definitions as definitions
    from manualconv import functional as functional
    from manualconv import geometry as geometry
    from manualconv import nn as nn
    from manualconv import testing as testing
    from manualconv.autograd.rules import exact_bias as exact_bias
    from manualconv.autograd.rules import exact_input as exact_input
    from manualconv.autograd.rules import exact_weight as exact_weight
    from manualconv.autograd.slots import Rules as Rules
    from manualconv.autograd.slots import exact_pool as exact_pool
    from manualconv.autograd.slots import exact_slope as exact_slope
    from manualconv.functional.choice import choice as choice
    from manualconv.kernels.correlation.algorithm import Algorithm as Algorithm
    from manualconv.kernels.correlation.registration import register as register
    from manualconv.kernels.correlation.settings import accuracy as accuracy
    from manualconv.kernels.correlation.settings import algorithm as algorithm
    from manualconv.kernels.correlation.settings import set_accuracy as set_accuracy
    from manualconv.nn._rules import set_rules as set_rules
    from manualconv.swap import TORCH_LAYERS as TORCH_LAYERS
    from manualconv.swap import by_hand as by_hand
    from manualconv.swap import conversion_report as conversion_report
    from manualconv.swap import convert as convert
    from manualconv.swap import restore as restore

__version__ = "0.1.0"
#: Every public name and where it comes from: what a type checker reads above, and nobody imports before its first use.
_FROM = {
    name: module
    for module, name in re.findall(r"\n    from (\S+) import (\w+) as \2\b", Path(__file__).read_text("utf-8"))
}
#: `definitions` needs NumPy, and ``from manualconv import *`` does not.
__all__ = sorted({*_FROM, "__version__"} - {"definitions"})


def __getattr__(name: str) -> Any:
    if name in _FROM:
        module = _FROM[name]
        value = import_module(f"{module}.{name}") if module == __name__ else getattr(import_module(module), name)
        globals()[name] = value  # found without this function from now on, by Dynamo too
        return value
    if name.startswith("_"):  # tools ask for such names, and that imports nothing
        raise AttributeError(f"module 'manualconv' has no attribute {name!r}")
    from manualconv.missing import absent

    rooms = (room for room in ("nn", "functional") if name in import_module(f"manualconv.{room}").__all__)
    found = next((f"there is manualconv.{room}.{name}" for room in rooms), None)
    raise absent("manualconv", name, "no public name", __all__, found)


def __dir__() -> list[str]:
    return sorted(__all__)
