"""What the trainable sub-sampling layer takes.  torch has no such layer; the words are those of its nearest kin."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.functional.refusals.arguments import crossed, is_int_or_ints, kind, listed, scalar_type
from manualconv.geometry import Window


def check_subsampling(
    name: str, ndim: int, input: Any, weight: Any, bias: Any, kernel_size: Any, stride: Any, activation: Any
) -> None:
    """Types, tuple lengths and ranks: x ``(N, C, *I)`` or ``(C, *I)``, w and b ``(C,)``."""
    for place, (key, t) in enumerate((("input", input), ("weight", weight), ("bias", bias)), 1):
        if not isinstance(t, Tensor) and not (key == "bias" and t is None):
            raise TypeError(f"{name}(): argument '{key}' (position {place}) must be Tensor, not {kind(t)}")
    for place, (key, value) in enumerate((("kernel_size", kernel_size), ("stride", stride)), 4):
        if value is None and key == "stride":
            continue
        if not is_int_or_ints(value):
            raise TypeError(f"{name}(): argument '{key}' (position {place}) must be tuple of ints, not {kind(value)}")
        if isinstance(value, (tuple, list)) and len(value) not in (1, ndim):
            raise RuntimeError(
                f"{name}: {key} must either be a single int, or a tuple of {ndim}, but got {tuple(value)}"
            )
    if activation is not None and not callable(activation):
        raise TypeError(
            f"{name}(): argument 'activation' must be a function of a tensor or None, not {kind(activation)}"
        )
    if input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"non-empty {ndim + 1}D or {ndim + 2}D (batch mode) tensor expected for input, but got "
            f"{listed(input.shape)} [(N, C, *I) or (C, *I) with {ndim} spatial axes]"
        )


def check_coefficients(name: str, x: Tensor, weight: Tensor, bias: Tensor | None, channels: int) -> None:
    """One coefficient and one bias a channel, floating point, of the input's dtype and device."""
    if not x.is_floating_point():
        raise NotImplementedError(f"\"{name}\" not implemented for '{scalar_type(x)}' [input.float() makes numbers]")
    for key, t in (("weight", weight), ("bias", bias)):
        if t is None:
            continue
        if t.shape != (channels,):
            raise RuntimeError(
                f"expected {key} to be a vector of size equal to the number of channels in input, but got {key} of "
                f"shape {listed(t.shape)} and input of shape {listed(x.shape)} [({channels},) is needed]"
            )
        if t.dtype != x.dtype or t.device != x.device:
            raise RuntimeError(
                f"Input type ({x.type()}) and {key} type ({t.type()}) should be the same [.to() one of them]"
            )


def check_window(window: Window) -> None:
    """Positive kernel and stride, at least one placement, no empty axis."""
    if any(k <= 0 for k in window.kernel_size):
        raise RuntimeError(f"kernel size should be greater than zero, but got kernel_size={window.kernel_size}")
    if any(s <= 0 for s in window.stride):
        raise RuntimeError(f"stride should be greater than zero, but got stride={window.stride}")
    if any(p < 1 for p in window.output_size):
        raise RuntimeError(
            f"Given input size: ({crossed(window.input_size)}). Calculated output size: "
            f"({crossed(window.output_size)}). Output size is too small [i >= k is needed on every axis, k = "
            f"{window.kernel_size}]"
        )
