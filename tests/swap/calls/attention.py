"""Calls of attention."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from tests.swap.calls.call import Calls

SHAPES = ((2, 2, 4, 3), (2, 2, 5, 3), (2, 2, 5, 2))
#: The third query looks nowhere.
LOOKS = torch.tensor([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)

CALLS: Calls = {
    F.scaled_dot_product_attention: [
        (F.scaled_dot_product_attention, SHAPES),
        (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, LOOKS), SHAPES),
        (lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, scale=0.7), (*SHAPES, (4, 5))),
        (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), SHAPES),
        (
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
            ((2, 6, 4, 3), (2, 2, 5, 3), (2, 3, 5, 2)),
        ),
        (lambda q, k, v: F.scaled_dot_product_attention(q, k, v), ((4, 3), (5, 3), (5, 2))),
    ]
}
