"""What trainable sub-sampling takes.  torch has no such layer, so that every word is ours."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.functional.refusals.arguments import axes, check_input, kind, listed
from manualconv.functional.refusals.pooling import pooling_window
from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import Window


def checked_window(
    ndim: int, input: Any, weight: Any, bias: Any, kernel_size: Any, stride: Any, activation: Any
) -> Window:
    """The window on x ``(N, C, *I)`` or ``(C, *I)``, beside w and b ``(C,)``."""
    for key, t in (("input", input), ("weight", weight), ("bias", bias)):
        if t is not None or key != "bias":
            check_input(t, key)
    k, s = axes(ndim, 2**63, kernel_size=kernel_size, stride=kernel_size if stride is None else stride)
    if activation is not None and not callable(activation):
        raise Refusal(f"activation must be a function of a tensor or None, not {kind(activation)}", TypeError)
    if input.dim() not in (ndim + 1, ndim + 2):
        raise Refusal(f"input {listed(input.shape)} must be (N, C, *I) or (C, *I) with {ndim} spatial axes")
    size = tuple(input.shape[input.dim() - ndim :])
    return pooling_window(size, k, s, (0,) * ndim, (1,) * ndim, False)


def check_coefficients(x: Tensor, weight: Tensor, bias: Tensor | None, channels: int) -> None:
    """One coefficient and one bias a channel, floating point, of the input's dtype and device."""
    if not x.is_floating_point():
        raise Refusal(f"input is {x.dtype}: input.float() makes numbers", NotImplementedError)
    for key, t in (("weight", weight), ("bias", bias)):
        if t is not None and (t.shape != (channels,) or t.dtype != x.dtype or t.device != x.device):
            raise Refusal(
                f"{key} {listed(t.shape)} of {t.type()} must be one number for each of the input's channels, "
                f"({channels},), of its type, {x.type()}"
            )
