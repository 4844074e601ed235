"""The states of the generators that a network or an augmentation may draw from, as plain tensors and numbers.

The order and the shifts of the images draw from none of them (``train.batches``); dropout draws from torch's.
"""

import random
import sys
from typing import Any

import torch

States = dict[str, Any]


def seed(number: int) -> None:
    """All of them, so that a run depends on its seed alone."""
    torch.manual_seed(number)
    random.seed(number)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(number % 2**32)


def captured(device: torch.device) -> States:
    """torch's generators, Python's, and NumPy's where something has imported it."""
    version, numbers, gauss = random.getstate()
    states: States = {"torch": torch.get_rng_state(), "python": [version, torch.tensor(numbers), gauss]}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        name, keys, position, has_gauss, gauss = numpy.random.get_state()
        states["numpy"] = [str(name), torch.tensor(keys.tolist()), int(position), int(has_gauss), float(gauss)]
    return states


def restored(states: States, device: torch.device) -> None:
    """Give every generator the state it had. Raises what the generators raise for states that are none."""
    torch.set_rng_state(states["torch"])
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers.tolist()), gauss))
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    if "numpy" in states:
        import numpy

        name, keys, *rest = states["numpy"]
        numpy.random.set_state((name, numpy.array(keys.tolist(), dtype=numpy.uint32), *rest))
