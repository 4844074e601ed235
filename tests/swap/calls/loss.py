"""Calls of losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.layers import spread_out
from tests.swap.calls.call import ROWS, Calls

RAW = torch._C._nn
#: Logits of three classes, for two samples of four places each.
CLASSES = torch.tensor([[0, 2, 1, -100], [2, 2, 0, 1]])
WEIGHTS = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
PAIR = (ROWS, ROWS)
IMAGES = (2, 3, 2, 2)


def half(t: Tensor) -> Tensor:
    """Numbers in −2 … 2 as probabilities."""
    return t / 5 + 0.5


CALLS: Calls = {
    F.cross_entropy: [
        (lambda z: F.cross_entropy(z, CLASSES, WEIGHTS, label_smoothing=0.25), (ROWS,)),
        (lambda z, q: F.cross_entropy(z, q, reduction="none"), PAIR),
        (lambda z: torch.nn.CrossEntropyLoss(WEIGHTS, ignore_index=2)(z, CLASSES.clamp(min=0)), (ROWS,)),
    ],
    RAW.cross_entropy_loss: [
        (lambda z: RAW.cross_entropy_loss(z, CLASSES, WEIGHTS, 1, -100, 0.25), (ROWS,)),
        (lambda z, q: RAW.cross_entropy_loss(z, q, reduction=2, label_smoothing=0.5), PAIR),
        (lambda z: RAW.cross_entropy_loss(z, CLASSES), (ROWS,)),
    ],
    F.nll_loss: [
        (lambda y: F.nll_loss(y, CLASSES, WEIGHTS, reduction="sum"), (ROWS,)),
        (lambda y: torch.nn.NLLLoss(ignore_index=0)(y, CLASSES.clamp(min=0)), (ROWS,)),
        (lambda y: F.nll_loss(y[0, :, 0], CLASSES[0, 0]), (ROWS,)),
    ],
    RAW.nll_loss_nd: [
        (lambda y: RAW.nll_loss_nd(y, CLASSES.clamp(min=0), WEIGHTS, 1, 2), (ROWS,)),
        (lambda y: RAW.nll_loss_nd(y, CLASSES), (ROWS,)),
    ],
    RAW.nll_loss: [(lambda y: RAW.nll_loss(y, CLASSES[0, 1:], WEIGHTS, reduction=1), ((3, 3),))],
    RAW.nll_loss2d: [(lambda y: RAW.nll_loss2d(y, CLASSES.reshape(2, 2, 2), WEIGHTS, 2), (IMAGES,))],
    F.binary_cross_entropy: [
        (lambda x, t: F.binary_cross_entropy(half(x), half(t), spread_out((4,), 5)), PAIR),
        (lambda x, t: torch.nn.BCELoss(reduction="none")(half(x), half(t)), PAIR),
    ],
    RAW.binary_cross_entropy: [
        (lambda x, t: RAW.binary_cross_entropy(half(x), half(t)), PAIR),
        (lambda x, t: RAW.binary_cross_entropy(half(x), half(t), spread_out(ROWS, 5), 1), PAIR),
    ],
    F.binary_cross_entropy_with_logits: [
        (lambda z, t: F.binary_cross_entropy_with_logits(z, t, pos_weight=spread_out((4,), 5)), PAIR),
        (lambda z, t: torch.nn.BCEWithLogitsLoss(spread_out((3, 1), 5))(z, t), PAIR),
    ],
    torch.binary_cross_entropy_with_logits: [
        (lambda z, t: torch.binary_cross_entropy_with_logits(z, t), PAIR),
        (lambda z, t: torch.binary_cross_entropy_with_logits(z, t, None, spread_out((4,), 5), 1), PAIR),
    ],
    F.mse_loss: [
        (lambda x, t: F.mse_loss(x, t, reduction="sum"), PAIR),
        (lambda x, t, w: F.mse_loss(x, t, weight=w), (ROWS, ROWS, ROWS)),
        (torch.nn.MSELoss(), PAIR),
    ],
    RAW.mse_loss: [
        (lambda x, t: RAW.mse_loss(x, t), PAIR),
        (lambda x, t: RAW.mse_loss(x, t, reduction=1), PAIR),
    ],
    F.l1_loss: [(lambda x, t: F.l1_loss(x, t / 50), PAIR), (lambda x, t: torch.nn.L1Loss()(x, t / 50), PAIR)],
    RAW.l1_loss: [(lambda x, t: RAW.l1_loss(x, t / 50, 2), (ROWS, (4,)))],
    F.smooth_l1_loss: [
        (lambda x, t: F.smooth_l1_loss(x, t, beta=0.7), PAIR),
        (lambda x, t: F.smooth_l1_loss(x, t / 50, beta=0), PAIR),
        (torch.nn.SmoothL1Loss(beta=0.7), PAIR),
    ],
    RAW.smooth_l1_loss: [
        (lambda x, t: RAW.smooth_l1_loss(x, t, 1, 0.7), PAIR),
        (lambda x, t: RAW.smooth_l1_loss(x, t, beta=0.7), PAIR),
    ],
    F.huber_loss: [
        (lambda x, t, w: F.huber_loss(x, t, "sum", 0.7, w), (ROWS, ROWS, ROWS)),
        (torch.nn.HuberLoss(delta=0.7), PAIR),
    ],
    RAW.huber_loss: [
        (lambda x, t: RAW.huber_loss(x, t, 1, 0.7), PAIR),
        (lambda x, t: RAW.huber_loss(x, t, delta=0.7), PAIR),
    ],
}
