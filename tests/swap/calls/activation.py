"""Calls of activations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.torch_internals import UNDERSCORED
from tests.swap.calls.call import ROWS, Calls

ARGUMENTS = {
    "elu": (1.5,),
    "hardsigmoid": (),
    "hardswish": (),
    "hardtanh": (-0.75, 1.1),
    "leaky_relu": (0.2,),
    "mish": (),
    "relu6": (),
    "silu": (),
}


def _raw(name: str) -> Calls:
    """torch.nn.functional's function, plain and in place, and the two behind it."""
    function, arguments = getattr(F, name), ARGUMENTS[name]
    # torch multiplies by a sixth of single precision in hardsigmoid's slope.
    dtype = torch.float32 if name == "hardsigmoid" else torch.float64
    plain, overwriting = UNDERSCORED[name], UNDERSCORED[f"{name}_"]
    return {
        function: [
            (lambda z: function(z.to(dtype), *arguments), (ROWS,)),
            (lambda z: function(z.to(dtype) * 1, *arguments, inplace=True), (ROWS,)),
        ],
        plain: [(lambda z: plain(z.to(dtype), *arguments), (ROWS,))],
        overwriting: [(lambda z: overwriting(z.to(dtype) * 1, *arguments), (ROWS,))],
    }


CALLS: Calls = {
    **{theirs: calls for name in ARGUMENTS for theirs, calls in _raw(name).items()},
    UNDERSCORED["elu"]: [
        (lambda z: torch._C._nn.elu(z, 1.5), (ROWS,)),
        (lambda z: torch._C._nn.elu(z, 1.5, 0.5, 2.0), (ROWS,)),
        (lambda z: torch._C._nn.elu(z, alpha=0.25, input_scale=0.5), (ROWS,)),
    ],
    F.gelu: [
        (F.gelu, (ROWS,)),
        (lambda z: F.gelu(z, approximate="tanh"), (ROWS,)),
        (torch.nn.GELU(), (ROWS,)),
    ],
    UNDERSCORED["gelu_"]: [
        (lambda z: torch._C._nn.gelu_(z * 1), (ROWS,)),
        (lambda z: torch._C._nn.gelu_(z * 1, approximate="tanh"), (ROWS,)),
    ],
    F.softplus: [(F.softplus, (ROWS,)), (lambda z: F.softplus(z, beta=2, threshold=1), (ROWS,))],
    F.logsigmoid: [(F.logsigmoid, (ROWS,))],
    F.celu: [(lambda z: F.celu(z, 0.5), (ROWS,)), (lambda z: F.celu(z * 1, 2.0, inplace=True), (ROWS,))],
    torch.celu: [(torch.celu, (ROWS,))],
    torch.celu_: [(lambda z: torch.celu_(z * 1, 0.5), (ROWS,)), (lambda z: F.celu_(z * 1), (ROWS,))],
    F.selu: [(F.selu, (ROWS,)), (lambda z: F.selu(z * 1, inplace=True), (ROWS,))],
    torch.selu: [(torch.selu, (ROWS,))],
    torch.selu_: [(lambda z: torch.selu_(z * 1), (ROWS,))],
    F.threshold: [
        (lambda z: F.threshold(z, 0.3, -1.5), (ROWS,)),
        (lambda z: F.threshold(z * 1, 0.3, -1.5, inplace=True), (ROWS,)),
    ],
    torch.threshold: [(lambda z: torch.threshold(z, 0.3, -1.5), (ROWS,))],
    torch.threshold_: [(lambda z: torch.threshold_(z * 1, 0.3, -1.5), (ROWS,))],
    F.relu: [(F.relu, (ROWS,)), (lambda z: F.relu(z * 1, inplace=True), (ROWS,)), (torch.nn.ReLU(), (ROWS,))],
    torch.relu: [(torch.relu, (ROWS,))],
    Tensor.relu: [(lambda z: z.relu(), (ROWS,))],
    torch.relu_: [(lambda z: torch.relu_(z * 1), (ROWS,)), (lambda z: F.relu_(z * 1), (ROWS,))],
    Tensor.relu_: [(lambda z: (z * 1).relu_(), (ROWS,))],
    torch.sigmoid: [(torch.sigmoid, (ROWS,)), (F.sigmoid, (ROWS,)), (torch.nn.Sigmoid(), (ROWS,))],
    torch.special.expit: [(torch.special.expit, (ROWS,))],
    Tensor.sigmoid: [(lambda z: z.sigmoid(), (ROWS,))],
    torch.sigmoid_: [(lambda z: torch.sigmoid_(z * 1), (ROWS,))],
    Tensor.sigmoid_: [(lambda z: (z * 1).sigmoid_(), (ROWS,))],
    torch.tanh: [(torch.tanh, (ROWS,)), (F.tanh, (ROWS,)), (torch.nn.Tanh(), (ROWS,))],
    Tensor.tanh: [(lambda z: z.tanh(), (ROWS,))],
    torch.tanh_: [(lambda z: torch.tanh_(z * 1), (ROWS,))],
    Tensor.tanh_: [(lambda z: (z * 1).tanh_(), (ROWS,))],
    UNDERSCORED["softmax"]: [(lambda z: torch._softmax(z, 1, False), (ROWS,))],
    UNDERSCORED["log_softmax"]: [(lambda z: torch._log_softmax(z, -1, False), (ROWS,))],
}
for _name in ("softmax", "log_softmax"):
    _call, _special, _function = getattr(torch, _name), getattr(torch.special, _name), getattr(F, _name)
    CALLS[_call] = [(lambda z, f=_call: f(z, 1), (ROWS,)), (lambda z, f=_call: f(z, dim=-1, dtype=z.dtype), (ROWS,))]
    CALLS[_special] = [(lambda z, f=_special: f(z, 1), (ROWS,))]
    CALLS[getattr(Tensor, _name)] = [(lambda z, n=_name: getattr(z, n)(1, z.dtype), (ROWS,))]
    CALLS[_function] = [
        (lambda z, f=_function: f(z, dim=1), (ROWS,)),
        (lambda z, f=_function: f(z, -1, dtype=z.dtype), (ROWS,)),
    ]
