"""Laws of a family beyond those of any operation, and of which operation each can be asked."""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import partial
from typing import Any

from torch import Tensor

from manualconv.testing.laws import adaptive_max_pooling, batch_normalization, convolution, max_pooling
from manualconv.testing.laws.law import Law, Laws

FAMILIES: dict[str, Laws] = {
    **{f"conv{n}d": convolution.LAWS for n in (1, 2, 3)},
    **{f"max_pool{n}d": max_pooling.LAWS for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": adaptive_max_pooling.LAWS for n in (1, 2, 3)},
    "batch_norm": batch_normalization.LAWS,
}
#: What a family's law needs, in the words of abilities; "" is part of the tier.
NEEDS = {
    "second order": "order 2",
    "forward mode": "forward mode",
    "vmap": "vmap",
    "bitwise": "determinism",
    "direct": "forward",
    "nan local": "forward",
}
#: Laws that say something of the bias alone.
OF_A_BIAS = "C3 ", "C9 "
#: Cases of a law that brings its own image: one of this many axes.
PLANE = 2


def axes_of(operation: str) -> int | None:
    """As its name says."""
    return int(operation[-2]) if operation[-1] == "d" else None


def cases_of(law: Law, operation: str) -> Any:
    """A law's cases that are of the operation's dimension."""
    axes = axes_of(operation)
    return law.cases if axes is None else law.cases.filter(lambda case: _axes(case) == axes)


def _axes(case: Any) -> int:
    window = getattr(case, "window", None) or getattr(getattr(case, "of", None), "window", None)
    return getattr(case, "ndim", PLANE) if window is None else len(window.kernel_size)


def layer_of(operation: str, function: Callable[..., Any], law: str, lacking: Set[str]) -> Callable[..., Any]:
    """An operation as its family's laws call it; a bias that it has not is added behind it, since many bring one."""
    if operation.startswith("conv") and "bias" in lacking and not law.startswith(OF_A_BIAS):
        return partial(_with_a_bias, function)
    return partial(_with_indices, function) if operation.startswith("max_pool") else function


def _with_a_bias(layer: Callable[..., Any], x: Tensor, w: Tensor, b: Tensor | None, *numbers: Any) -> Any:
    y = layer(x, w, None, *numbers)
    return y if b is None else y + b.reshape(-1, *(1,) * (w.dim() - 2))


def _with_indices(layer: Callable[..., Any], x: Tensor, *numbers: Any) -> Any:
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    return layer(x, **dict(zip(names, numbers)), return_indices=True)
