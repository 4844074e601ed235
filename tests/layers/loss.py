"""Losses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional, nn
from tests.layers.tables import Against, Example, Module, Pair, spread_out

CLASSES = torch.tensor([[0, 2, 1], [2, -100, 0]])
CLASS_WEIGHTS = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)


def against_classes(loss: torch.nn.Module) -> torch.nn.Module:
    return Against(loss, CLASSES)


def against_numbers(loss: torch.nn.Module) -> torch.nn.Module:
    """Targets that are nowhere equal to an input of the same shape, or 0.7 away from it."""
    return Against(loss, spread_out((2, 3), 9) / 4)


def against_probabilities(loss: torch.nn.Module) -> torch.nn.Module:
    return Against(loss, spread_out((2, 3), 9).abs() / 2)


ROWS = ((2, 3), (2, 3))
FUNCTIONS: dict[str, Example] = {
    "nll_loss": Example(lambda y: functional.nll_loss(y, CLASSES, CLASS_WEIGHTS.to(y.dtype)), ((2, 3, 3),)),
    "cross_entropy": Example(
        lambda z, q: (
            functional.cross_entropy(z, CLASSES, CLASS_WEIGHTS.to(z.dtype), label_smoothing=0.25)
            + functional.cross_entropy(z, q, CLASS_WEIGHTS.to(z.dtype))
        ),
        ((2, 3, 3), (2, 3, 3)),
    ),
    "binary_cross_entropy": Example(
        lambda x, t: functional.binary_cross_entropy(x / 5 + 0.5, t / 5 + 0.5, CLASS_WEIGHTS.to(x.dtype)), ROWS
    ),
    "binary_cross_entropy_with_logits": Example(
        lambda z, t: functional.binary_cross_entropy_with_logits(z, t, pos_weight=CLASS_WEIGHTS.to(z.dtype)), ROWS
    ),
    "mse_loss": Example(functional.mse_loss, ROWS),
    "l1_loss": Example(lambda x, t: functional.l1_loss(x, t / 4), ROWS),
    "smooth_l1_loss": Example(lambda x, t: functional.smooth_l1_loss(x, t / 4, beta=0.7), ROWS),
    "huber_loss": Example(lambda x, t: functional.huber_loss(x, t / 4, delta=0.7), ROWS),
}
MODULES: dict[str, Module] = {
    "NLLLoss": (lambda: against_classes(nn.NLLLoss(CLASS_WEIGHTS)), (2, 3, 3)),
    "CrossEntropyLoss": (lambda: against_classes(nn.CrossEntropyLoss()), (2, 3, 3)),
    "BCELoss": (
        lambda: torch.nn.Sequential(nn.Sigmoid(), Against(nn.BCELoss(), spread_out((2, 3), 9).abs() / 2)),
        (2, 3),
    ),
    "BCEWithLogitsLoss": (lambda: against_numbers(nn.BCEWithLogitsLoss(pos_weight=CLASS_WEIGHTS)), (2, 3)),
    "MSELoss": (lambda: against_numbers(nn.MSELoss()), (2, 3)),
    "L1Loss": (lambda: against_numbers(nn.L1Loss()), (2, 3)),
    "SmoothL1Loss": (lambda: against_numbers(nn.SmoothL1Loss(beta=0.7)), (2, 3)),
    "HuberLoss": (lambda: against_numbers(nn.HuberLoss(delta=0.7)), (2, 3)),
}


def _classes(z: Tensor) -> Tensor:
    """A class number of three, or the one ignored, for each entry of ``(N, 3, 3)``: as many samples as there are."""
    numbers = torch.arange(3 * z.shape[0]).reshape(z.shape[0], 3) % 4
    return torch.where(numbers == 3, -100, numbers)


def _of_numbers(by_hand: Callable[..., Tensor], referee: Callable[..., Tensor]) -> Pair:
    """A loss of as many inputs as targets, differentiated with respect to both."""
    return Pair(by_hand, referee, ROWS, exact=False, unbatched=False)


def _both(name: str) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """The loss of every number by itself, ours and torch's."""
    return partial(getattr(functional, name), reduction="none"), partial(getattr(F, name), reduction="none")


def _chances(x: Tensor) -> Tensor:
    """Between 0 and 1, whole numbers up to six too."""
    return x / 13 + 0.5


def _huber(d: Tensor) -> Tensor:
    """By torch's plain arithmetic: its own has no forward mode over reverse mode."""
    return torch.where(d.abs() <= 0.7, d * d / 2, 0.7 * d.abs() - 0.245)


PAIRS: dict[str, Pair] = {
    "cross_entropy": Pair(
        lambda z: functional.cross_entropy(z, _classes(z), label_smoothing=0.25, reduction="none"),
        lambda z: F.cross_entropy(z, _classes(z), label_smoothing=0.25, reduction="none"),
        ((2, 3, 3),),
        exact=False,
        unbatched=False,
    ),
    "nll_loss": Pair(
        lambda y: functional.nll_loss(y, _classes(y), CLASS_WEIGHTS.to(y.dtype), reduction="none"),
        lambda y: F.nll_loss(y, _classes(y), CLASS_WEIGHTS.to(y.dtype), reduction="none"),
        ((2, 3, 3),),
        exact=False,
        unbatched=False,
    ),
    "binary_cross_entropy": _of_numbers(
        lambda x, t: functional.binary_cross_entropy(_chances(x), _chances(t), reduction="none"),
        lambda x, t: -_chances(t) * _chances(x).log() - (1 - _chances(t)) * (1 - _chances(x)).log(),
    ),
    "binary_cross_entropy_with_logits": _of_numbers(*_both("binary_cross_entropy_with_logits")),
    "mse_loss": _of_numbers(*_both("mse_loss")),
    "l1_loss": _of_numbers(lambda x, t: functional.l1_loss(x, t / 4, reduction="none"), lambda x, t: (x - t / 4).abs()),
    "smooth_l1_loss": _of_numbers(
        lambda x, t: functional.smooth_l1_loss(x, t / 4, beta=0.7, reduction="none"),
        lambda x, t: F.smooth_l1_loss(x, t / 4, beta=0.7, reduction="none"),
    ),
    "huber_loss": _of_numbers(
        lambda x, t: functional.huber_loss(x, t / 4, delta=0.7, reduction="none"), lambda x, t: _huber(x - t / 4)
    ),
}
