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
from manualconv.functional.refusals import activation as validation
from manualconv.functional.refusals.arguments import check_tensor


def sigmoid(input: Tensor) -> Tensor:
    """``1/(1 + e^(−z))``."""
    check_tensor("sigmoid", input)
    return run(sigmoidal.Sigmoid, input)


def tanh(input: Tensor) -> Tensor:
    """``tanh z``."""
    check_tensor("tanh", input)
    return run(sigmoidal.Tanh, input)


def scaled_tanh(input: Tensor) -> Tensor:
    """``1.7159·tanh(2z/3)``, LeNet-5's of 1998: ±1 at ±1, where its curvature is largest."""
    check_tensor("scaled_tanh", input)
    return run(sigmoidal.ScaledTanh, input)


def logsigmoid(input: Tensor) -> Tensor:
    """``log(1/(1 + e^(−z)))``, right for every z."""
    validation.check_floating("log_sigmoid", input, "log_sigmoid_cpu")
    return run(sigmoidal.LogSigmoid, input)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """``log(1 + e^(beta·z))/beta``; z itself where ``beta·z > threshold``."""
    validation.check_floating("softplus", input, "softplus_cpu")
    b = validation.number("softplus", "beta", 2, beta)
    validation.check_single("beta", b, input.dtype)
    linear_from = validation.number("softplus", "threshold", 3, threshold)
    validation.check_single("threshold", linear_from, input.dtype)
    return run(sigmoidal.Softplus, input, b, linear_from)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``z·sigmoid(z)``, the swish; complex numbers too."""
    validation.check_floating("silu", input, "silu_cpu", complex_too=True)
    return run(sigmoidal.SiLU, input, inplace=inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``z·tanh(softplus(z))``."""
    validation.check_floating("mish", input, "mish_cpu")
    return run(sigmoidal.Mish, input, inplace=inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``z·Φ(z)``, Φ the normal distribution; with ``approximate='tanh'`` by tanh in place of the error function.

    Raises:
        RuntimeError: another `approximate`.
    """
    validation.check_floating("gelu", input, "GeluKernelImpl")
    validation.check_approximate(approximate)
    return run(sigmoidal.GELU if approximate == "none" else sigmoidal.TanhGELU, input)
