"""Convolutional networks whose every derivative is written by hand.

``manualconv.nn`` and ``manualconv.functional`` have torch's names and signatures; ``manualconv.autograd`` holds the
derivatives, each file opening with its equation.  Importing this package loads nothing: torch comes with the first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manualconv import autograd as autograd
    from manualconv import bench as bench
    from manualconv import definitions as definitions
    from manualconv import explain as explain
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
    from manualconv.kernels.correlation.registration import unregister as unregister
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
#: Where each public name comes from.  It repeats the imports above, which a type checker reads and nothing runs: they
#: cannot be read off the source, for a frozen program has none.
_FROM = {
    "autograd.rules": ("exact_bias", "exact_input", "exact_weight"),
    "autograd.slots": ("Rules", "exact_pool", "exact_slope"),
    "functional.choice": ("choice",),
    "kernels.correlation.algorithm": ("Algorithm",),
    "kernels.correlation.registration": ("register", "unregister"),
    "kernels.correlation.settings": ("accuracy", "algorithm", "set_accuracy"),
    "nn._rules": ("set_rules",),
    "swap": ("TORCH_LAYERS", "by_hand", "conversion_report", "convert", "restore"),
}
_ROOMS = ("autograd", "bench", "explain", "functional", "geometry", "nn", "testing")
__all__ = sorted(["__version__", *_ROOMS, *(name for names in _FROM.values() for name in names)])
#: Public, but not in `__all__`: it needs NumPy, and ``from manualconv import *`` does not.
_BY_NAME = ("definitions",)


def __getattr__(name: str) -> Any:
    for file, names in _FROM.items():
        if name in names:
            value = getattr(import_module(f"manualconv.{file}"), name)
            globals()[name] = value  # found without this function from now on, by Dynamo too
            return value
    if name in __all__ or name in _BY_NAME:
        return import_module(f"manualconv.{name}")
    if name.startswith("_"):  # tools ask for such names, and that imports nothing
        raise AttributeError(f"module 'manualconv' has no attribute {name!r}")
    from manualconv.missing import absent

    rooms = (room for room in ("nn", "functional") if name in import_module(f"manualconv.{room}").__all__)
    found = next((f"there is manualconv.{room}.{name}" for room in rooms), None)
    raise absent("manualconv", name, "no public name", __all__, found)


def __dir__() -> list[str]:
    return sorted(__all__)
