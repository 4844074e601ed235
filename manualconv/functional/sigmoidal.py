"""Activations with an exponential in them, by hand: sigmoids, and what is made of sigmoids.

The derivatives stand in `manualconv.autograd.sigmoidal`.  All take any shape and return the same shape and dtype, and
take floating point numbers; sigmoid and both tanh turn integers into the default dtype and take complex numbers, as
silu does.  With `inplace`, `input` is overwritten with the result and returned.  Each raises TypeError for what is no
tensor or number, NotImplementedError for a dtype that torch's kernel does not take, as torch.nn.functional's.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.autograd import sigmoidal
from manualconv.functional.in_place import run
from manualconv.functional.refusals.activation import check_approximate, computed
from manualconv.functional.refusals.arguments import check_floating, check_input


def sigmoid(input: Tensor) -> Tensor:
    """``1/(1 + e^(−z))``."""
    check_input(input)
    return run(sigmoidal.Sigmoid, input)


def tanh(input: Tensor) -> Tensor:
    """``tanh z``."""
    check_input(input)
    return run(sigmoidal.Tanh, input)


def scaled_tanh(input: Tensor) -> Tensor:
    """``1.7159·tanh(2z/3)``, LeNet-5's of 1998: ±1 at ±1, where its curvature is largest."""
    check_input(input)
    return run(sigmoidal.ScaledTanh, input)


def logsigmoid(input: Tensor) -> Tensor:
    """``log(1/(1 + e^(−z)))``, right for every z."""
    check_floating(input)
    return run(sigmoidal.LogSigmoid, input)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """``log(1 + e^(beta·z))/beta``; z itself where ``beta·z > threshold``."""
    check_floating(input)
    b, linear_from = computed("beta", beta, input.dtype), computed("threshold", threshold, input.dtype)
    return run(sigmoidal.Softplus, input, b, linear_from)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``z·sigmoid(z)``, the swish; complex numbers too."""
    check_floating(input, complex_too=True)
    return run(sigmoidal.SiLU, input, inplace=inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``z·tanh(softplus(z))``."""
    check_floating(input)
    return run(sigmoidal.Mish, input, inplace=inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``z·Φ(z)``, Φ the normal distribution; with ``approximate='tanh'`` by tanh in place of the error function.

    Raises:
        RuntimeError: another `approximate`.
    """
    check_floating(input)
    check_approximate(approximate)
    return run(sigmoidal.GELU if approximate == "none" else sigmoidal.TanhGELU, input)
