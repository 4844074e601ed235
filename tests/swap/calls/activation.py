"""Calls of activations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.torch_internals import UNDERSCORED
from tests.swap.calls.call import ROWS, Calls

CALLS: Calls = {
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
