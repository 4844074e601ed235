"""softmax, log_softmax and softmin, by hand: the activations that join entries.

The derivatives stand in `manualconv.autograd.softmax`.  All take any shape and a floating point dtype and return the
same shape and dtype.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from manualconv.autograd.softmax import LogSoftmax, Softmax
from manualconv.functional.precision import cast
from manualconv.functional.refusals.activation import check_logits, softmax_axis
from manualconv.functional.refusals.arguments import check_input


def _guessed_axis(name: str, input: Tensor) -> int:
    """torch's axis where none is given, with its warning."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=5,
    )
    return 0 if input.dim() in (0, 1, 3) else 1


def _axis(name: str, input: Tensor, dim: int | None, dtype: torch.dtype | None) -> tuple[Tensor, int]:
    """The input in the dtype asked for, and a checked axis."""
    check_input(input)
    dim = softmax_axis(input, _guessed_axis(name, input) if dim is None else dim)
    z: Tensor = input.to(dtype) if dtype is not None else cast(name, input)[0]
    check_logits(z)
    return z.contiguous(), dim


def softmax(input: Tensor, dim: int | None = None, *, dtype: torch.dtype | None = None) -> Tensor:
    """``e^z / Σ e^z`` along `dim`; cast to `dtype` first if given.

    Without a `dim`, along the first axis of vectors and of three axes, else the second, with torch's warning.

    Raises:
        IndexError: a `dim` out of range.
        AttributeError: `input` is no tensor.
        TypeError: `dim` is no int.
        NotImplementedError: integers, bool, complex.
    """
    p: Tensor = Softmax.call(*_axis("softmax", input, dim, dtype))
    return p


def log_softmax(input: Tensor, dim: int | None = None, *, dtype: torch.dtype | None = None) -> Tensor:
    """``z − log Σ e^z`` along `dim`; cast to `dtype` first if given.

    Without a `dim`, along the first axis of vectors and of three axes, else the second, with torch's warning.

    Raises:
        IndexError: a `dim` out of range.
        AttributeError: `input` is no tensor.
        TypeError: `dim` is no int.
        NotImplementedError: integers, bool, complex.
    """
    y: Tensor = LogSoftmax.call(*_axis("log_softmax", input, dim, dtype))
    return y


def softmin(input: Tensor, dim: int | None = None, *, dtype: torch.dtype | None = None) -> Tensor:
    """``e^(−z) / Σ e^(−z)``: `softmax` of −z."""
    check_input(input)
    p: Tensor = Softmax.call(*_axis("softmin", -input, dim, dtype))  # as torch, which negates bytes as bytes
    return p
