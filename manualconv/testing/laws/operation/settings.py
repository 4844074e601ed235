"""What is set for everybody in a process: switches, generators of random numbers, and the surroundings."""

from __future__ import annotations

import gc
import os
import random
import sys
import warnings
from typing import Any

import numpy as np
import torch

from manualconv.torch_internals import function_modes, mode_count


def switches() -> dict[str, Any]:
    """Switches that nobody moves in passing."""
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
        "denormal numbers": bool(torch.tensor(1e-310, dtype=torch.float64) * 0.5 != 0),
        "NumPy's treatment of errors": tuple(np.geterr().values()),
        "the function modes": len(function_modes()),
        "the operator modes": mode_count(),
        "the garbage collector": gc.isenabled(),
    }


def generators() -> dict[str, Any]:
    """Where the generators of random numbers stand."""
    return {
        "the random state": hash(torch.random.get_rng_state().numpy().tobytes()),
        "Python's random state": hash(random.getstate()),
        "NumPy's random state": hash(str(np.random.get_state())),
    }


def surroundings() -> dict[str, Any]:
    """What an import of torch's own may change, and one call may not."""
    return {
        "the filters of warnings": len(warnings.filters),
        "the recursion limit": sys.getrecursionlimit(),
        "the working directory": os.getcwd(),
        "the environment": hash(tuple(sorted(os.environ.items()))),
    }
