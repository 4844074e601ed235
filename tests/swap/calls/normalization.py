"""Calls of the normalisations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.layers import spread_out
from tests.swap.calls.call import IMAGES, Calls

AFFINE = (IMAGES, (4,), (4,))


def kept() -> tuple[Tensor, Tensor]:
    """Running statistics, fresh for each call that may overwrite them."""
    return spread_out((4,), 5), spread_out((4,), 6).abs()


CALLS: Calls = {
    F.batch_norm: [
        (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), AFFINE),
        (lambda x, w, b: F.batch_norm(x, *kept(), weight=w, bias=b, training=True, momentum=0.3, eps=0.1), AFFINE),
        (lambda x, w, b: F.batch_norm(x, *kept(), w, b), AFFINE),
        (lambda x: torch.nn.BatchNorm2d(4).double()(x), (IMAGES,)),
    ],
    torch.batch_norm: [
        (lambda x, w, b: torch.batch_norm(x, w, b, *kept(), True, 0.3, 0.1, True), AFFINE),
        (
            lambda x, w, b: torch.batch_norm(
                x, w, b, *kept(), training=False, momentum=0, eps=0.1, cudnn_enabled=False
            ),
            AFFINE,
        ),
        (lambda x, w, b: torch.batch_norm(x, w, b, None, None, True, 0.3, 0.1, True), ((1, 4), (4,), (4,))),
    ],
    F.instance_norm: [
        (lambda x, w, b: F.instance_norm(x, None, None, w, b, eps=0.1), AFFINE),
        (lambda x: F.instance_norm(x, *kept(), use_input_stats=False), (IMAGES,)),
        (lambda x: torch.nn.InstanceNorm2d(4)(x), (IMAGES,)),
    ],
    torch.instance_norm: [(lambda x, w, b: torch.instance_norm(x, w, b, *kept(), True, 0.3, 0.1, True), AFFINE)],
    F.layer_norm: [
        (lambda x, w, b: F.layer_norm(x, (6, 5), w, b, eps=0.1), (IMAGES, (6, 5), (6, 5))),
        (lambda x: torch.nn.LayerNorm(5).double()(x), (IMAGES,)),
    ],
    torch.layer_norm: [(lambda x, w: torch.layer_norm(x, [5], w, eps=0.1, cudnn_enable=False), (IMAGES, (5,)))],
    F.group_norm: [
        (lambda x, w, b: F.group_norm(x, 2, w, b, 0.1), AFFINE),
        (lambda x: torch.nn.GroupNorm(2, 4).double()(x), (IMAGES,)),
    ],
    torch.group_norm: [(lambda x, w, b: torch.group_norm(x, 2, w, b, 0.1, cudnn_enabled=False), AFFINE)],
    F.local_response_norm: [
        (lambda x: F.local_response_norm(x, 3, alpha=0.5, beta=0.6, k=2.0), (IMAGES,)),
        (lambda x: torch.nn.LocalResponseNorm(2, 0.5)(x), (IMAGES,)),
    ],
}
