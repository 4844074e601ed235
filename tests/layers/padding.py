"""Padding."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

FUNCTIONS: dict[str, Example] = {
    "pad": Example(lambda x: functional.pad(x, (2, -1, 1, 2), "reflect"), ((2, 2, 3, 4),), multilinear=True),
}
MODULES: dict[str, Module] = {
    "CircularPad1d": (lambda: nn.CircularPad1d((1, -1)), (2, 3, 4)),
    "CircularPad2d": (lambda: nn.CircularPad2d((1, 2, 0, -1)), (2, 2, 4, 3)),
    "CircularPad3d": (lambda: nn.CircularPad3d((1, 0, 2, 1, 0, -1)), (1, 2, 3, 3, 2)),
    "ConstantPad1d": (lambda: nn.ConstantPad1d((1, -1), 1.5), (2, 3, 4)),
    "ConstantPad2d": (lambda: nn.ConstantPad2d((1, 2, 0, -1), 1.5), (2, 2, 4, 3)),
    "ConstantPad3d": (lambda: nn.ConstantPad3d((1, 0, 2, 1, 0, -1), 1.5), (1, 2, 3, 3, 2)),
    "ReflectionPad1d": (lambda: nn.ReflectionPad1d((1, -1)), (2, 3, 4)),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d((1, 2, 0, -1)), (2, 2, 4, 3)),
    "ReflectionPad3d": (lambda: nn.ReflectionPad3d((1, 0, 2, 1, 0, -1)), (1, 2, 3, 3, 2)),
    "ReplicationPad1d": (lambda: nn.ReplicationPad1d((1, -1)), (2, 3, 4)),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d((1, 2, 0, -1)), (2, 2, 4, 3)),
    "ReplicationPad3d": (lambda: nn.ReplicationPad3d((1, 0, 2, 1, 0, -1)), (1, 2, 3, 3, 2)),
    "ZeroPad1d": (lambda: nn.ZeroPad1d((1, -1)), (2, 3, 4)),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((1, 2, 0, -1)), (2, 2, 4, 3)),
    "ZeroPad3d": (lambda: nn.ZeroPad3d((1, 0, 2, 1, 0, -1)), (1, 2, 3, 3, 2)),
}
PAIRS: dict[str, Pair] = {
    "pad constant": pair("pad", ((2, 3, 4, 3),), pad=(1, -1, 2, 0), value=1.5),
    "pad reflect": pair("pad", ((2, 3, 4, 3),), pad=(1, 2, 3, -1), mode="reflect"),
    "pad circular": pair("pad", ((2, 3, 4, 3),), pad=(2, -1, 1, 4), mode="circular"),
}
