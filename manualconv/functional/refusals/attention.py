"""What attention takes."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import scalar_type


def check_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool, dropout_p: float
) -> None:
    """One dtype and at least two axes; a mask that is boolean or can be added, and only one."""
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {scalar_type(query)} "
            f"key.dtype: {scalar_type(key)} and value.dtype: {scalar_type(value)} instead. [.to() them to one]"
        )
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.dim()} "
            f"key.dim: {key.dim()} and value.dim: {value.dim()} instead. [query is "
            "(*, L, E), key (*, S, E), value (*, S, F)]"
        )
    if not query.is_floating_point():
        raise RuntimeError(f"expected scalar type Float but found {scalar_type(query)} [query.float() makes numbers]")
    if attn_mask is not None and is_causal:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True [a mask with "
            "nothing above its diagonal is causal itself]"
        )
    if attn_mask is not None and attn_mask.dtype not in (torch.bool, torch.float32, query.dtype):
        raise RuntimeError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{scalar_type(attn_mask)} and  query.dtype: {scalar_type(query)} instead. [.to() one of them]"
        )
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p:g} [dropout_p]")


def check_heads(query: int, key: int, value: int) -> None:
    """With grouped heads, every key and value serves as many queries."""
    if not key or not value or query % key or query % value:
        raise RuntimeError(
            f"Number of heads in key and value must divide the number of heads in query, but there are {key} and "
            f"{value} for {query} [axis -3 counts the heads]"
        )
