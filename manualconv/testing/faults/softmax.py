"""Faults of softmax, log_softmax and softmin: overflow, axes, and the derivative's coupling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.testing.faults.bank import plant
from manualconv.testing.faults.derived import with_gradient_of

Layer = Callable[..., Tensor]
RIGHT: dict[str, Layer] = {"softmax": F.softmax, "log_softmax": F.log_softmax, "softmin": F.softmin}


def joined(rule: Callable[[Tensor, int], Tensor]) -> Layer:
    """A rule of a tensor and an axis with torch's signature."""

    def layer(input: Tensor, dim: int | None = None, *, dtype: Any = None) -> Tensor:
        assert dim is not None
        x = input if dtype is None else input.to(dtype)
        return rule(x, dim) if x.numel() else F.softmax(x, dim)

    return layer


def _shifted(x: Tensor, dim: int, shift: Tensor | float) -> Tensor:
    e = torch.exp(x - shift)
    return e / e.sum(dim, keepdim=True)


def _of_padded_lanes(x: Tensor, dim: int) -> Tensor:
    """Lanes up to the next power of two are zeros, not −∞."""
    n = x.shape[dim]
    more = (1 << (n - 1).bit_length()) - n
    largest = x.detach().amax(dim, keepdim=True)
    e = torch.exp(x - largest)
    return e / (e.sum(dim, keepdim=True) + more * torch.exp(-largest))


def _uncoupled(x: Tensor, dim: int) -> Tensor:
    """exp(x) over a constant: the diagonal of the Jacobian is wrong, and the rest is missing."""
    e = torch.exp(x - x.detach().amax(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True).detach()


def _mean_taken(x: Tensor, dim: int) -> Tensor:
    """The sum of the cotangents for their mean."""
    total = torch.logsumexp(x, dim, keepdim=True)
    part = total / x.shape[dim]
    return x - (total.detach() + part - part.detach())


SOFTMAX = "softmax"
OVERFLOW = "deeplearning4j#6039, dwave-optimization#555, DeepLearningExamples#169"
plant(
    SOFTMAX,
    "softmax",
    ("the maximum not taken off", joined(lambda x, dim: _shifted(x, dim, 0.0)), OVERFLOW),
    (
        "the maximum of zero and the numbers",
        joined(lambda x, dim: _shifted(x, dim, x.detach().amax(dim, keepdim=True).clamp(min=0))),
        "NNlib.jl#43: rows of large negative numbers",
    ),
    (
        "the maximum of everything",
        joined(lambda x, dim: _shifted(x, dim, x.detach().max())),
        "one maximum for all rows",
    ),
    ("padded lanes hold zeros", joined(_of_padded_lanes), "a masked load of zeros for −∞, as in triton#9838"),
    ("the last axis", joined(lambda x, dim: F.softmax(x, -1)), "an option accepted and not read"),
    ("the diagonal of its derivative", with_gradient_of(F.softmax, joined(_uncoupled)), "the sum taken for a constant"),
    ("a sum of one and a little", joined(lambda x, dim: F.softmax(x, dim) * (1 + 1e-9)), "ε added for safety"),
)
plant(
    SOFTMAX,
    "log_softmax",
    ("the logarithm of a softmax", joined(lambda x, dim: torch.log(F.softmax(x, dim))), "log 0 where a share is small"),
    ("no maximum", joined(lambda x, dim: x - torch.log(torch.exp(x).sum(dim, keepdim=True))), OVERFLOW),
    ("a mean of cotangents", with_gradient_of(F.log_softmax, joined(_mean_taken)), "a mean for a sum in the backward"),
    ("axis one", joined(lambda x, dim: F.log_softmax(x, min(1, x.dim() - 1))), "an option accepted and not read"),
)
plant(
    SOFTMAX,
    "softmin",
    ("softmax for softmin", joined(lambda x, dim: F.softmax(x, dim)), "a sign forgotten"),
    ("one less softmax", joined(lambda x, dim: 1 - F.softmax(x, dim)), "a misreading of the name"),
    ("its gradient not turned", with_gradient_of(F.softmin, F.softmax), "a sign forgotten on the way back"),
)
