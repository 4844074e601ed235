"""Activations of straight pieces, by hand: relu and its kin.

The derivatives, with the slopes at the kinks, stand in `manualconv.autograd.rectifiers`.  All take any shape and return
the same shape and dtype; those that name no dtype take floating point numbers.  With `inplace`, `input` is overwritten
with the result and returned.  Each raises TypeError for what is no tensor or number, NotImplementedError for a dtype
that torch's kernel does not take, as torch.nn.functional's.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.autograd import rectifiers
from manualconv.functional.in_place import run
from manualconv.functional.refusals.activation import (
    celu_alpha,
    check_ordered,
    computed,
    limits,
    scalar,
    shrinkage,
)
from manualconv.functional.refusals.arguments import check_floating
from manualconv.kernels.precision import WIDENED

#: Klambauer et al. 2017, "Self-normalizing neural networks": fixed points at mean 0 and variance 1.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(z, 0)``, integers too; the slope at 0 is 0."""
    check_ordered(input)
    return run(rectifiers.ReLU, input, inplace=inplace, of_output=True)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """``min(max(z, min_val), max_val)``, integers too; the slope at both limits is 0.

    Raises:
        ValueError: ``min_val > max_val``.
        RuntimeError: a negative limit for an unsigned dtype.
    """
    return _limited(input, min_val, max_val, inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(z, 0), 6)``, integers too; the slope at 0 and 6 is 0."""
    return _limited(input, 0.0, 6.0, inplace)


def _limited(input: Tensor, low: float, high: float, inplace: bool) -> Tensor:
    check_ordered(input)
    low, high = limits(low, high, input)
    if not input.is_floating_point():
        low, high = int(low), int(high)
    # Rounded to half precision, a limit may lie inside: from the output it is not told whether z was beyond it.
    of_output = inplace and input.dtype not in WIDENED
    return run(rectifiers.HardTanh, input, low, high, of_output, inplace=inplace, of_output=of_output)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``z`` where ``z > threshold``, else ``value``, integers too; the slope is 1 and 0."""
    check_ordered(input)
    least, v = computed("threshold", threshold, input.dtype), scalar("value", value, input.dtype)
    if not input.is_floating_point():
        least, v = int(least), int(v)
    return run(rectifiers.Threshold, input, least, v, inplace=inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(z + 3, 0), 6)/6``; the slope at −3 and 3 is 0."""
    check_floating(input)
    return run(rectifiers.HardSigmoid, input, inplace=inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``z·min(max(z + 3, 0), 6)/6``; the slope at −3 is 0, at 3 it is 1."""
    check_floating(input)
    return run(rectifiers.HardSwish, input, inplace=inplace)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``z`` where ``|z| > lambd``, else 0; the slope at ±lambd is 0."""
    check_floating(input)
    return run(rectifiers.HardShrink, input, scalar("lambd", lambd, input.dtype))


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``z`` nearer to 0 by `lambd`, and 0 between ±lambd; the slope there is 0, too.

    Raises:
        RuntimeError: ``lambd < 0``, infinite or NaN.
    """
    check_floating(input)
    return run(rectifiers.SoftShrink, input, shrinkage(lambd, input.dtype))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``z`` where z > 0, else ``negative_slope·z``; that is the slope at 0, too."""
    check_floating(input)
    slope = computed("negative_slope", negative_slope, input.dtype)
    of_output = inplace and slope >= 0
    return run(rectifiers.LeakyReLU, input, slope, of_output, inplace=inplace, of_output=of_output)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``z`` where z > 0, else ``alpha·(e^z − 1)``; the slope at 0 is alpha."""
    check_floating(input)
    alpha = computed("alpha", alpha, input.dtype)
    return run(rectifiers.ELU, input, alpha, 1, 1, inplace=inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``z`` where z > 0, else ``alpha·(e^(z/alpha) − 1)``: smooth at 0 for every alpha.

    Raises:
        RuntimeError: ``alpha = 0``.
    """
    check_floating(input)
    alpha = celu_alpha(alpha, input.dtype)
    return run(rectifiers.ELU, input, alpha, 1, 1 / alpha, inplace=inplace)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``1.0507…·elu(z, 1.6733…)``."""
    check_floating(input)
    return run(rectifiers.ELU, input, SELU_ALPHA, SELU_SCALE, 1, inplace=inplace)
