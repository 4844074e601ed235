"""The law of switches: what is set for everybody is set as before, and nobody's functions are replaced."""

from __future__ import annotations

import gc
import os
import random
import sys
import time
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from manualconv.testing.laws.operation.asked import Asked, Broken, law
from manualconv.torch_internals import function_modes, mode_count

#: Whose functions nobody replaces: what compares, measures and draws, and torch's own layers.
JUDGES: tuple[Any, ...] = (F, torch.testing, torch.autograd, torch.linalg, time, random, gc, np.testing)
NAMES = ("allclose", "equal", "isclose", "isnan", "sum", "empty", "zeros", "randn", "rand")
METHODS = ("equal", "allclose", "isclose", "backward", "clone", "detach", "numpy", "double", "__eq__", "__sub__")


@law("gradients", share=0.3)
def switches_are_left_as_they_are(asked: Asked) -> None:
    before = switches()
    asked.both()
    now = switches()
    for name, was in before.items():
        if now[name] != was and not (asked.question.random and name == "the random state"):
            raise Broken(f"the call changes {name} from {was} to {now[name]}")


@law()
def functions_of_others_are_left_as_they_are(asked: Asked) -> None:
    """Neither the call nor its import has replaced one that compares, measures or draws."""
    asked.value()
    now = functions()
    for name, was in FUNCTIONS.items():
        if now.get(name) is not was:
            raise Broken(f"{name} is replaced by another function")


def switches() -> dict[str, Any]:
    """What is set for everybody."""
    cudnn: Any = torch.backends.cudnn
    return {
        "the default dtype": torch.get_default_dtype(),
        "the default device": torch.get_default_device(),
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "the number of threads": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "cuDNN's flags": (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32),
        "autocast": torch.is_autocast_enabled("cpu"),
        "anomaly mode": torch.is_anomaly_enabled(),
        "the precision of products": torch.get_float32_matmul_precision(),
        "what becomes of denormal numbers": bool(torch.tensor(1e-310, dtype=torch.float64) * 0.5 != 0),
        "the random state": hash(torch.random.get_rng_state().numpy().tobytes()),
        "Python's random state": hash(random.getstate()),
        "NumPy's random state": hash(str(np.random.get_state())),
        "NumPy's treatment of errors": tuple(np.geterr().values()),
        "the function modes": len(function_modes()),
        "the operator modes": mode_count(),
        "the garbage collector": gc.isenabled(),
        "the filters of warnings": len(warnings.filters),
        "the recursion limit": sys.getrecursionlimit(),
        "the working directory": os.getcwd(),
        "the environment": hash(tuple(sorted(os.environ.items()))),
    }


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
