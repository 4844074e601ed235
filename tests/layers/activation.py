"""Activations."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

ROWS = (2, 3, 4)

#: Arguments that are not the defaults.
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "relu": (),
    "relu6": (),
    "hardtanh": (-0.7, 1.1),
    "threshold": (0.3, -1.5),
    "hardsigmoid": (),
    "hardswish": (),
    "leaky_relu": (0.2,),
    "elu": (1.5,),
    "celu": (0.7,),
    "selu": (),
    "sigmoid": (),
    "tanh": (),
    "scaled_tanh": (),
    "logsigmoid": (),
    "softplus": (1.5, 2.1),
    "silu": (),
    "mish": (),
    "gelu": ("tanh",),
    "softmax": (1,),
    "log_softmax": (-1,),
    "softmin": (1,),
}
FUNCTIONS: dict[str, Example] = {
    name: Example(lambda z, name=name, more=more: getattr(functional, name)(z, *more), (ROWS,))
    for name, more in ARGUMENTS.items()
}
MODULES: dict[str, Module] = {
    "ReLU": (lambda: nn.ReLU(), (2, 3)),
    "ReLU6": (lambda: nn.ReLU6(), (2, 3)),
    "Hardtanh": (lambda: nn.Hardtanh(-0.75, 1.1), (2, 3)),
    "Threshold": (lambda: nn.Threshold(0.3, -1.5), (2, 3)),
    "Hardsigmoid": (lambda: nn.Hardsigmoid(), (2, 3)),
    "Hardswish": (lambda: nn.Hardswish(), (2, 3)),
    "LeakyReLU": (lambda: nn.LeakyReLU(0.2), (2, 3)),
    "ELU": (lambda: nn.ELU(1.5), (2, 3)),
    "CELU": (lambda: nn.CELU(0.7), (2, 3)),
    "SELU": (lambda: nn.SELU(), (2, 3)),
    "Sigmoid": (lambda: nn.Sigmoid(), (2, 3)),
    "Tanh": (lambda: nn.Tanh(), (2, 3)),
    "ScaledTanh": (lambda: nn.ScaledTanh(), (2, 3)),
    "LogSigmoid": (lambda: nn.LogSigmoid(), (2, 3)),
    "Softplus": (lambda: nn.Softplus(1.5, 2.1), (2, 3)),
    "SiLU": (lambda: nn.SiLU(), (2, 3)),
    "Mish": (lambda: nn.Mish(), (2, 3)),
    "GELU": (lambda: nn.GELU(), (2, 3)),
    "Softmax": (lambda: nn.Softmax(1), (2, 3)),
    "LogSoftmax": (lambda: nn.LogSoftmax(1), (2, 3)),
    "Softmin": (lambda: nn.Softmin(1), (2, 3)),
    "Softmax2d": (lambda: nn.Softmax2d(), (2, 3, 2, 2)),
}


def _hardsigmoid(z: Tensor) -> Tensor:
    """By torch's plain arithmetic: its own has no forward mode over reverse mode."""
    return torch.where(z <= -3, 0, torch.where(z >= 3, 1, z / 6 + 0.5))


PAIRS: dict[str, Pair] = {
    "relu": pair("relu", (ROWS,)),
    "relu6": pair("relu6", (ROWS,)),
    "threshold": pair("threshold", (ROWS,), threshold=0.25, value=-1.5),
    "hardsigmoid": Pair(functional.hardsigmoid, _hardsigmoid, (ROWS,), exact=False),
    "celu": pair("celu", (ROWS,), exact=False, alpha=0.75),
    "selu": pair("selu", (ROWS,), exact=False),
    "sigmoid": pair("sigmoid", (ROWS,), exact=False),
    "tanh": pair("tanh", (ROWS,), exact=False),
    "scaled_tanh": Pair(functional.scaled_tanh, lambda z: 1.7159 * torch.tanh(2 / 3 * z), (ROWS,), exact=False),
    "logsigmoid": pair("logsigmoid", (ROWS,), exact=False),
    "softplus": pair("softplus", (ROWS,), exact=False, beta=1.5),
    "softmin": pair("softmin", (ROWS,), exact=False, dim=-1),
    "hardtanh": pair("hardtanh", (ROWS,), min_val=-0.75, max_val=1.0),
    "leaky_relu": pair("leaky_relu", (ROWS,), negative_slope=-0.5),
    "hardswish": pair("hardswish", (ROWS,), exact=False),
    "elu": pair("elu", (ROWS,), exact=False, alpha=1.5),
    "silu": pair("silu", (ROWS,), exact=False),
    "gelu": pair("gelu", (ROWS,), exact=False),
    "gelu by tanh": pair("gelu", (ROWS,), exact=False, approximate="tanh"),
    "mish": pair("mish", (ROWS,), exact=False),
    "softmax": pair("softmax", (ROWS,), exact=False, dim=-1),
    "log_softmax": pair("log_softmax", (ROWS,), exact=False, dim=-1),
}
