"""The catalogue as tables: what the tests run over that promise something of *every* layer."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from manualconv import nn
from manualconv.testing.cases.tensors import spread_out as spread_out
from manualconv.testing.catalogue import OPERATIONS, Example, Layer
from manualconv.testing.catalogue.question import Shape
from manualconv.testing.judge import ROUNDING

_LABELLED = [(label, example) for each in OPERATIONS.values() for label, example in each.examples.items()]

#: Of each function the example that is differentiated numerically.
FUNCTIONS: dict[str, Example] = {name: next(iter(each.examples.values())) for name, each in OPERATIONS.items()}
#: Ours beside torch's.
PAIRS: dict[str, Example] = {label: each for label, each in _LABELLED if each.compared and not each.random}
#: What is differentiated with respect to input, weight and bias.
WEIGHTED = {label: each for label, each in PAIRS.items() if label.startswith("conv") or label == "linear"}
#: Those with a weight and a bias, whether it is summed over inputs or scales them.
AFFINE = {label: each for label, each in PAIRS.items() if len(each.shapes) == 3}
#: What draws a mask while it runs, and no other one inside a compiler or vmap.
DRAWN = {f"{label} in training": each for label, each in _LABELLED if each.random}

LAYERS: dict[str, Layer] = {layer.name: layer for each in OPERATIONS.values() for layer in each.layers}
MODULES: dict[str, tuple[Callable[[], torch.nn.Module], Shape]] = {
    name: (partial(layer.of, nn), layer.input) for name, layer in LAYERS.items()
}
#: Those whose state and gradients are compared with torch's.
TWINS = {name: layer for name, layer in LAYERS.items() if layer.twin}

#: Public names that are numbers about a layer: no tensor to differentiate comes out of them.
MEASUREMENTS = {"Connections", "connections", "spectral_norm"}


def close(ours: object, theirs: object) -> None:
    """Equal up to the order of a few dozen float64 additions."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def rounded(ours: Tensor, theirs: Tensor, roundings: float = 8) -> None:
    """Equal, but for roundings of the largest number: what a root, an exponential or a division made.

    In its last bits that depends on the processor, and on where a number lies among those that are computed at once.
    """
    assert ours.dtype == theirs.dtype
    finite = theirs.detach()[theirs.detach().isfinite()]
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    room = roundings * ROUNDING[theirs.dtype] * largest
    torch.testing.assert_close(ours, theirs, rtol=0, atol=room, equal_nan=True)


def through_a_file(module: torch.nn.Module) -> torch.nn.Module:
    """The module as torch.save keeps it."""
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    loaded: torch.nn.Module = torch.load(file, weights_only=False)
    return loaded


#: Ways to have another module like one.
COPIES: tuple[Callable[[Any], Any], ...] = (copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), through_a_file)


def weighed(apply: Callable[..., Any]) -> Callable[..., Tensor]:
    """A smooth scalar of the output that weighs every entry differently."""

    def scalar(*inputs: Tensor) -> Tensor:
        y = apply(*inputs)
        weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).reshape(y.shape) / y.numel()
        return (weights * y**3).sum()

    return scalar


def nodes_of(*results: Tensor) -> set[Any]:
    """All that a backward pass of these will run."""
    found: set[Any] = set()
    waiting = [y.grad_fn for y in results]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting += [after for after, _ in node.next_functions]
    return found
