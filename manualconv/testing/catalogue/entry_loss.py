"""Losses of pairs of entries: of residuals, and of two classes only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions, nn
from manualconv.testing.cases import SEEDS, numbers_per_axis
from manualconv.testing.cases.tensors import LAYOUTS, laid_out, spread_out, unshared
from manualconv.testing.catalogue.activation import sigmoid
from manualconv.testing.catalogue.classification_loss import CLASS_WEIGHTS, REDUCTIONS, ROWS
from manualconv.testing.catalogue.operation import Against, Example, Layer, Operation
from manualconv.testing.catalogue.question import SMOOTH, Apply, Proof, Question, function

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
    """One drawn loss of x and t; weights, and a target of residuals, are of x's shape or of some of its axes."""

    name: str
    shape: tuple[int, ...]
    bend: float
    target: str
    weight: str
    positive: str
    reduction: str
    layouts: tuple[str, str]
    seed: int
    smooth: bool = False  # no residual of zero

    def _random(self, shape: tuple[int, ...], which: int, layout: str = "contiguous") -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + which)
        return laid_out(torch.rand(shape, generator=generator, dtype=torch.float64), layout)

    def pair(self) -> tuple[Tensor, Tensor]:
        """x and t; residuals are 0 or odd sixteenths, other kinks eighths, and probabilities stay off 0 and 1."""
        layout = self.layouts[1] if self.target == "each" else "contiguous"
        t = self._random(self.extent(self.target), 1, layout) * 0.8 + 0.1
        x = self._random(self.shape, 0, self.layouts[0])
        if self.name == "binary_cross_entropy":
            return x * 0.6 + 0.2, t
        residuals = (2 * (x * 40).floor() - 39) / 16
        if "binary" not in self.name and not self.smooth:
            residuals = residuals * (x * 40 % 1 > 0.1)  # one in ten
        return (residuals, t) if "binary" in self.name else (t + residuals, t)

    def extent(self, axes: str) -> tuple[int, ...]:
        """The part of the shape that has these axes."""
        rows = (*self.shape[:-1], *(1 for _ in self.shape[-1:]))
        return {"each": self.shape, "last axis": self.shape[-1:], "rows": rows, "one number": ()}[axes]

    def factors(self, axes: str, which: int) -> Tensor | None:
        """Weights between ½ and 1½, if there are any."""
        return None if axes == "none" else self._random(self.extent(axes), which) + 0.5

    def cotangent(self) -> Tensor:
        """In the shape of the result."""
        return self._random(self.shape if self.reduction == "none" else (), 4) * 2 - 1


@st.composite
def entry_losses(draw: st.DrawFn, name: str) -> EntryLoss:
    """Any loss of that name over up to three axes."""
    ndim = draw(st.sampled_from((2, 1, 3, 2, 1, 3, 0)))
    layouts = [layout for layout in LAYOUTS if layout != "channels_last" or ndim > 1] if ndim else LAYOUTS[:1]
    parts = ("each", "last axis", "rows", "one number")
    some = ("none", *parts) if "binary" in name else ("none", "each")
    bends = (1.0, 0.5, 2.0, 0.25, *((0.0,) if name == "smooth_l1_loss" else ()))
    return EntryLoss(
        name=name,
        shape=draw(numbers_per_axis(ndim, 1 if ndim == 3 else 2, 3, False)),  # one entry is on one side of a kink
        bend=draw(st.sampled_from(bends)),
        target="each" if "binary" in name else draw(st.sampled_from(("each", *parts))),
        weight=draw(st.sampled_from(some if name != "smooth_l1_loss" else some[:1])),
        positive=draw(st.sampled_from(some if name.endswith("with_logits") else some[:1])),
        reduction=draw(REDUCTIONS),
        layouts=(draw(st.sampled_from(layouts)), draw(st.sampled_from(layouts))),
        seed=draw(SEEDS),
    )


def smaller(case: EntryLoss) -> EntryLoss:
    """Few entries, each with a place of its own in memory, away from every kink."""
    *lead, last = case.shape or (1,)
    shape = (*(min(s, 2 if axis == 0 else 1) for axis, s in enumerate(lead)), min(last, 2))[: len(case.shape)]
    return replace(case, shape=shape, layouts=unshared(case.layouts), smooth=True)


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
    if case.name == "l1_loss" or case.bend == 0:
        return abs(r), float(np.sign(r)), -float(np.sign(r)), 0.0
    value, slope = definitions.huber(r, case.bend)
    if case.name == "smooth_l1_loss":
        value, slope = value / case.bend, slope / case.bend
    return value, slope, -slope, 0.0


def _gathered(bar: Any, shape: tuple[int, ...]) -> Any:
    """What numbers of that shape, spread over all entries, get back from each of them."""
    bar = bar.sum(tuple(range(bar.ndim - len(shape))))
    return bar.sum(tuple(axis for axis, size in enumerate(shape) if size == 1), keepdims=True)


def answers(case: EntryLoss) -> list[Any]:
    """The loops' value and gradients by x, t and the weights that there are."""
    x, t = (part.numpy() for part in case.pair())
    given = [case.factors(case.weight, 2), case.factors(case.positive, 3)]
    v, u = (np.broadcast_to(1.0 if w is None else w.numpy(), x.shape) for w in given)
    like, t = t, np.broadcast_to(t, x.shape)
    parts = np.array([_entry(case, x[i], t[i], u[i]) for i in definitions.indices(x.shape)]).T.reshape(4, *x.shape)
    # Where the mean is that of the weighted losses, they count as one each.
    counts = v if LOSSES[case.name][1] else np.ones(x.shape)
    value, by_e, by_count = definitions.reduced(v * parts[0], counts, case.cotangent().numpy(), case.reduction)
    v_bar = by_e * parts[0] + (by_count if LOSSES[case.name][1] else 0)
    bars = [by_e * v * parts[1], _gathered(by_e * v * parts[2], like.shape)]
    for w, bar in zip(given, (v_bar, by_e * v * parts[3])):
        if w is not None:
            bars.append(_gathered(bar, tuple(w.shape)))
    return [value, *bars]


def question(case: EntryLoss) -> Question:
    """The loss as a function of x, t and its weights."""
    options: dict[str, Any] = {"reduction": case.reduction}
    if bend := LOSSES[case.name][0]:
        options[bend] = case.bend
    factors = {"weight": case.factors(case.weight, 2), "pos_weight": case.factors(case.positive, 3)}
    given = {name: w for name, w in factors.items() if w is not None}

    def of(library: Any) -> Apply:
        return lambda x, t, *weights: function(library, case.name)(x, t, **options, **dict(zip(given, weights)))

    inputs, constants = (*case.pair(), *given.values()), len(given) if "binary" in case.name else 0
    return Question(of, inputs, case.cotangent(), lambda: answers(case), SMOOTH, constants=constants)


# ---------------------------------------------------------------------------------------------- in plain arithmetic


def _ordered(x: Tensor) -> None:
    if x.is_complex():
        raise NotImplementedError("complex numbers have no order")


def _entropy(x: Tensor, t: Tensor) -> Tensor:
    """``−(t·log x + (1 − t)·log(1 − x))``."""
    _ordered(x)
    return -(t * x.log() + (1 - t) * (1 - x).log())


def _huber(delta: float, slope: float = 1.0) -> Apply:
    """``r²/2`` within δ, ``δ·(|r| − δ/2)`` beyond, times a slope."""

    def apply(x: Tensor, y: Tensor) -> Tensor:
        _ordered(x)
        r = (x - y).abs()
        inside = r < delta
        return slope * (inside * r * r / 2 + ~inside * (delta * (r - delta / 2)))

    return apply


def _mean(entries: Apply) -> Apply:
    return lambda x, t: entries(x, t).sum() / x.numel()


# -------------------------------------------------------------------------------------------------- the operations

Form = Callable[[Any], Apply]


def _scaled(by: float, to: float = 0.0, both: bool = False) -> Form:
    """Of the target, or of both tensors, ``· by + to``."""

    def form(loss: Any) -> Apply:
        return lambda x, t, *more, **options: loss(x * by + to if both else x, t * by + to, *more, **options)

    return form


def _as_the_input(loss: Any) -> Apply:
    """A loss that is real for complex numbers too, in the dtype of its input, which the table compares."""
    return lambda x, t: loss(x, t).to(x.dtype)


def _weighing(form: Form) -> Form:
    """The third tensor is a weight, positive."""
    return lambda loss: lambda x, t, w, **options: form(loss)(x, t, weight=w + 3, **options)


def _bfloat16(loss: Any) -> Apply:
    """A target of that dtype; a third tensor is a weight."""
    return lambda x, t, *w: loss(x, t.bfloat16(), **({"weight": w[0] + 3} if w else {}))


def _less(loss: torch.nn.Module) -> torch.nn.Module:
    """Targets that are nowhere equal to an input of the same shape, or 0.7 away from it."""
    return Against(loss, spread_out((2, 3), 9) / 4)


def _likely(loss: torch.nn.Module) -> torch.nn.Module:
    return torch.nn.Sequential(nn.Sigmoid(), Against(loss, spread_out((2, 3), 9).abs() / 2))


WIDE = ((3, 4), (3, 4))


def _operation(
    name: str,
    module: Layer,
    first: Example,
    each: Example,
    row: Example,
    cast: dict[str, Example],
    reductions: tuple[str, ...] = ("none", "mean", "sum"),
    under: Form = lambda loss: loss,
) -> Operation:
    each = replace(each, options={**each.options, "reduction": "none"}, exact=False, unbatched=False)
    of_reductions = {f"{name}, {how}": Example(name, WIDE, (), {"reduction": how}, under) for how in reductions}
    proof = Proof(entry_losses(name), smaller, question, seldom=True)
    first = replace(first, compared=False)
    return Operation(
        name, {f"{name}, a mean": first, name: each}, (module,), {name: proof}, {name: row}, {**of_reductions, **cast}
    )


def _weighted(name: str) -> dict[str, Example]:
    form = _weighing(lambda loss: loss)
    return {
        f"{name}, weighted, {how}": Example(name, (*WIDE, (3, 4)), (), {"reduction": how}, form)
        for how in ("none", "mean", "sum")
    }


def _narrow(name: str) -> dict[str, Example]:
    """torch has no derivative of such a huber_loss."""
    return {f"{name}, a bfloat16 target": Example(name, WIDE, form=_bfloat16)}


def _with_class_weights(option: str, form: Form) -> Form:
    return lambda loss: lambda x, t: form(loss)(x, t, **{option: CLASS_WEIGHTS.to(x)})


def _of_itself(loss: Any) -> Apply:
    """Weighted by two tensors, against a target made of the input."""
    return lambda x, w, u: loss(x, x.detach() / 8 + 0.5, weight=w.detach() + 3, pos_weight=u.detach() + 3)


#: Whole numbers up to six, too, between 0 and 1.
_CHANCES, _QUARTER, _EIGHTH = _scaled(1 / 13, 0.5, both=True), _scaled(0.25), _scaled(1 / 8, 0.5, both=True)
MSE, BEND = "mse_loss", {"beta": 0.7}
BCE, LOGITS = "binary_cross_entropy", "binary_cross_entropy_with_logits"

OPERATIONS = (
    _operation(
        BCE,
        Layer("BCELoss", (CLASS_WEIGHTS,), (2, 3), prepared=_likely),
        Example(BCE, ROWS, form=_with_class_weights("weight", _scaled(0.2, 0.5, both=True))),
        Example(BCE, ROWS, form=_CHANCES, other=_CHANCES(_entropy)),
        Example(BCE, ROWS, form=(_half := _scaled(0.5, 0.5, both=True)), plain=_half(_mean(_entropy))),
        {},
        ("none", "mean"),
        _EIGHTH,
    ),
    _operation(
        LOGITS,
        Layer("BCEWithLogitsLoss", (CLASS_WEIGHTS.flip(0),), (2, 3), {"pos_weight": CLASS_WEIGHTS}, _less),
        Example(LOGITS, ROWS, form=_with_class_weights("pos_weight", lambda loss: loss)),
        Example(LOGITS, ROWS),
        Example(LOGITS, ROWS, plain=_mean(lambda z, t: _entropy(sigmoid(z), t))),
        {f"{LOGITS}, weighted": Example(LOGITS, ((3, 4), (3, 4), (4,)), form=_of_itself)},
        ("none", "mean"),
        _EIGHTH,
    ),
    _operation(
        MSE,
        Layer("MSELoss", (), (2, 3), prepared=_less),
        Example(MSE, ROWS),
        Example(MSE, ROWS),
        Example(MSE, ROWS, plain=_mean(lambda x, y: (x - y) * (x - y))),
        {
            **_weighted(MSE),
            **_narrow(MSE),
            f"{MSE}, weighted, a bfloat16 target": Example(MSE, (*WIDE, (3, 4)), form=_bfloat16),
        },
    ),
    _operation(
        "l1_loss",
        Layer("L1Loss", (), (2, 3), prepared=_less),
        Example("l1_loss", ROWS, form=_QUARTER),
        Example("l1_loss", ROWS, form=_QUARTER, other=lambda x, t: (x - t / 4).abs()),
        Example("l1_loss", ROWS, form=_as_the_input, plain=_as_the_input(_mean(lambda x, y: (x - y).abs()))),
        {**_weighted("l1_loss"), **_narrow("l1_loss")},
    ),
    _operation(
        "smooth_l1_loss",
        Layer("SmoothL1Loss", (), (2, 3), BEND, _less),
        Example("smooth_l1_loss", ROWS, (), BEND, _QUARTER),
        Example("smooth_l1_loss", ROWS, (), BEND, _QUARTER),
        Example("smooth_l1_loss", ROWS, (None, None, "mean", 0.5), plain=_mean(_huber(0.5, 2.0))),
        {
            **_narrow("smooth_l1_loss"),
            "smooth_l1_loss without a bend": Example("smooth_l1_loss", WIDE, (), {"beta": 0.0}),
        },
    ),
    _operation(
        "huber_loss",
        Layer("HuberLoss", (), (2, 3), {"delta": 0.7}, _less),
        Example("huber_loss", ROWS, (), {"delta": 0.7}, _QUARTER),
        # By torch's plain arithmetic: its own has no forward mode over reverse mode.
        Example("huber_loss", ROWS, (), {"delta": 0.7}, _QUARTER, other=_QUARTER(_huber(0.7))),
        Example("huber_loss", ROWS, ("mean", 0.5), plain=_mean(_huber(0.5))),
        _weighted("huber_loss"),
    ),
)
