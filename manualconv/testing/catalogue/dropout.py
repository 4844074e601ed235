"""Dropout, from one seed: the same mask at every call, which is the one that torch draws from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions
from manualconv.testing.cases import SEEDS, numbers_per_axis
from manualconv.testing.cases.tensors import LAYOUTS, filled, laid_out, unshared
from manualconv.testing.catalogue.operation import Example, Layer, Operation
from manualconv.testing.catalogue.question import FEW, SMOOTH, Apply, Proof, Question, Shape, call


def seeded(apply: Callable[..., Any], *tensors: Any) -> Any:
    """The result from the seed 0; the generator is put back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return apply(*tensors)


#: Axes that a layer takes; the others take any number from two on.
RANKS = {"dropout1d": (3, 2), "dropout2d": (4,), "dropout3d": (5, 4)}


@dataclass(frozen=True)
class Dropout:
    """One drawn dropout layer with an input."""

    name: str
    shape: tuple[int, ...]
    p: float
    training: bool
    layouts: tuple[str, str]
    seed: int

    def tensor(self, which: int) -> Tensor:
        """The input, and a cotangent."""
        generator = torch.Generator().manual_seed(self.seed + which)
        return laid_out(filled("small", self.shape, generator).double(), self.layouts[which])

    def by(self, library: Any) -> Apply:
        """The layer of a library, from the one seed."""
        return partial(seeded, call(self.name, self.p, self.training)(library))


@st.composite
def dropouts(draw: st.DrawFn, name: str) -> Dropout:
    """Any dropout of that name."""
    rank = draw(st.sampled_from(RANKS.get(name, (2, 3, 4))))
    layouts = [layout for layout in LAYOUTS if layout != "channels_last" or rank > 2]
    return Dropout(
        name=name,
        shape=draw(numbers_per_axis(rank, 0 if rank < 4 else 1, 3 if rank < 4 else 2, False)),
        p=draw(st.sampled_from((0.5, 0.75, 0.3, 0.5, 0.1, 0.0, 1.0))),
        training=draw(st.sampled_from((True, True, True, True, False))),
        layouts=(draw(st.sampled_from(layouts)), draw(st.sampled_from(layouts))),
        seed=draw(SEEDS),
    )


def smaller(case: Dropout) -> Dropout:
    """Few numbers, at least one, each with a place of its own in memory."""
    shape = tuple(max(s, 1) for s in case.shape)
    while torch.Size(shape).numel() > FEW // 2:
        shape = tuple(min(s, max(shape) - 1) for s in shape)
    return replace(case, shape=shape, layouts=unshared(case.layouts))


def dropped(case: Dropout) -> Question:
    """Values and gradient, of a mask read off from torch's gradient: 0 where it dropped an entry.

    Divisions by ``1 − p`` are exact where that is a power of two.
    """
    x, cotangent = case.tensor(0), case.tensor(1)
    name = "alpha_dropout" if "alpha" in case.name else "dropout"
    active = case.training and case.p > 0

    def loops() -> list[Any]:
        leaf = x.detach().requires_grad_()
        kept = (grad(case.by(F)(leaf).sum(), leaf)[0] != 0).double().numpy()
        p = case.p if active else 0.0
        layers = getattr(definitions, name), getattr(definitions, f"{name}_gradient")
        return [layer(t.numpy(), kept, p) for layer, t in zip(layers, (x, cotangent))]

    exact = not active or case.p == 1 or (name == "dropout" and case.p in (0.5, 0.75))
    return Question(case.by, (x,), cotangent, loops, 0 if exact else SMOOTH, random=True)


# -------------------------------------------------------------------------------------------------- the operations


class Seeded(torch.nn.Module):
    """A layer from the seed 0."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Any:
        """The layer's."""
        return seeded(self.layer, x)


def _form(function: Any) -> Apply:
    return partial(seeded, function)


def _operation(name: str, module: str, shape: Shape, row: Shape, input: Shape) -> Operation:
    kept = Example(name, (shape,), (0.4, False))
    return Operation(
        name,
        {
            name: Example(
                *(name, (shape,), (0.5, True), {}, _form),
                exact="alpha" not in name,
                multilinear="alpha" not in name,
                random=True,
            )
        }
        | ({"dropout in evaluation": kept} if name == "dropout" else {}),
        (Layer(module, (0.4,), input, prepared=Seeded),),
        {name: Proof(dropouts(name), smaller, dropped, seldom=True)},
        # In training, what is drawn is no function of the tensors, and has tests of its own.
        {name: replace(kept, shapes=(row,), plain=lambda x: x * 1)},
    )


NAMES = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
OPERATIONS = (
    _operation("dropout", "Dropout", (2, 3, 4), (2, 3, 2), (2, 3)),
    _operation("dropout1d", "Dropout1d", (2, 3, 4), (2, 3, 2), (2, 3, 4)),
    _operation("dropout2d", "Dropout2d", (2, 3, 2, 2), (2, 3, 2, 2), (2, 3, 4, 3)),
    _operation("dropout3d", "Dropout3d", (2, 3, 2, 1, 2), (2, 3, 2, 1, 2), (2, 3, 2, 3, 2)),
    _operation("alpha_dropout", "AlphaDropout", (2, 3, 4), (2, 3, 2), (2, 3)),
    _operation("feature_alpha_dropout", "FeatureAlphaDropout", (2, 3, 4), (2, 3, 2), (2, 3, 4)),
)
