"""The normalisations as questions; they are smooth, not linear, so that loops and quotients agree up to rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from manualconv import functional
from tests import definitions
from tests.layers import spread_out
from tests.strategies import Normalization

RESPONSE = (3, 0.5, 0.75, 1.5)


def smaller(case: Normalization) -> Normalization:
    """The same layer with few numbers, no two of them in one place of memory, and an ε that keeps it smooth."""
    batch, channels, *size = case.shape
    batch = min(max(batch, 1), 2) if case.kind != "batch" else 2
    each = 1 if case.kind != "group" else min(channels // case.number, 2)
    shape = (batch, case.number * each if case.kind == "group" else min(channels, 2), *(min(s, 2) for s in size[:2]))
    if case.kind == "instance":
        shape = (*shape[:-1], 2)
    if case.kind == "group" and batch * each * torch.Size(shape[2:]).numel() == 1:
        shape = (2, *shape[1:])
    number = min(case.number, len(shape) - 1) if case.kind == "layer" else case.number
    layouts = tuple("transposed" if layout == "expanded" else layout for layout in case.layouts)
    return replace(case, shape=shape, number=number, layouts=layouts, eps=0.3)


def question(case: Normalization) -> tuple[Callable[..., Tensor], tuple[Tensor, ...], Tensor, Callable[[], list[Any]]]:
    """The layer, its tensors, a cotangent and the loops."""
    case = replace(case, affine=(True, True))
    x, (weight, bias), g = case.input(), case.parameters(), case.cotangent()
    assert weight is not None and bias is not None

    def loops() -> list[Any]:
        x_hat = definitions.standardize(x.numpy(), case.key, case.eps)
        y = definitions.scale_and_shift(x_hat, weight.numpy(), bias.numpy(), case.place)
        back, *bars = definitions.scale_and_shift_gradients(x_hat, weight.numpy(), g.numpy(), case.place)
        return [y, definitions.standardize_gradient(x.numpy(), back, case.key, case.eps), *bars]

    return lambda *tensors: case.apply(functional, *tensors), (x, weight, bias), g, loops


def response(case: Normalization) -> tuple[Callable[..., Tensor], tuple[Tensor, ...], Tensor, Callable[[], list[Any]]]:
    """Local response normalisation of the same tensors."""
    shape = case.shape if len(case.shape) > 2 else (*case.shape, 2)
    x, g = spread_out(shape, case.seed), spread_out(shape, case.seed + 1)

    def loops() -> list[Any]:
        back = definitions.local_response_norm_gradient(x.numpy(), g.numpy(), *RESPONSE)
        return [definitions.local_response_norm(x.numpy(), *RESPONSE), back]

    return lambda x: functional.local_response_norm(x, *RESPONSE), (x,), g, loops
