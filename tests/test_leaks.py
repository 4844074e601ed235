"""Thousands of steps leave nothing behind: the process does not grow, no tensor outlives its step."""

import gc
import os
from pathlib import Path

import pytest
from torch import Tensor

from tests.layers import AFFINE, Example, spread_out

#: A KiB of each would show; by `make prove`, half of it.
STEPS, GROWTH = (10_000, 5 * 2**20) if os.environ.get("MANUALCONV_PROOF_PART") == "1" else (2_000, 2 * 2**20)
STATUS = Path("/proc/self/status")


def resident() -> int:
    """Bytes of memory in use by this process."""
    (line,) = (line for line in STATUS.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def tensors_alive() -> int:
    """Tensors that Python knows of, but those that were there before all tests."""
    gc.collect()
    return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())  # isinstance would ask proxies


@pytest.mark.skipif(not STATUS.exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("name", ["conv2d", "linear", "batch_norm"])
def test_thousands_of_steps_leave_nothing_behind(name: str) -> None:
    layer: Example = AFFINE[name]
    inputs = layer.leaves()
    cotangent = spread_out(layer.by_hand(*inputs).shape, 5)

    def step() -> None:
        layer.by_hand(*inputs).backward(cotangent)
        for t in inputs:
            t.grad = None

    for _ in range(250):
        step()
    alive, before = tensors_alive(), resident()
    for _ in range(STEPS):
        step()
    assert tensors_alive() <= alive  # what earlier tests left may go meanwhile
    assert resident() - before <= GROWTH
