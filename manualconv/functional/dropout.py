"""Dropout by hand: entries or channels set to zero at random, the rest scaled so that the mean stays.

The derivative stands in `manualconv.autograd.masking`.  From equal seeds the masks are torch's on the CPU, number for
number, and the generator stands where torch's would: the draw is of the input's dtype, in the order in which its
entries lie in memory.  Inside ``torch.func`` the draw is torch's there; a compiler draws its own numbers.

All take floating point numbers of any shape unless one is named, and return the same shape and dtype: with
``training=False``, or ``p=0``, a copy (torch returns the input itself).  With `inplace`, `input` is overwritten with
the result and returned.

Source: Srivastava et al. 2014; Tompson et al. 2015 (of channels); Klambauer et al. 2017 (alpha dropout).
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from manualconv.autograd.masking import Mask
from manualconv.functional.rectifiers import SELU_ALPHA, SELU_SCALE
from manualconv.functional.refusals import activation as refusals
from manualconv.torch_internals import is_plain, maps_active

#: What SELU tends to for z → −∞, negated: dropped entries take this value.
SATURATION = SELU_ALPHA * SELU_SCALE


def _kept(input: Tensor, p: float, channels: bool) -> Tensor:
    """1 with probability ``1 − p``, else 0: for every entry, or for every channel of ``(N, C, …)``."""
    refusals.check_drawn(input, channels)
    size = (*input.shape[:2], *(1,) * (input.dim() - 2)) if channels else input.shape
    dtype = (
        input.real.dtype if input.is_complex() else input.dtype
    )  # of a complex number the parts are kept or dropped together
    with torch.no_grad():
        if not is_plain(input) or maps_active():
            # One draw for all samples or one for each is for vmap's `randomness` to say, whether or not the input is
            # mapped: nothing mapped goes in.
            return torch.bernoulli(torch.zeros((), dtype=dtype, device=input.device).expand(size), 1 - p)
        place = input.new_empty(size, dtype=dtype) if channels else torch.empty_like(input, dtype=dtype)
        return place.bernoulli_(1 - p)


def _none(input: Tensor) -> Tensor:
    """The mask of ``p = 1``: nothing is drawn for it."""
    return torch.zeros((), dtype=input.dtype, device=input.device)


def _dropped(input: Tensor, p: float, training: bool, inplace: bool, channels: bool) -> Tensor:
    p = refusals.probability(input, p, training)
    if p == 0 or not training or input.numel() == 0:
        return input if inplace else input.clone()
    y: Tensor = Mask.call(input, _none(input) if p == 1 else _kept(input, p, channels) / (1 - p))
    return input.copy_(y) if inplace else y


def _dropped_to_alpha(input: Tensor, p: float, training: bool, inplace: bool, channels: bool) -> Tensor:
    p = refusals.probability(input, p, training)
    if p == 0 or not training or input.numel() == 0:
        return input if inplace else input.clone()
    if p == 1:
        y: Tensor = Mask.call(input, _none(input))
    else:
        kept = _kept(input, p, channels)
        a = 1 / sqrt((SATURATION * SATURATION * p + 1) * (1 - p))
        y = Mask.call(input, kept * a) + ((kept - 1) * (SATURATION * a) + SATURATION * a * p)
    return input.copy_(y) if inplace else y


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each entry 0 with probability `p`, else divided by ``1 − p``.

    Raises:
        ValueError: `p` outside 0 … 1.
        TypeError: `input` is no tensor, `p` no number, `training` no bool.
        RuntimeError: `p` is NaN; integers, which cannot be scaled; with `inplace`, what torch may not overwrite.
    """
    return _dropped(input, p, training, inplace, channels=False)


def feature_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each channel of ``(N, C, …)`` 0 with probability `p`, else divided by ``1 − p``; what torch.feature_dropout is.

    Raises:
        ValueError: `p` outside 0 … 1.
        RuntimeError: less than two axes.
    """
    return _dropped(input, p, training, inplace, channels=True)


def _channels(name: str, ndim: int, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    refusals.check_probability(p)
    refusals.check_channels(name, ndim, input)
    p = refusals.probability(input, p, training)
    # torch reads (C, H, W) as (N, C, L) in two dimensions, and there alone.
    alone = ndim != 2 and input.dim() != ndim + 2
    x = input.unsqueeze(0) if alone else input
    y = feature_dropout(x, p, training, inplace)
    if inplace:
        return input
    return y.squeeze(0) if alone else y


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each channel of ``(N, C, L)`` or ``(C, L)`` 0 with probability `p`, else divided by ``1 − p``.

    Raises:
        AttributeError: `input` is no tensor.
        ValueError: `p` outside 0 … 1.
        TypeError: `p` is no number, `training` no bool.
        RuntimeError: another rank; else as `dropout`.
    """
    return _channels("dropout1d", 1, input, p, training, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each channel of ``(N, C, H, W)`` 0 with probability `p`, else divided by ``1 − p``.

    Other ranks are read as ``(N, C, …)``, with torch's warning.

    Raises:
        AttributeError: `input` is no tensor.
        ValueError: `p` outside 0 … 1.
        TypeError: `p` is no number, `training` no bool.
        RuntimeError: less than two axes; else as `dropout`.
    """
    return _channels("dropout2d", 2, input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each channel of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` 0 with probability `p`, else divided by ``1 − p``.

    Other ranks are read as one sample, with torch's warning.

    Raises:
        AttributeError: `input` is no tensor.
        ValueError: `p` outside 0 … 1.
        TypeError: `p` is no number, `training` no bool.
        RuntimeError: no axis; else as `dropout`.
    """
    return _channels("dropout3d", 3, input, p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Each entry what selu tends to at −∞ with probability `p`; then scaled and shifted back to mean 0, variance 1.

    Raises:
        ValueError: `p` outside 0 … 1.
        TypeError: `input` is no tensor, `p` no number, `training` no bool.
        RuntimeError: `p` is NaN; integers, which cannot be scaled; with `inplace`, what torch may not overwrite.
    """
    return _dropped_to_alpha(input, p, training, inplace, channels=False)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels of ``(N, C, …)``.

    Raises:
        TypeError, ValueError: as `alpha_dropout`.
        RuntimeError: less than two axes where something is drawn; else as `alpha_dropout`.
    """
    return _dropped_to_alpha(input, p, training, inplace, channels=True)
