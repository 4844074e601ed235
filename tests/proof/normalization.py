"""The normalisations as questions; they are smooth, not linear, so that loops and quotients agree up to rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manualconv import definitions, functional
from manualconv.definitions import Array
from manualconv.testing.cases import Normalization, normalizations
from manualconv.testing.cases.normalization import KINDS
from tests.layers import spread_out
from tests.proof.question import Operation, Question

RESPONSE = (3, 0.5, 0.75, 1.5)
LAYERS = {"batch": functional.batch_norm, "instance": functional.instance_norm}
#: Asks for the input's own statistics.
OWN = {"batch": {"training": True}, "instance": {"use_input_stats": True}}


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


def running(case: Normalization) -> tuple[Tensor, Tensor]:
    """A mean and a variance that were kept for every channel."""
    shape = case.shape[1:2]
    return spread_out(shape, case.seed + 2), 0.5 + spread_out(shape, case.seed + 3).abs()


def _given(case: Normalization) -> dict[str, Tensor]:
    """γ and β, those that there are."""
    return {name: t for name, t in zip(("weight", "bias"), case.parameters()) if t is not None}


def _answers(case: Normalization, x_hat: Array, back: Callable[[Array], Array]) -> list[Any]:
    """The loops' value and gradients, given x̂ and what its cotangent gives x."""
    ones = np.ones(case.parameter_shape)
    given = {"weight": ones, "bias": 0 * ones, **{name: t.numpy() for name, t in _given(case).items()}}
    y = definitions.scale_and_shift(x_hat, given["weight"], given["bias"], case.place)
    x_hat_bar, *bars = definitions.scale_and_shift_gradients(
        x_hat, given["weight"], case.cotangent().numpy(), case.place
    )
    return [y, back(x_hat_bar), *(bar for bar, there in zip(bars, case.affine) if there)]


def by_own(case: Normalization, keeps: bool = False) -> Question:
    """The layer by its input's own statistics, running ones overwritten if it `keeps` them."""
    x, given, kept = case.input(), _given(case), running(case)

    def apply(x: Tensor, *tensors: Tensor) -> Tensor:
        if not keeps:
            return case.apply(functional, x, **dict(zip(given, tensors)))
        return LAYERS[case.kind](
            x, *(t.clone() for t in kept), **dict(zip(given, tensors)), eps=case.eps, **OWN[case.kind]
        )

    def loops() -> list[Any]:
        x_hat = definitions.standardize(x.numpy(), case.key, case.eps)
        return _answers(case, x_hat, lambda g: definitions.standardize_gradient(x.numpy(), g, case.key, case.eps))

    return Question(apply, (x, *given.values()), case.cotangent(), loops, exact=False)


def by_running(case: Normalization) -> Question:
    """The layer in evaluation: by statistics that were kept, constants."""
    x, given, kept = case.input(), _given(case), running(case)
    other = {name: not value for name, value in OWN[case.kind].items()}

    def apply(x: Tensor, *tensors: Tensor) -> Tensor:
        return LAYERS[case.kind](x, *kept, **dict(zip(given, tensors)), eps=case.eps, **other)

    def loops() -> list[Any]:
        mean, variance = (t.numpy().reshape(-1, *(1,) * (x.dim() - 2)) for t in kept)
        sigma = np.sqrt(variance + case.eps)
        return _answers(case, (x.numpy() - mean) / sigma, lambda g: g / sigma)

    return Question(apply, (x, *given.values()), case.cotangent(), loops, exact=False)


def response(case: Normalization) -> Question:
    """Local response normalisation of the same tensors."""
    shape = case.shape if len(case.shape) > 2 else (*case.shape, 2)
    x, g = spread_out(shape, case.seed), spread_out(shape, case.seed + 1)

    def loops() -> list[Any]:
        back = definitions.local_response_norm_gradient(x.numpy(), g.numpy(), *RESPONSE)
        return [definitions.local_response_norm(x.numpy(), *RESPONSE), back]

    return Question(lambda x: functional.local_response_norm(x, *RESPONSE), (x,), g, loops, exact=False)


def by_own_and_kept(case: Normalization) -> Question:
    """The layer by its input's own statistics, which it keeps."""
    return by_own(case, keeps=True)


CASES = {kind: normalizations(kinds=(kind,)) for kind in KINDS}
OPERATIONS = {
    **{f"{kind}_norm": Operation(cases, smaller, by_own) for kind, cases in CASES.items()},
    **{
        f"{kind}_norm, {mode}": Operation(CASES[kind], smaller, ask, seldom=True)
        for kind in LAYERS
        for mode, ask in (("statistics kept", by_own_and_kept), ("evaluation", by_running))
    },
    "local_response_norm": Operation(CASES["instance"], smaller, response),
}
