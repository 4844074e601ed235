"""Losses of pairs of entries as questions: of residuals away from their kinks, and of two classes only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions, functional
from manualconv.testing.cases import SEEDS, numbers_per_axis
from manualconv.testing.cases.tensors import LAYOUTS, laid_out, unshared
from tests.proof.classification_loss import REDUCTIONS
from tests.proof.question import Operation, Question

#: The argument that says where a parabola ends, if there is one, and whether the mean divides by the sum of weights.
LOSSES: dict[str, tuple[str, bool]] = {
    "mse_loss": ("", True),
    "l1_loss": ("", True),
    "smooth_l1_loss": ("beta", False),
    "huber_loss": ("delta", False),
    "binary_cross_entropy": ("", False),
    "binary_cross_entropy_with_logits": ("", False),
}


@dataclass(frozen=True)
class EntryLoss:
    """One drawn loss of x and t of one shape; weights are of that shape or of its last axis."""

    name: str
    shape: tuple[int, ...]
    bend: float
    weight: str
    positive: str
    reduction: str
    layouts: tuple[str, str]
    seed: int

    def _random(self, shape: tuple[int, ...], which: int, layout: str = "contiguous") -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + which)
        return laid_out(torch.rand(shape, generator=generator, dtype=torch.float64), layout)

    def pair(self) -> tuple[Tensor, Tensor]:
        """x and t; residuals are odd sixteenths, kinks eighths, and probabilities stay off 0 and 1."""
        t = self._random(self.shape, 1, self.layouts[1]) * 0.8 + 0.1
        x = self._random(self.shape, 0, self.layouts[0])
        if self.name == "binary_cross_entropy":
            return x * 0.6 + 0.2, t
        residuals = (2 * (x * 40).floor() - 39) / 16
        return (residuals, t) if "binary" in self.name else (t + residuals, t)

    def factors(self, extent: str, which: int) -> Tensor | None:
        """Weights between ½ and 1½, if there are any."""
        shape = {"each": self.shape, "last axis": self.shape[-1:]}.get(extent)
        return None if shape is None else self._random(shape, which) + 0.5

    def cotangent(self) -> Tensor:
        """In the shape of the result."""
        return self._random(self.shape if self.reduction == "none" else (), 4) * 2 - 1


@st.composite
def entry_losses(draw: st.DrawFn, name: str) -> EntryLoss:
    """Any loss of that name over one to three axes."""
    ndim = draw(st.sampled_from((2, 1, 3)))
    layouts = [layout for layout in LAYOUTS if layout != "channels_last" or ndim > 1]
    some = ("none", "each", "last axis") if "binary" in name else ("none", "each")
    return EntryLoss(
        name=name,
        shape=draw(numbers_per_axis(ndim, 1 if ndim == 3 else 2, 3, False)),  # one entry is on one side of a kink
        bend=draw(st.sampled_from((1.0, 0.5, 2.0, 0.25))),
        weight=draw(st.sampled_from(some if name != "smooth_l1_loss" else some[:1])),
        positive=draw(st.sampled_from(some if name.endswith("with_logits") else some[:1])),
        reduction=draw(REDUCTIONS),
        layouts=(draw(st.sampled_from(layouts)), draw(st.sampled_from(layouts))),
        seed=draw(SEEDS),
    )


def smaller(case: EntryLoss) -> EntryLoss:
    """Few entries, each with a place of its own in memory."""
    *lead, last = case.shape
    shape = (*(min(s, 2 if axis == 0 else 1) for axis, s in enumerate(lead)), min(last, 2))
    return replace(case, shape=shape, layouts=unshared(case.layouts))


def _entry(case: EntryLoss, x: float, t: float, u: float) -> tuple[float, float, float, float]:
    """A loss and its slopes by x, t and u, the weight of the positive class."""
    if case.name == "binary_cross_entropy":
        return *definitions.bce(x, t), 0.0
    if case.name == "binary_cross_entropy_with_logits":
        value, slope = definitions.coin(x, t, u)
        heads, tails = definitions.coin(x, 1.0, 1.0)[0], definitions.coin(x, 0.0, 1.0)[0]
        return value, slope, u * heads - tails, t * heads
    r = x - t
    if case.name == "mse_loss":
        return r * r, 2 * r, -2 * r, 0.0
    if case.name == "l1_loss":
        return abs(r), float(np.sign(r)), -float(np.sign(r)), 0.0
    value, slope = definitions.huber(r, case.bend)
    if case.name == "smooth_l1_loss":
        value, slope = value / case.bend, slope / case.bend
    return value, slope, -slope, 0.0


def answers(case: EntryLoss) -> list[Any]:
    """The loops' value and gradients by x, t and the weights that there are."""
    x, t = (part.numpy() for part in case.pair())
    given = [case.factors(case.weight, 2), case.factors(case.positive, 3)]
    v, u = (np.broadcast_to(1.0 if w is None else w.numpy(), x.shape) for w in given)
    parts = np.zeros((4, *x.shape))
    for i in definitions.indices(x.shape):
        parts[(slice(None), *i)] = _entry(case, x[i], t[i], u[i])
    # Where the mean is that of the weighted losses, they count as one each.
    counts = v if LOSSES[case.name][1] else np.ones(x.shape)
    value, by_e, by_count = definitions.reduced(v * parts[0], counts, case.cotangent().numpy(), case.reduction)
    v_bar = by_e * parts[0] + (by_count if LOSSES[case.name][1] else 0)
    bars = [by_e * v * parts[1], by_e * v * parts[2]]
    for w, bar in zip(given, (v_bar, by_e * v * parts[3])):
        if w is not None:
            bars.append(bar.reshape(-1, *w.shape).sum(0))
    return [value, *bars]


def question(case: EntryLoss) -> Question:
    """The loss as a function of x, t and its weights."""
    layer = getattr(functional, case.name)
    options: dict[str, Any] = {"reduction": case.reduction}
    if bend := LOSSES[case.name][0]:
        options[bend] = case.bend
    factors = {"weight": case.factors(case.weight, 2), "pos_weight": case.factors(case.positive, 3)}
    given = {name: w for name, w in factors.items() if w is not None}

    def apply(x: Tensor, t: Tensor, *weights: Tensor) -> Tensor:
        return layer(x, t, **options, **dict(zip(given, weights)))

    return Question(apply, (*case.pair(), *given.values()), case.cotangent(), lambda: answers(case), exact=False)


OPERATIONS = {name: Operation(entry_losses(name), smaller, question, seldom=True) for name in LOSSES}
