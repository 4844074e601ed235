"""Trainable sub-sampling, the S layers of the first LeNets: a window sum with one coefficient and one bias a channel.

    S[n, c, p] = Σ_k x[n, c, s·p + k]           SumWindows
    u[n, c, p] = w[c]·S[n, c, p] + b[c]         ScaleChannels, w the notes' β
    y          = σ(u)                           any activation; the sigmoid if none is named

Backwards, with the cotangent δ of y, one map after the other transposed:

    δu = δ ⊙ σ′(u)             y·(1 − y) for the sigmoid
    db = Σ_{n,p} δu            SumToBias
    dw = Σ_{n,p} δu ⊙ S        DotChannels
    dx = w·up(δu)              SpreadWindows of ScaleChannels: each δu at every position of its window; with k = s
                               the Kronecker product of δu with a k×k block of ones

With w = 1/k², b = 0 and no activation it is average pooling.  It is named after the paper's "sub-sampling layer", the
word under which Torch7 had it too (``SpatialSubSampling``, without the activation); modern libraries have none.

Source: LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition* (1998), section
II.B; collected notes (sub-sampling layer, forward and backward, B12).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from manualconv.autograd.scaling import ScaleChannels
from manualconv.autograd.summation import SumWindows
from manualconv.functional.precision import cast
from manualconv.functional.refusals import pooling as refusals
from manualconv.functional.sigmoidal import sigmoid
from manualconv.geometry import Numbers

Activation = Callable[[Tensor], Tensor]


def _subsample(
    ndim: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    kernel_size: Numbers,
    stride: Numbers | None,
    activation: Activation | None,
) -> Tensor:
    window = refusals.of_sum(ndim, input, weight, bias, kernel_size, stride, activation)
    x, w, b = cast(f"subsample{ndim}d", input, weight, bias)
    refusals.check_coefficients(x, w, b, x.shape[-ndim - 1])
    u: Tensor = ScaleChannels.call(SumWindows.call(x if x.dim() == ndim + 2 else x.unsqueeze(0), window), w, b)
    u = u if x.dim() == ndim + 2 else u.squeeze(0)
    return u if activation is None else activation(u)


def subsample1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    *,
    activation: Activation | None = sigmoid,
) -> Tensor:
    """1-D trainable sub-sampling: `subsample2d` on ``(N, C, L)`` or ``(C, L)``."""
    return _subsample(1, input, weight, bias, kernel_size, stride, activation)


def subsample2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    *,
    activation: Activation | None = sigmoid,
) -> Tensor:
    """2-D trainable sub-sampling ``σ(w[c]·Σ x + b[c])``: each window's sum, scaled, shifted and squashed.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``; floating point.
        weight: the coefficient of each channel, ``(C,)``, of the input's dtype and device.
        bias: ``(C,)`` or None.
        kernel_size, stride: an int or a tuple of two; `stride` defaults to `kernel_size`, where windows do not overlap.
        activation: a function of one tensor, the sigmoid by default; None leaves ``u = w·S + b`` as it is.

    Returns:
        ``(N, C, PH, PW)`` or ``(C, PH, PW)`` with ``P = ⌊(I − K)/stride⌋ + 1``.  Under autocast float32: a sum.

    Raises:
        TypeError: an argument of another type.
        RuntimeError: sizes or dtypes that do not fit each other.
        NotImplementedError: an input that is not floating point.
    """
    return _subsample(2, input, weight, bias, kernel_size, stride, activation)


def subsample3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    *,
    activation: Activation | None = sigmoid,
) -> Tensor:
    """3-D trainable sub-sampling: `subsample2d` on ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""
    return _subsample(3, input, weight, bias, kernel_size, stride, activation)
