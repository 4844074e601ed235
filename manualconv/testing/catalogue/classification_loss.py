"""Losses against classes: of class numbers or probabilities, weighted, smoothed, some samples ignored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions
from manualconv.testing.cases import SEEDS, numbers_per_axis
from manualconv.testing.cases.tensors import LAYOUTS, laid_out, unshared
from manualconv.testing.catalogue.activation import log_softmax
from manualconv.testing.catalogue.operation import Against, Example, Layer, Operation
from manualconv.testing.catalogue.question import SMOOTH, Apply, Proof, Question, function

REDUCTIONS = st.sampled_from(("mean", "sum", "none"))


@dataclass(frozen=True)
class ClassLoss:
    """One drawn loss of ``(N, C, *S)``, or of one sample ``(C,)``; its targets are probabilities if it is `soft`."""

    name: str
    batch: int | None
    classes: int
    size: tuple[int, ...]
    weighted: bool
    soft: bool
    smoothing: float
    ignore_index: int  # a class, or a number that is none
    reduction: str
    layout: str
    seed: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the input."""
        return (self.classes,) if self.batch is None else (self.batch, self.classes, *self.size)

    @property
    def mixed(self) -> float:
        """The uniform distribution's part; torch reads a negative one as none."""
        return max(self.smoothing, 0.0)

    def _random(self, shape: tuple[int, ...], which: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + which)
        t = torch.randn(shape, generator=generator, dtype=torch.float64)
        return laid_out(t, self.layout) if len(shape) > 1 else t

    def input(self) -> Tensor:
        """Logits; as log-probabilities any numbers will do."""
        return self._random(self.shape, 0)

    def weight(self) -> Tensor:
        """A factor between ½ and 2 for every class, or 1."""
        v = self._random((self.classes,), 1).tanh() * 0.75 + 1.25
        return v if self.weighted else torch.ones_like(v)

    def probabilities(self) -> Tensor:
        """A target in the input's shape."""
        return self._random(self.shape, 2).softmax(min(len(self.shape) - 1, 1))

    def numbers(self) -> Tensor:
        """Class numbers, about every third of them ignored; never all of them, a mean of which is NaN."""
        shape = () if self.batch is None else (self.batch, *self.size)
        generator = torch.Generator().manual_seed(self.seed + 3)
        t = torch.randint(self.classes, shape, generator=generator)
        t = torch.where(torch.rand(shape, generator=generator) < 1 / 3, self.ignore_index, t)
        counts = torch.tensor((self.ignore_index + 1) % self.classes)
        return torch.where((t == self.ignore_index).all(), counts, t)

    def cotangent(self) -> Tensor:
        """In the shape of the result."""
        none = self.reduction == "none" and self.batch is not None
        return self._random((self.batch, *self.size) if none else (), 4)  # type: ignore[arg-type]


@st.composite
def class_losses(draw: st.DrawFn, name: str) -> ClassLoss:
    """Any loss of that name; none of probabilities has a class to ignore."""
    soft = name == "cross_entropy" and draw(st.booleans())
    smoothings = (0.0, 0.2, 0.7, 1.0, -0.5) if name == "cross_entropy" else (0.0,)
    classes = draw(st.sampled_from((3, 2, 4, 1)))
    batch = draw(st.sampled_from((2, 1, 3, None, 2, 1, 3, 0)))
    ndim = draw(st.sampled_from((0, 1, 2, 0))) if batch is not None else 0
    return ClassLoss(
        name=name,
        batch=batch,
        classes=classes,
        size=draw(numbers_per_axis(ndim, 1, 3, False)),
        weighted=draw(st.booleans()),
        soft=soft,
        smoothing=draw(st.sampled_from(smoothings)),
        ignore_index=draw(st.sampled_from((-100, -1, 1, 0)[: 3 + (classes > 1)])) if not soft else -100,
        reduction=draw(REDUCTIONS if batch != 0 else st.sampled_from(("sum", "none"))),  # a mean of nothing is NaN
        layout=draw(st.sampled_from(LAYOUTS)),
        seed=draw(SEEDS),
    )


def smaller(case: ClassLoss) -> ClassLoss:
    """At most two samples of few classes and positions, each with a place of its own in memory."""
    return replace(
        case,
        batch=None if case.batch is None else min(max(case.batch, 1), 2),
        classes=min(max(case.classes, 2), 3),
        size=tuple(min(s, 2) for s in case.size),
        layout=unshared((case.layout,))[0],
    )


def _rows(t: Tensor) -> Any:
    """``(N·S, C)``."""
    return t.numpy()[None] if t.dim() == 1 else t.movedim(1, -1).reshape(-1, t.shape[1]).numpy()


def _unrolled(rows: Any, like: Tensor) -> Any:
    """Rows in the input's shape."""
    return rows[0] if like.dim() == 1 else np.moveaxis(rows.reshape(like.movedim(1, -1).shape), -1, 1)


def _distributions(case: ClassLoss) -> tuple[Any, Any]:
    """Every row's target as numbers for all classes, and the class that its weight in the mean is of; −1 for none."""
    if case.soft:
        mixed = (1 - case.mixed) * _rows(case.probabilities()) + case.mixed / case.classes
        return mixed, np.full(len(mixed), -1)
    t = case.numbers().reshape(-1).numpy()
    q = (1 - case.mixed) * np.eye(case.classes)[np.where(t == case.ignore_index, 0, t)]
    q = (q + case.mixed / case.classes) * (t != case.ignore_index)[:, None]
    return q, np.where(t == case.ignore_index, -1, t)


def answers(case: ClassLoss) -> list[Any]:
    """The loops' value and gradients by input, probabilities and weights."""
    z, v, g = case.input(), case.weight().numpy(), case.cotangent().numpy()
    q, classes = _distributions(case)
    entropies = case.name == "cross_entropy"
    y = definitions.log_softmax(_rows(z)) if entropies else _rows(z)
    w = np.ones(len(y)) if case.soft else np.array([v[t] if t >= 0 else 0.0 for t in classes])
    e, gradients = definitions.weighted_entropy(y, q, v)
    flat = case.reduction == "none"
    value, by_e, by_w = definitions.reduced(e, w, g.reshape(-1) if flat else g, case.reduction)
    y_bar, q_bar, v_bar = gradients(by_e)
    for slope, t in zip(by_w, classes):
        v_bar[t] += slope if t >= 0 else 0
    z_bar = definitions.log_softmax_gradient(_rows(z), y_bar) if entropies else y_bar
    bars = [_unrolled(z_bar, z)]
    bars += [_unrolled((1 - case.mixed) * q_bar, z)] if case.soft else []
    return [value.reshape(g.shape), *bars, *([v_bar] if case.weighted else [])]


def question(case: ClassLoss) -> Question:
    """The loss as a function of its input, of probabilities and of weights."""
    options: dict[str, Any] = {"reduction": case.reduction, "ignore_index": case.ignore_index}
    if case.name == "cross_entropy":
        options["label_smoothing"] = case.smoothing
    targets = (case.probabilities(),) if case.soft else ()
    loss = _of_targets(() if case.soft else (case.numbers(),))
    return Question(
        lambda library: partial(loss(function(library, case.name)), **options),
        (case.input(), *targets, *((case.weight(),) if case.weighted else ())),
        case.cotangent(),
        lambda: answers(case),
        SMOOTH,
        constants=int(case.weighted and not case.soft),
    )


def _of_targets(numbers: tuple[Tensor, ...]) -> Any:
    return lambda loss: lambda z, *others, **options: loss(z, *numbers, *others, **options)


# -------------------------------------------------------------------------------------------------- the operations

CLASSES = torch.tensor([[0, 2, 1], [2, -100, 0]])
CLASS_WEIGHTS = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
ROWS, IMAGES = ((2, 3), (2, 3)), ((2, 3, 3),)


def _each(z: Tensor) -> Tensor:
    """A class number of three, or the one ignored, for each entry of ``(N, 3, 3)``: as many samples as there are."""
    numbers = torch.arange(3 * z.shape[0], device=z.device).reshape(z.shape[0], 3) % 4
    return torch.where(numbers == 3, -100, numbers)


def _in_turn(z: Tensor) -> Tensor:
    """Targets for z ``(N, C)``: n mod C."""
    return torch.arange(z.shape[0], device=z.device) % z.shape[1]


def _against(targets: Any, weighted: bool = False) -> Any:
    """A loss with its targets filled in, and weights of three classes if it is weighted."""

    def form(loss: Any) -> Apply:
        def apply(z: Tensor, **options: Any) -> Any:
            weight = {"weight": CLASS_WEIGHTS.to(z)} if weighted else {}
            return loss(z, targets(z), **weight, **options)

        return apply

    return form


def _of_numbers_and_of_probabilities(loss: Any) -> Apply:
    def apply(z: Tensor, q: Tensor) -> Any:
        weight = CLASS_WEIGHTS.to(z)
        return loss(z, CLASSES.to(z.device), weight, label_smoothing=0.25) + loss(z, q, weight)

    return apply


def _nll_loss(y: Tensor) -> Tensor:
    """``−mean y[n, t_n]``."""
    return -y.gather(1, _in_turn(y).unsqueeze(1)).sum() / y.shape[0]


def _soft(z: Tensor, q: Tensor) -> Tensor:
    """``−1/N Σ_n,c ((1 − ε)·q[n, c] + ε/C)·log softmax(z)[n, c]``, ε a quarter."""
    return -(log_softmax(z) * (q * 0.75 + 0.25 / z.shape[1])).sum() / z.shape[0]


def _weighing(loss: Any) -> Apply:
    return lambda x, w: loss(x, torch.tensor([2, 0, 3], device=x.device), w.detach() + 3)


def _reduced(name: str) -> dict[str, Example]:
    """Under autocast: every reduction, and weights."""
    return {
        **{
            f"{name}, {how}": Example(name, ((3, 4),), (), {"reduction": how}, _against(_in_turn))
            for how in ("none", "mean", "sum")
        },
        f"{name}, weighted": Example(name, ((3, 4), (4,)), (), {}, _weighing),
    }


def _operation(
    name: str, module: Layer, first: Example, options: dict[str, Any], rows: dict[str, Example]
) -> Operation:
    one_each = Example(
        *(name, IMAGES, (), {"reduction": "none", **options}, _against(_each, weighted=name == "nll_loss")),
        exact=False,
        unbatched=False,
    )
    return Operation(
        name,
        {f"{name}, a mean": first, name: one_each},
        (module,),
        {name: Proof(class_losses(name), smaller, question, seldom=True)},
        rows,
        _reduced(name),
    )


def _classed(loss: torch.nn.Module) -> torch.nn.Module:
    """In the place of what is ignored by default a class that is to be."""
    return Against(loss, torch.where(CLASSES < 0, 1, CLASSES))


OPERATIONS = (
    _operation(
        "nll_loss",
        Layer("NLLLoss", (CLASS_WEIGHTS,), (2, 3, 3), {"ignore_index": 1}, _classed),
        Example("nll_loss", IMAGES, form=_against(lambda y: CLASSES.to(y.device), weighted=True), compared=False),
        {},
        {"nll_loss": Example("nll_loss", ROWS[:1], form=_against(_in_turn), plain=_nll_loss)},
    ),
    _operation(
        "cross_entropy",
        Layer("CrossEntropyLoss", (CLASS_WEIGHTS,), (2, 3, 3), {"ignore_index": 1}, _classed),
        Example("cross_entropy", 2 * IMAGES, form=_of_numbers_and_of_probabilities, compared=False),
        {"label_smoothing": 0.25},
        {
            "cross_entropy": Example(
                "cross_entropy", ROWS[:1], form=_against(_in_turn), plain=lambda z: _nll_loss(log_softmax(z))
            ),
            "cross_entropy, probabilities": Example(
                "cross_entropy", ROWS, options={"label_smoothing": 0.25}, plain=_soft
            ),
        },
    ),
)
