"""Padding: positions added around a tensor, or cut off it where a side is negative.

    constant                       y[p] = x[p − a] inside, the value outside
    reflect, replicate, circular   y[p] = x[i(p)]

The derivatives stand in `manualconv.autograd.extension`, the index i(p) of each mode in `manualconv.geometry`.

Source: Strang and Nguyen, *Wavelets and Filter Banks* (1996), chapter 8.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.extension import Extend, Pad
from manualconv.autograd.function import Map
from manualconv.functional.precision import cast
from manualconv.functional.refusals.extent import check_constant, check_extension, of_padding
from manualconv.geometry import Extension

#: What torch calls the modes that it has operators of its own for.
_OPERATORS = {"reflect": "reflection", "replicate": "replication"}


def pad(input: Tensor, pad: tuple[int, ...], mode: str = "constant", value: float | None = None) -> Tensor:
    """Pad the last axes of a tensor.

    Args:
        input: any dtype; bool for the modes constant and circular only.  The other three modes pad one axis of
            ``(N, C, W)`` or ``(C, W)``, two of ``(N, C, H, W)`` or ``(C, H, W)``, three of ``(N, C, D, H, W)`` or
            ``(C, D, H, W)``; the constant any number of axes of any tensor.
        pad: positions added before and after, last axis first: ``(lo, hi)``, ``(lo, hi, lo, hi)``, …; a negative number
            cuts positions off.
        mode: ``'constant'``, ``'reflect'`` (each side smaller than the axis), ``'replicate'`` or ``'circular'`` (each
            side at most what is left of the axis).
        value: the constant, 0 if None.

    Returns:
        A new tensor of input's dtype (float32 for reflect and replicate where autocast wants it), channels_last where
        torch's is.

    Raises:
        TypeError, RuntimeError, NotImplementedError: as torch.nn.functional.pad.
    """
    frame, number = of_padding(input, pad, mode, value)
    if mode == "constant":
        check_constant(input, frame)
        return _apply(Pad, input, frame, number or 0)
    pairs = tuple(zip(frame[-2::-2], frame[::-2]))
    extension = Extension(tuple(input.shape[input.dim() - len(pairs) :]), pairs, mode)
    check_extension(input, extension, number)
    return _apply(Extend, *cast(f"{_OPERATORS.get(mode)}_pad{extension.ndim}d", input), extension)


def _apply(layer: type[Map], *args: Any) -> Tensor:
    y: Tensor = layer.call(*args)
    return y
