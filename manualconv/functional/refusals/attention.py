"""What attention takes."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.functional.refusals.refusal import Refusal


def check_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool, dropout_p: float
) -> None:
    """One dtype and at least two axes; a mask that is boolean or can be added, and only one."""
    if not query.dtype == key.dtype == value.dtype or not query.is_floating_point():
        kinds = f"{query.dtype}, {key.dtype} and {value.dtype}"
        raise Refusal(f"query, key and value are {kinds}: .to() them to one, .float() makes numbers")
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise Refusal("query is (*, L, E), key (*, S, E), value (*, S, F)")
    if attn_mask is not None and (is_causal or attn_mask.dtype not in (torch.bool, torch.float32, query.dtype)):
        raise Refusal(f"a mask of {attn_mask.dtype} must be bool or of {query.dtype}, and alone: is_causal is one too")
    if not 0 <= dropout_p <= 1:
        raise Refusal(f"dropout_p={dropout_p:g} must be from 0 to 1")


def check_heads(query: int, key: int, value: int) -> None:
    """With grouped heads, every key and value serves as many queries."""
    if not key or not value or query % key or query % value:
        raise Refusal(f"axis -3 counts the heads: {key} and {value} of key and value must divide {query} of query")
