"""What the fully connected layer takes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.functional.validation.arguments import kind, listed


def check_linear_types(input: Any, weight: Any, bias: Any) -> None:
    """Tensors are tensors."""
    for place, (key, t) in enumerate((("input", input), ("weight", weight), ("bias", bias)), 1):
        if not isinstance(t, Tensor) and not (key == "bias" and t is None):
            raise TypeError(f"linear(): argument '{key}' (position {place}) must be Tensor, not {kind(t)}")


def check_linear_shapes(x: Tensor, w: Tensor, b: Tensor | None) -> None:
    """x ``(*, C)``, w ``(O, C)`` or ``(C,)``, b ``(O,)`` or ``()``."""
    if x.dim() == 0 or w.dim() == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {x.dim()}D and {w.dim()}D")
    if w.dim() > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but weight is {w.dim()}D: {listed(w.shape)}")
    for key, t in (("weight", w), ("bias", b)):
        if t is not None and t.device != x.device:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but got input on {x.device} and {key} on {t.device}"
            )
        if t is not None and t.dtype != x.dtype:
            raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {x.dtype} and {t.dtype} ({key})")
    if x.shape[-1] != w.shape[-1]:
        if x.dim() == 1 or w.dim() == 1:
            raise RuntimeError(
                f"size mismatch, got input ({x.shape[-1]}), weight {listed(w.shape)} [the last axis of input must "
                f"have weight.shape[-1] = {w.shape[-1]} entries]"
            )
        rows = x[..., 0].numel()
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.shape[-1]} and {w.shape[1]}x{w.shape[0]}) [the last "
            f"axis of input must have in_features = weight.shape[1] = {w.shape[1]} entries]"
        )
    expected = (w.shape[0],) if w.dim() == 2 else ()
    if b is not None and tuple(b.shape) not in (expected, (1,)):
        raise RuntimeError(
            f"The expanded size of the tensor ({w.shape[0] if w.dim() == 2 else 1}) must match the existing size "
            f"({b.shape[-1] if b.dim() else 1}): bias of size {listed(b.shape)} for weight {listed(w.shape)}"
        )
