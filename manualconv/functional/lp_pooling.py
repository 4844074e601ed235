"""Power-average pooling: the p-norm of each window, without absolute values.

    y[n, c, q] = (ΠK · mean_k x[n, c, s·q + k]^p)^(1/p)           Root · ΠK · (D·SumWindows) · Power

    x̄ = x^(p−1) ⊙ SpreadWindows·D (ΠK · y^(1−p) ⊙ ȳ)             where the sum is not 0; elsewhere nothing comes back

The mean times ΠK is the sum; only a window that overhangs the border under ``ceil_mode`` has its sum scaled up to ΠK
taps, as in torch.  For p = ∞ it is the maximum of ``|x|``, for p = −∞ minus the maximum of ``−|x|``.  A negative
sum, which only an odd p can give, is NaN unless p = ±1: its real root is not taken, as it is not in torch.  Half
precision is computed in float32 and rounded once: a square of 300 is no float16 number, its root is.

Source: "Power-average pooling" in PyTorch's documentation of lp_pool1d, lp_pool2d and lp_pool3d.
"""

from __future__ import annotations

from math import inf, prod
from operator import index
from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.power import Power, Root
from manualconv.autograd.replaced import under_rule
from manualconv.autograd.slots import Carried, Rules, exact_pool, pool_in_force
from manualconv.functional.average_pooling import avg_pool1d, avg_pool2d, avg_pool3d
from manualconv.functional.max_pooling import max_pool1d, max_pool2d, max_pool3d
from manualconv.functional.precision import cast
from manualconv.functional.refusals import pooling as refusals
from manualconv.geometry import Numbers, per_axis
from manualconv.kernels.precision import single

MEANS = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}
MAXIMA = {1: max_pool1d, 2: max_pool2d, 3: max_pool3d}

#: The pools that this one is made of are exact where it is under a rule as a whole.
_PARTS = Rules(pool=exact_pool)


def _lp_pool(
    ndim: int, input: Tensor, norm_type: float, kernel_size: Numbers, stride: Numbers | None, ceil_mode: bool
) -> Tensor:
    rules = pool_in_force()
    if rules is None:
        return _exact(ndim, input, norm_type, kernel_size, stride, ceil_mode)
    with Carried(_PARTS):
        y = _exact(ndim, input, norm_type, kernel_size, stride, ceil_mode)
    k = tuple(map(index, per_axis(kernel_size, ndim)))
    s = k if stride is None or stride == () else tuple(map(index, per_axis(stride, ndim)))
    x, y = (t if t.dim() == ndim + 2 else t.unsqueeze(0) for t in (input.to(y.dtype), y))
    y = under_rule(y, x, refusals.window(tuple(x.shape[2:]), k, s, (0,) * ndim, (1,) * ndim, ceil_mode), rules)
    return y if input.dim() == ndim + 2 else y.squeeze(0)


def _exact(
    ndim: int, input: Tensor, norm_type: float, kernel_size: Numbers, stride: Numbers | None, ceil_mode: bool
) -> Tensor:
    p = refusals.norm(ndim, input, norm_type, kernel_size)
    if p in (inf, -inf):
        largest = MAXIMA[ndim](input.abs() if p > 0 else -input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        assert isinstance(largest, Tensor)
        return largest if p > 0 else -largest
    x = input if input.is_floating_point() or input.is_complex() else input.to(torch.get_default_dtype())
    given: Any = norm_type
    x = x.to(torch.result_type(x, given)) if isinstance(given, Tensor) else x  # one with axes has a say
    mean = MEANS[ndim](Power.call(single(x), p), kernel_size, stride, 0, ceil_mode)
    root: Tensor = Root.call(mean * prod(per_axis(kernel_size, ndim)), 1.0 / p)
    return root.to(cast(f"lp_pool{ndim}d", x)[0].dtype)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
) -> Tensor:
    """1-D power-average pooling: `lp_pool2d` on ``(N, C, L)`` or ``(C, L)``."""
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
) -> Tensor:
    """2-D power-average pooling ``(Σ x^p)^(1/p)`` over each window.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``; floating point.  Integers become the default dtype first, and their
            roots are right, where torch cuts the mean before it takes them.
        norm_type: p, any number but 0; ±inf too.  A constant: a tensor with a gradient or a tangent is refused.
        kernel_size, stride: an int or a tuple of two; `stride` defaults to `kernel_size`.
        ceil_mode: round the output size up; an overhanging window's sum is scaled up to all its taps.

    Returns:
        ``(N, C, PH, PW)`` or ``(C, PH, PW)``; NaN where a window has a negative entry under a p that is no
        whole number, or a negative sum under an odd p other than ±1.

    Raises:
        AttributeError: `input` is no tensor.
        TypeError: `norm_type` is no number, or another argument is of another kind.
        ValueError: `norm_type` is 0, the kernel has another number of axes (images and volumes), or a number more than
            64 bits.
        IndexError: fewer than three axes, of images only and under a finite p.
        RuntimeError: another wrong rank, numbers that make no window, an input too small for one.
        NotImplementedError: complex input under a finite p, sparse input.

        All as torch.nn.functional.lp_pool2d.
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
) -> Tensor:
    """3-D power-average pooling: `lp_pool2d` on ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)
