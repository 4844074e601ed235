"""Dropout as questions: the mask of a seed, which is the one that torch draws from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.definitions.activation import SELU_ALPHA, SELU_SCALE
from manualconv.testing.cases import SEEDS, numbers_per_axis
from manualconv.testing.cases.tensors import LAYOUTS, filled, laid_out, unshared
from tests.layers.dropout import NAMES, seeded
from tests.proof.question import FEW, Operation, Question

#: What alpha dropout puts in the place of an entry, negated.
SATURATION = SELU_ALPHA * SELU_SCALE
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

    def by(self, library: Any, x: Tensor) -> Tensor:
        """The layer of a library, from the one seed."""
        return seeded(lambda x: getattr(library, self.name)(x, self.p, self.training), x)


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
    alpha = "alpha" in case.name
    active = case.training and case.p > 0

    def loops() -> list[Any]:
        leaf = x.detach().requires_grad_()
        kept = (grad(case.by(F, leaf).sum(), leaf)[0] != 0).double().numpy()
        if not active:
            return [x.numpy().copy(), cotangent.numpy().copy()]
        if case.p == 1:
            return [0 * x.numpy(), 0 * cotangent.numpy()]
        if not alpha:
            return [t.numpy() * kept / (1 - case.p) for t in (x, cotangent)]
        scale = ((1 - case.p) * (1 + case.p * SATURATION**2)) ** -0.5
        y = scale * (x.numpy() * kept - SATURATION * (1 - kept) + SATURATION * case.p)
        return [y, scale * kept * cotangent.numpy()]

    exact = not active or case.p == 1 or (not alpha and case.p in (0.5, 0.75))
    return Question(lambda x: case.by(functional, x), (x,), cotangent, loops, exact, random=True)


OPERATIONS = {name: Operation(dropouts(name), smaller, dropped, seldom=True) for name in NAMES}
