"""Faults of losses: reductions, weights, kinks and logarithms of zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import going_back

Layer = Callable[..., Tensor]


def of_entries(entry: Layer, mean: Callable[[Tensor, Tensor], Tensor] = lambda e, x: e.mean()) -> Layer:
    """A loss of entries without weights: one rule of them, one of their mean."""

    def layer(input: Tensor, target: Tensor, reduction: str = "mean", **options: Any) -> Tensor:
        e = entry(input, target, **options)
        return e if reduction == "none" else e.sum() if reduction == "sum" else mean(e, input)

    return layer


def _over_samples(e: Tensor, x: Tensor) -> Tensor:
    return e.sum() / (x.shape[0] if x.dim() else 1)


def _huber(x: Tensor, t: Tensor, delta: float = 1.0) -> Tensor:
    r = (x - t).abs()
    return torch.where(r < delta, r * r / 2, r - delta / 2)


def _huber_tail(x: Tensor, t: Tensor, delta: float = 1.0) -> Tensor:
    r = (x - t).abs()
    return torch.where(r < delta, r * r / 2, delta * r)


def _smooth(x: Tensor, t: Tensor, beta: float = 1.0) -> Tensor:
    return F.smooth_l1_loss(x, t, reduction="none", beta=1.0)


def _smooth_undivided(x: Tensor, t: Tensor, beta: float = 1.0) -> Tensor:
    return F.huber_loss(x, t, reduction="none", delta=beta) if beta else (x - t).abs()


def _l1_at_zero(input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    r = input - target
    e = torch.where(r >= 0, r, -r) * (1.0 if weight is None else weight)
    if reduction == "none":
        return e
    return e.sum() if reduction == "sum" else e.sum() / (e.numel() if weight is None else weight.expand(e.shape).sum())


def _mse(change: Callable[[dict[str, Any]], dict[str, Any]] = lambda given: {}, target_moves: bool = True) -> Layer:
    def layer(input: Tensor, target: Tensor, **options: Any) -> Tensor:
        given = {"reduction": "mean", "weight": None, **options}
        return F.mse_loss(input, target if target_moves else target.detach() + 0 * target, **{**given, **change(given)})

    return layer


def _half_gradient(input: Tensor, target: Tensor, **options: Any) -> Tensor:
    return F.mse_loss(going_back(input, lambda g: g / 2), target, **options)


FAMILY = "losses"
MEANS = "a mean over samples for one over entries"
KINDS = "two losses that agree at δ = 1"
plant(
    FAMILY,
    "mse_loss",
    ("a mean over samples", of_entries(lambda x, t: (x - t) ** 2, _over_samples), MEANS),
    ("a mean whatever is asked", _mse(lambda given: {"reduction": "mean"}), "an option accepted and not read"),
    ("its weight ignored", _mse(lambda given: {"weight": None}), "an option accepted and not read"),
    ("half of its gradient", _half_gradient, "the two of a square forgotten"),
    ("nothing sent to the target", _mse(target_moves=False), "a target taken for a constant"),
)
plant(
    FAMILY,
    "l1_loss",
    ("slope one at zero", _l1_at_zero, "what a slope is at its kink"),
    ("squares", of_entries(lambda x, t: (x - t) ** 2 / (1 + (x - t).abs())), "a smooth loss for a bent one"),
)
plant(
    FAMILY,
    "smooth_l1_loss",
    ("β is one", of_entries(_smooth), "an option accepted and not read"),
    ("not divided by β", of_entries(_smooth_undivided), KINDS),
    (
        "a mean over samples",
        of_entries(lambda x, t, beta=1.0: F.smooth_l1_loss(x, t, reduction="none", beta=beta), _over_samples),
        MEANS,
    ),
)
plant(
    FAMILY,
    "huber_loss",
    ("the slope beyond δ is one", of_entries(_huber), KINDS),
    ("a step at δ", of_entries(_huber_tail), "half a square forgotten beyond δ"),
)

# -------------------------------------------------------------------------------------------------- classification


def _log_of_zero(input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean") -> Tensor:
    e = -(target * torch.log(input + 1e-7) + (1 - target) * torch.log(1 - input + 1e-7))
    e = e if weight is None else e * weight
    return e if reduction == "none" else e.sum() if reduction == "sum" else e.mean()


def _one_side(input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean") -> Tensor:
    e = -target * torch.log(input).clamp(min=-100) * (1.0 if weight is None else weight)
    return e if reduction == "none" else e.sum() if reduction == "sum" else e.mean()


def _weighted_mean(input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean") -> Tensor:
    y = F.binary_cross_entropy(input, target, weight, reduction=reduction)
    return y if weight is None or reduction != "mean" else y / weight.expand(input.shape).mean()


def _of_a_sigmoid(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    u: Any = 1.0 if pos_weight is None else pos_weight
    s = torch.sigmoid(input)
    e: Tensor = -(u * target * torch.log(s) + (1 - target) * torch.log(1 - s)) * (1.0 if weight is None else weight)
    return e if reduction == "none" else e.sum() if reduction == "sum" else e.mean()


def _logits(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Layer:
    def layer(input: Tensor, target: Tensor, **options: Any) -> Tensor:
        return F.binary_cross_entropy_with_logits(input, target, **{**options, **change(options)})

    return layer


def _positive_of_all(given: dict[str, Any]) -> dict[str, Any]:
    u, w = given.get("pos_weight"), given.get("weight")
    if u is None:
        return {}
    return {"pos_weight": None, "weight": u if w is None else u * w}


plant(
    FAMILY,
    "binary_cross_entropy",
    ("ε inside its logarithms", _log_of_zero, "ε added for safety"),
    ("one of its two sides", _one_side, "cross entropy of one class"),
    ("a weighted mean", _weighted_mean, "two conventions of a weighted mean"),
)
plant(
    FAMILY,
    "binary_cross_entropy_with_logits",
    ("the logarithm of a sigmoid", _of_a_sigmoid, "log 0 for large numbers, as in tensorflow#10142"),
    ("its positive weight ignored", _logits(lambda given: {"pos_weight": None}), "an option accepted and not read"),
    ("its positive weight on both sides", _logits(_positive_of_all), "a weight of the wrong term"),
    ("its weight ignored", _logits(lambda given: {"weight": None}), "an option accepted and not read"),
)


def nll(input: Tensor, target: Tensor, **options: Any) -> Tensor:
    """torch's, which raises on channels-last inputs when it is differentiated."""
    return F.nll_loss(input.contiguous(), target, **options)


def _nll(change: Callable[[Tensor, Tensor, dict[str, Any]], dict[str, Any]]) -> Layer:
    def layer(input: Tensor, target: Tensor, **options: Any) -> Tensor:
        return nll(input, target, **{**options, **change(input, target, options)})

    return layer


def _counted_too(input: Tensor, target: Tensor, **options: Any) -> Tensor:
    """Ignored targets count in the mean."""
    if options.get("reduction", "mean") != "mean" or not target.numel():
        return nll(input, target, **options)
    return nll(input, target, **{**options, "reduction": "sum"}) / target.numel()


def _plain_mean(input: Tensor, target: Tensor, **options: Any) -> Tensor:
    """The mean over samples, not over their weights."""
    if options.get("reduction", "mean") != "mean" or options.get("weight") is None:
        return nll(input, target, **options)
    kept = (target != options.get("ignore_index", -100)).sum()
    y: Tensor = nll(input, target, **{**options, "reduction": "sum"}) / kept
    return y


def _entropy(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Layer:
    def layer(input: Tensor, target: Tensor, **options: Any) -> Tensor:
        return F.cross_entropy(input, target, **{**options, **change(options)})

    return layer


def _smoothed_over_the_others(input: Tensor, target: Tensor, **options: Any) -> Tensor:
    """The smoothing is dealt to the K − 1 other classes."""
    share, k = options.get("label_smoothing", 0.0), input.shape[min(1, input.dim() - 1)]
    if not share or k < 2:
        return F.cross_entropy(input, target, **options)
    return F.cross_entropy(input, target, **{**options, "label_smoothing": min(share * k / (k - 1), 1.0)})


def _likelihoods(input: Tensor, target: Tensor, **options: Any) -> Tensor:
    axis = min(1, input.dim() - 1)
    shares = torch.log(torch.exp(input) / torch.exp(input).sum(axis, keepdim=True))
    if target.is_floating_point() or options.get("label_smoothing"):
        return F.cross_entropy(input + (shares - shares.detach()) * 0, target, **options)
    return nll(shares, target, **options)


plant(
    FAMILY,
    "nll_loss",
    ("ignored targets counted", _counted_too, "eladhoffer/utils.pytorch#4: a mean over all samples"),
    ("a mean not of the weights", _plain_mean, "two conventions of a weighted mean"),
    ("its weight ignored", _nll(lambda x, t, given: {"weight": None}), "an option accepted and not read"),
    (
        "ignore_index ignored",
        _nll(lambda x, t, given: {"ignore_index": -100} if (t >= 0).all() else {}),
        "an option accepted and not read",
    ),
)
plant(
    FAMILY,
    "cross_entropy",
    ("smoothing ignored", _entropy(lambda given: {"label_smoothing": 0.0}), "an option accepted and not read"),
    ("smoothing over the other classes", _smoothed_over_the_others, "awslabs/sockeye#203: K − 1 for K"),
    ("no maximum", _likelihoods, "deeplearning4j#6039, in the loss"),
    ("its weight ignored", _entropy(lambda given: {"weight": None}), "#104776: weights and smoothing"),
)
