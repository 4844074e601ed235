"""``scaled_dot_product_attention``, put together from matrix products and our softmax and dropout.

    A = softmax(c·Q·Kᵀ + M)        Y = (A ⊙ mask)·V

    Q ``(*, L, E)``        K ``(*, S, E)``        V ``(*, S, F)``        M, A, mask ``(*, L, S)``        Y ``(*, L, F)``

torch fuses the three steps, and works through long sequences block by block so that A is never stored; this form does
store it, ``(*, L, S)`` numbers a head.  The derivative of a matrix product is two, and torch's own; softmax's and
dropout's are ours.  Half precision is computed in float32, scores and weights too, and rounded once, at the end.

It has no public name: `manualconv.by_hand` reaches it.

Source: Vaswani et al., "Attention is all you need", 2017, equation 1.
"""

from __future__ import annotations

from math import inf

import torch
from torch import Tensor

from manualconv.functional.dropout import dropout
from manualconv.functional.precision import cast
from manualconv.functional.refusals.activation import check_attention, check_heads
from manualconv.functional.softmax import softmax
from manualconv.kernels.precision import single


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Weigh the values by how well their keys answer each query.

    Args:
        query: ``(*, L, E)``, real and floating point.
        key: ``(*, S, E)``.
        value: ``(*, S, F)``.
        attn_mask: boolean, True where a query may look; or numbers added to the scores; it spreads over ``(*, L, S)``.
            A query that may look nowhere gets 0.
        dropout_p: the part of the weights that is dropped, whatever the mode of the module; from equal seeds the same
            as in torch's unfused form.
        is_causal: a query looks at the keys up to its own position.
        scale: the factor c; None is ``1/√E``.
        enable_gqa: fewer heads (axis -3) of keys and values than of queries: each serves several in turn.

    Returns:
        ``(*, L, F)``.

    Raises:
        RuntimeError: as torch's.
    """
    q, k, v, mask = cast("scaled_dot_product_attention", query, key, value, attn_mask)
    check_attention(q, k, v, mask, is_causal, dropout_p)
    if enable_gqa:
        check_heads(q.shape[-3], k.shape[-3], v.shape[-3])
        k, v = (t.repeat_interleave(q.shape[-3] // t.shape[-3], -3) for t in (k, v))
    if is_causal:
        mask = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril()
    c = scale if scale is not None else q.shape[-1] ** -0.5 if q.shape[-1] else inf
    weights = _weights((single(q) * c) @ single(k).transpose(-2, -1), mask)
    dropped = dropout(weights, dropout_p) if dropout_p else weights
    return (dropped @ single(v)).to(v.dtype)


def _weights(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax of the scores a query may look at; 0 for one that may look nowhere, in value and in slope."""
    if mask is None:
        return softmax(scores, -1)
    z = scores.masked_fill(~mask, -inf) if mask.dtype == torch.bool else scores + mask.to(scores.dtype)
    nowhere = z.eq(-inf).all(-1, keepdim=True)
    return softmax(z.masked_fill(nowhere, 0), -1).masked_fill(nowhere, 0)
