"""The law of switches: what is set for everybody is set as before, and nobody's functions are replaced."""

from __future__ import annotations

import gc
import random
import time
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from manualconv.testing.laws.operation.asked import Asked, Broken, law
from manualconv.testing.laws.operation.settings import generators, surroundings, switches

#: Whose functions nobody replaces: what compares, measures and draws, and torch's own layers.
JUDGES: tuple[Any, ...] = (F, torch.testing, torch.autograd, torch.linalg, time, random, gc, np.testing)
NAMES = ("allclose", "equal", "isclose", "isnan", "sum", "empty", "zeros", "randn", "rand")
METHODS = ("equal", "allclose", "isclose", "backward", "clone", "detach", "numpy", "double", "__eq__", "__sub__")


@law(share=0.3)
def switches_are_left_as_they_are(asked: Asked) -> None:
    """As they were before the target's first call; what draws numbers stands elsewhere than after any seed."""
    torch.rand(1), random.random(), np.random.random()
    before = {**generators(), **surroundings(), **asked.before}
    if asked.value().requires_grad:
        asked.both()
    now = {**generators(), **surroundings(), **switches()}
    for name, was in before.items():
        if now[name] != was and not (asked.question.random and name == "the random state"):
            raise Broken(f"the call changes {name} from {was} to {now[name]}")


@law(share=0.1)
def functions_of_others_are_left_as_they_are(asked: Asked) -> None:
    """Neither the call nor its import has replaced one that compares, measures or draws."""
    asked.value()
    now = functions()
    for name, was in FUNCTIONS.items():
        if now.get(name) is not was:
            raise Broken(f"{name} is replaced by another function")


def functions() -> dict[str, Any]:
    """Functions that a judge may rely on, by their names."""
    found = {}
    for judge in JUDGES:
        own = {name: f for name, f in vars(judge).items() if callable(f) and not isinstance(f, ModuleType)}
        found.update({f"{judge.__name__}.{name}": f for name, f in own.items() if not name.startswith("_")})
    found.update({f"torch.{name}": getattr(torch, name) for name in NAMES})
    found.update({f"torch.Tensor.{name}": getattr(torch.Tensor, name) for name in METHODS})
    return found


#: As they were before any target was imported.
FUNCTIONS = functions()
