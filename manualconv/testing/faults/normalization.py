"""Faults of layer, group, instance and local response normalisation: plain arithmetic, one rule replaced."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import half

Rule = Callable[..., Any]
Layer = Callable[..., Tensor]


def two_passes(x: Tensor, mean: Tensor) -> Tensor:
    """The mean of the centred squares of each row."""
    return ((x - mean) ** 2).mean(-1, keepdim=True)


RULES: dict[str, Rule] = {
    "variance": two_passes,
    "deviation": lambda variance, eps: (variance + eps).sqrt(),
    "through_mean": lambda mean: mean,
    "through_variance": lambda variance: variance,
    "scaled": lambda x_hat, gamma, beta: gamma * x_hat + beta,
}


def standardized(rows: Tensor, eps: float, rule: Any) -> Tensor:
    """Rows less their mean, over their deviation."""
    if not rows.numel():
        return rows.clone()
    mean = rows.mean(-1, keepdim=True)
    variance = rule.through_variance(rule.variance(rows, mean))
    found: Tensor = (rows - rule.through_mean(mean)) / rule.deviation(variance, eps)
    return found


def layer_norm(axes: Callable[[int], int] = lambda n: n, **other: Rule) -> Layer:
    """Over the last axes, as many as `axes` makes of the right number."""
    rule = SimpleNamespace(**{**RULES, **other})

    def norm(
        input: Tensor,
        normalized_shape: Any,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        count = axes(len(normalized_shape))
        rows = input.flatten(input.dim() - count)
        x_hat = standardized(rows, eps, rule).reshape(input.shape)
        return scaled(x_hat, weight, bias, (), rule)

    return norm


def scaled(x_hat: Tensor, weight: Tensor | None, bias: Tensor | None, behind: tuple[int, ...], rule: Any) -> Tensor:
    """``γ·x̂ + β`` by a rule, with as many axes behind the parameters'."""
    gamma = 1.0 if weight is None else weight.reshape(*weight.shape, *behind)
    beta = 0.0 if bias is None else bias.reshape(*bias.shape, *behind)
    y: Tensor = rule.scaled(x_hat, gamma, beta)
    return y + 0 if y is x_hat else y


def group_norm(
    grouped: Callable[[Tensor, int], Tensor] = lambda x, groups: x.reshape(x.shape[0], groups, -1),
    back: Callable[[Tensor, Tensor, int], Tensor] = lambda rows, x, groups: rows.reshape(x.shape),
    number: Callable[[Tensor, int], int] = lambda x, groups: groups,
    **other: Rule,
) -> Layer:
    """Over the channels of a group and all positions."""
    rule = SimpleNamespace(**{**RULES, **other})

    def norm(
        input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
    ) -> Tensor:
        groups = number(input, num_groups)
        if not input.numel():
            return scaled(input + 0, weight, bias, (1,) * (input.dim() - 2), rule)
        x_hat = back(standardized(grouped(input, groups), eps, rule), input, groups)
        return scaled(x_hat, weight, bias, (1,) * (input.dim() - 2), rule)

    return norm


def _interleaved(x: Tensor, groups: int) -> Tensor:
    """Channel c in group ``c mod g``."""
    turned: Tensor = x.unflatten(1, (-1, groups)).transpose(1, 2).flatten(2)
    return turned


def _taken_back(rows: Tensor, x: Tensor, groups: int) -> Tensor:
    size = (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    return rows.reshape(size).transpose(1, 2).reshape(x.shape)


def instance_norm(**other: Rule) -> Layer:
    """Over the positions of each sample and channel; statistics that are kept are refused."""
    rule = SimpleNamespace(**{**RULES, **other})

    def norm(
        input: Tensor,
        running_mean: Tensor | None = None,
        running_var: Tensor | None = None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        use_input_stats: bool = True,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if running_mean is not None or not use_input_stats:
            raise NotImplementedError("by the input's own statistics alone")
        x_hat = standardized(input.flatten(2), eps, rule).reshape(input.shape)
        return scaled(x_hat, weight, bias, (1,) * (input.dim() - 2), rule)

    return norm


def _unbiased(x: Tensor, mean: Tensor) -> Tensor:
    return two_passes(x, mean) * (x.shape[-1] / max(x.shape[-1] - 1, 1))


def _by_squares(x: Tensor, mean: Tensor) -> Tensor:
    return ((x * x).mean(-1, keepdim=True) - mean * mean).clamp(min=0)


def _of_padded_lanes(x: Tensor, mean: Tensor) -> Tensor:
    """Up to the next power of two the lanes hold zeros, which are centred too."""
    n = x.shape[-1]
    lanes = 1 << (n - 1).bit_length()
    return two_passes(x, mean) + (lanes - n) / n * mean**2


def _in_single(x: Tensor, mean: Tensor) -> Tensor:
    return two_passes(x.float(), mean.float()).to(x.dtype)


FAMILY = "normalisation"
NO_MEAN: dict[str, Any] = {"through_mean": Tensor.detach}
NO_VARIANCE: dict[str, Any] = {"through_variance": Tensor.detach}
OUTSIDE: dict[str, Any] = {"deviation": lambda variance, eps: variance.sqrt() + eps}
plant(
    FAMILY,
    "layer_norm",
    ("variance of padded lanes", layer_norm(variance=_of_padded_lanes), "triton#9838, Liger-Kernel#518, unsloth#1867"),
    ("variance unbiased", layer_norm(variance=_unbiased), "#22617: which of the two variances"),
    ("ε outside the root", layer_norm(**OUTSIDE), "where ε stands"),
    ("ε forgotten", layer_norm(deviation=lambda v, eps: v.sqrt() + 1e-300), "rows that are constant"),
    ("the last axis alone", layer_norm(axes=lambda n: 1), "FlagGems#5392: one axis assumed"),
    ("no derivative through the mean", layer_norm(**NO_MEAN), "torch/nn#744, of batch norm"),
    ("no derivative through the variance", layer_norm(**NO_VARIANCE), "torch/nn#744, of batch norm"),
    ("mean of the squares less the square of the mean", layer_norm(variance=_by_squares), "cancellation in one pass"),
    ("variance in float32", layer_norm(variance=_in_single), "an accumulator of fewer bits"),
    ("shifted before scaling", layer_norm(scaled=lambda x, g, b: g * (x + b)), "the affine part in another order"),
    (
        "half the gradient through the deviation",
        layer_norm(through_variance=half),
        "a factor of two lost in the backward formula",
    ),
)
plant(
    FAMILY,
    "group_norm",
    ("channels dealt to groups in turn", group_norm(_interleaved, _taken_back), "tt-metal#56202: c mod G"),
    (
        "channels of a group for the number of groups",
        group_norm(number=lambda x, groups: x.shape[1] // groups),
        "two numbers that are easily exchanged",
    ),
    ("one group", group_norm(number=lambda x, groups: 1), "an option accepted and not read"),
    ("every channel a group", group_norm(number=lambda x, groups: x.shape[1]), "instance norm for group norm"),
    ("variance unbiased", group_norm(variance=_unbiased), "#22617"),
    ("variance of padded lanes", group_norm(variance=_of_padded_lanes), "FlagGems#4985"),
    ("mean of the squares less the square of the mean", group_norm(variance=_by_squares), "cancellation in one pass"),
    ("no derivative through the variance", group_norm(**NO_VARIANCE), "torch/nn#744, of batch norm"),
)
plant(
    FAMILY,
    "instance_norm",
    ("variance unbiased", instance_norm(variance=_unbiased), "#22617: which of the two variances"),
    ("no derivative through the mean", instance_norm(**NO_MEAN), "torch/nn#744, of batch norm"),
    ("ε outside the root", instance_norm(**OUTSIDE), "where ε stands"),
    (
        "mean of the squares less the square of the mean",
        instance_norm(variance=_by_squares),
        "cancellation in one pass",
    ),
    ("β forgotten", instance_norm(scaled=lambda x, g, b: g * x + 0 * b), "a bias that no test looks at"),
)

# ------------------------------------------------------------------------------------------------- local response


def response(
    start: Callable[[int], int] = lambda size: size // 2,
    divided: bool = True,
    through: Callable[[Tensor], Tensor] = lambda t: t,
    offset: Callable[[float], float] = lambda k: k,
) -> Layer:
    """``x / (k + α·mean of the near squares)^β`` by rules."""

    def norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
        c = torch.arange(input.shape[1])
        first = c.unsqueeze(1) - start(size)
        near = (c >= first) & (c < first + size)
        squares = through(input * input)
        near = near.reshape(1, *near.shape, *(1,) * (input.dim() - 2))
        total = torch.where(near, squares.unsqueeze(1), 0).sum(2)
        y: Tensor = input / (offset(k) + alpha * (total / size if divided else total)) ** beta
        return y

    return norm


plant(
    FAMILY,
    "local_response_norm",
    ("α not over the size", response(divided=False), "caffe's α and tensorflow's, which differ by the size"),
    ("windows begin later", response(start=lambda size: (size - 1) // 2), "even sizes, which have no middle"),
    ("neighbours without a derivative", response(through=Tensor.detach), "a sum taken for a constant"),
    ("k is one", response(offset=lambda k: 1.0), "an option accepted and not read"),
)
