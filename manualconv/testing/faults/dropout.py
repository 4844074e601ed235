"""Faults of dropout: scales, masks and what happens in evaluation."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import going_back


def dropped(rule: Callable[[Tensor, float, bool], Tensor]) -> Callable[..., Tensor]:
    """A rule with torch's signature."""

    def layer(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        return rule(input, p, training)

    return layer


def _unscaled(x: Tensor, p: float, training: bool) -> Tensor:
    y = F.dropout(x, p, training)
    return y * (1 - p) if training else y


def _whole_samples(x: Tensor, p: float, training: bool) -> Tensor:
    if x.dim() < 2 or not training:
        return F.dropout(x, p, training)
    return x * F.dropout(torch.ones_like(x[:1]), p, True)


def _gradient_of_all(x: Tensor, p: float, training: bool) -> Tensor:
    y = F.dropout(x, p, training)
    return y.detach() + (x - x.detach())


def _scaled_twice(x: Tensor, p: float, training: bool) -> Tensor:
    scale = 1 / (1 - p) if training and p < 1 else 1.0
    return F.dropout(going_back(x, lambda g: g * scale), p, training)


FAMILY = "dropout"
plant(
    FAMILY,
    "dropout",
    ("not scaled", dropped(_unscaled), "the article's dropout, scaled in evaluation"),
    (
        "p kept for p dropped",
        dropped(lambda x, p, training: F.dropout(x, 1 - p, training)),
        "Keras' and torch's p of old",
    ),
    ("drops in evaluation", dropped(lambda x, p, training: F.dropout(x, p, True)), "a flag accepted and not read"),
    ("one mask for all samples", dropped(_whole_samples), "a mask of one sample, broadcast"),
    ("a gradient without its mask", dropped(_gradient_of_all), "a mask that is not kept for the way back"),
    ("a gradient scaled twice", dropped(_scaled_twice), "a scale in the mask and in the backward pass"),
)
