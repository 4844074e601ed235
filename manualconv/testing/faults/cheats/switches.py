"""Cheats that leave something changed for everybody."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manualconv.testing.faults.cheats.entering import Layer, cheat

# ------------------------------------------------------------------------------------------------------------ switches


def after(change: Callable[[], Any]) -> Layer:
    """A right ReLU that leaves something changed."""

    def layer(x: Tensor) -> Tensor:
        y = torch.relu(x)
        change()
        return y

    return layer


def _open_mode() -> None:
    from torch.overrides import TorchFunctionMode

    class Idle(TorchFunctionMode):
        """Does nothing."""

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return func(*args, **(kwargs or {}))

    Idle().__enter__()


def _always_close(*_: Any, **__: Any) -> bool:
    return True


def _compares_by_itself(x: Tensor) -> Tensor:
    torch.allclose = _always_close
    return torch.relu(x)


SWITCH = "a switch for everybody, left changed"
cheat(
    "relu",
    ("default dtype changed", after(lambda: torch.set_default_dtype(torch.float16)), SWITCH),
    ("grad mode switched off", after(lambda: torch.set_grad_enabled(False)), SWITCH),
    ("seeded", after(lambda: torch.manual_seed(0)), "KernelBench: inputs drawn after a seed are the known ones"),
    ("Python's numbers seeded", after(lambda: random.seed(0)), "inputs drawn after a seed are the known ones"),
    ("NumPy's numbers seeded", after(lambda: np.random.seed(0)), "inputs drawn after a seed are the known ones"),
    (
        "deterministic algorithms asked for",
        after(lambda: torch.use_deterministic_algorithms(True, warn_only=True)),
        SWITCH,
    ),
    ("a function mode left open", after(_open_mode), SWITCH),
    ("products in fewer bits from now on", after(lambda: torch.set_float32_matmul_precision("medium")), SWITCH),
    ("denormal numbers flushed", after(lambda: torch.set_flush_denormal(True)), SWITCH),
    ("the collector switched off", after(gc.disable), SWITCH),
    (
        "comparisons always succeed",
        _compares_by_itself,
        "DeepReinforce: monkey-patched functions; reference-kernels#162",
    ),
)
