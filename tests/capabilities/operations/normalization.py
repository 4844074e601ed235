"""Normalisation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tests.capabilities import oracles
from tests.capabilities.operations.row import Layer, Operation, both, same

IMAGE = ((3, 4, 2, 3), (4,), (4,))
EPS = 0.25
#: Running statistics that every dtype holds exactly.
MEAN, VARIANCE = (-0.5, 0.25, 0.0, 1.0), (0.5, 1.0, 4.0, 0.25)


def _trained(function: Any) -> Any:
    """Batch normalisation by its own statistics, tensors first."""

    def apply(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        return function(x, None, None, weight, bias, True, 0.1, eps)

    return apply


def _evaluated(function: Any) -> Any:
    """Batch normalisation by statistics that are given."""

    def apply(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        mean, variance = (torch.tensor(t, dtype=x.dtype, device=x.device) for t in (MEAN, VARIANCE))
        return function(x, mean, variance, weight, bias, False, 0.1, eps)

    return apply


def _behind(function: Any) -> Any:
    """The number before the parameters in torch's order, behind them here."""

    def apply(x: Tensor, weight: Tensor, bias: Tensor, number: Any, eps: float) -> Tensor:
        return function(x, number, weight, bias, eps)

    return apply


def _row(name: str, form: Any, oracle: Any, shapes: Any, *arguments: Any) -> Operation:
    by_hand, referee = both(name)
    return Operation(Layer(form(by_hand), arguments), Layer(form(referee), arguments), oracle, shapes)


OPERATIONS: dict[str, Operation] = {
    "batch_norm": _row("batch_norm", _trained, oracles.batch_norm(EPS), IMAGE, EPS),
    "batch_norm, evaluation": _row(
        "batch_norm", _evaluated, oracles.batch_norm_evaluated(MEAN, VARIANCE, EPS), IMAGE, EPS
    ),
    "instance_norm": _row("instance_norm", _trained, oracles.instance_norm(EPS), IMAGE, EPS),
    "layer_norm": _row("layer_norm", _behind, oracles.layer_norm(2, EPS), ((3, 2, 3), (2, 3), (2, 3)), (2, 3), EPS),
    "group_norm": _row("group_norm", _behind, oracles.group_norm(2, EPS), IMAGE, 2, EPS),
    "local_response_norm": same(
        "local_response_norm", oracles.local_response_norm(3, 0.5, 0.75, 1.5), IMAGE[:1], 3, 0.5, 0.75, 1.5
    ),
}
