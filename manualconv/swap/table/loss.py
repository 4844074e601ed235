"""torch's names of losses: those of torch.nn.functional, and the ones beneath that take the reduction as a number."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.swap.table.spelling import Operation, to_out
from manualconv.torch_internals import UNDERSCORED

#: By torch's numbers; where none is given, torch's own bindings take the first.
REDUCTIONS = ("none", "mean", "sum")


def _of_residuals(ours: Operation, *bend: str) -> Operation:
    """``mse_loss`` and its kind: tensors that broadcast without a warning, and where the parabola ends."""

    def spelled(input: Tensor, target: Tensor, reduction: int = 0, *numbers: float, **named: float) -> Any:
        x, t = torch.broadcast_tensors(input, target)
        return ours(x, t, reduction=REDUCTIONS[reduction], **dict(zip(bend, numbers)), **named)

    return spelled


def _nll(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = 0, ignore_index: int = -100
) -> Any:
    return functional.nll_loss(input, target, weight, ignore_index=ignore_index, reduction=REDUCTIONS[reduction])


def _cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: int = 0,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Any:
    return functional.cross_entropy(
        input,
        target,
        weight,
        ignore_index=ignore_index,
        reduction=REDUCTIONS[reduction],
        label_smoothing=label_smoothing,
    )


def _binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = 0) -> Any:
    x, t = torch.broadcast_tensors(input, target)
    return functional.binary_cross_entropy(x, t, weight, reduction=REDUCTIONS[reduction])


def _binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = 0,
) -> Any:
    z, t = torch.broadcast_tensors(input, target)
    return functional.binary_cross_entropy_with_logits(
        z, t, weight, reduction=REDUCTIONS[reduction], pos_weight=pos_weight
    )


TABLE: dict[Operation, Operation] = {
    F.cross_entropy: functional.cross_entropy,
    UNDERSCORED["cross_entropy_loss"]: _cross_entropy,
    F.nll_loss: functional.nll_loss,
    UNDERSCORED["nll_loss_nd"]: _nll,
    UNDERSCORED["nll_loss"]: to_out(_nll),
    UNDERSCORED["nll_loss2d"]: to_out(_nll),
    F.binary_cross_entropy: functional.binary_cross_entropy,
    UNDERSCORED["binary_cross_entropy"]: to_out(_binary_cross_entropy),
    F.binary_cross_entropy_with_logits: functional.binary_cross_entropy_with_logits,
    torch.binary_cross_entropy_with_logits: _binary_cross_entropy_with_logits,
    F.mse_loss: functional.mse_loss,
    UNDERSCORED["mse_loss"]: to_out(_of_residuals(functional.mse_loss)),
    F.l1_loss: functional.l1_loss,
    UNDERSCORED["l1_loss"]: _of_residuals(functional.l1_loss),
    F.smooth_l1_loss: functional.smooth_l1_loss,
    UNDERSCORED["smooth_l1_loss"]: to_out(_of_residuals(functional.smooth_l1_loss, "beta")),
    F.huber_loss: functional.huber_loss,
    UNDERSCORED["huber_loss"]: to_out(_of_residuals(functional.huber_loss, "delta")),
}
