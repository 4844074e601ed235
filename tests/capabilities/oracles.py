"""Every operation once more in plain differentiable arithmetic: the judge of manualconv and of torch alike.

Sums are lists of places, counted by the loops of tests/definitions.py: gather, multiply, `index_add`.  Activations and
losses are written out with exp and log.  Nothing here is a layer, so torch's derivatives of it are those of
multiplication and addition; evaluated in float64 or complex128 it says what is right in every dtype and mode.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from math import prod

import numpy as np
import torch
from torch import Tensor

from manualconv.geometry import Window, window_of_output
from tests import definitions

Shape = tuple[int, ...]
Places = tuple[Tensor, Tensor, Tensor]


def _flat(at: Shape, size: Shape) -> int:
    return int(np.ravel_multi_index(at, size)) if size else 0


@cache
def _terms(batch: int, channels: int, outputs: int, window: Window) -> Places:
    """The terms of T(x, w, y) as flat places in x, w and y."""
    x_size = (batch, channels, *window.input_size)
    w_size = (outputs, channels // window.groups, *window.kernel_size)
    y_size = (batch, outputs, *definitions.output_size(window))
    terms = [
        (_flat(at_x, x_size), _flat(at_w, w_size), _flat(at_y, y_size))
        for at_x, at_w, at_y in definitions.terms(batch, channels, outputs, window)
    ]
    in_x, in_w, in_y = torch.tensor(terms, dtype=torch.int64).reshape(-1, 3).unbind(1)
    return in_x, in_w, in_y


def _collected(values: Tensor, places: Tensor, size: Shape) -> Tensor:
    """``y[l] = Σ_{m : places[m] = l} values[m]``."""
    return values.new_zeros(prod(size)).index_add(0, places, values).reshape(size)


def _along_channels(b: Tensor, ndim: int) -> Tensor:
    return b.reshape(-1, *(1,) * ndim)


def convolution(stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Callable[..., Tensor]:
    """x, w, b → y."""

    def apply(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        frame = tuple((p, p) for p in padding)
        window = Window(tuple(x.shape[2:]), tuple(w.shape[2:]), stride, dilation, frame, groups)
        in_x, in_w, in_y = _terms(x.shape[0], x.shape[1], w.shape[0], window)
        size = (x.shape[0], w.shape[0], *definitions.output_size(window))
        y = _collected(x.reshape(-1)[in_x] * w.reshape(-1)[in_w], in_y, size)
        return y + _along_channels(b, window.ndim)

    return apply


def transposed(
    stride: Shape, padding: Shape, output_padding: Shape, groups: int, dilation: Shape
) -> Callable[..., Tensor]:
    """y, w, b → x: the adjoint of the convolution whose weight is w ``(O, C/g, *K)``."""

    def apply(y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        # More room on the right is an output longer by as much.
        frame = tuple((p, p - more) for p, more in zip(padding, output_padding))
        window = window_of_output(tuple(y.shape[2:]), tuple(w.shape[2:]), stride, dilation, frame, groups)
        window = Window(window.input_size, window.kernel_size, stride, dilation, tuple((p, p) for p in padding), groups)
        in_x, in_w, in_y = _terms(y.shape[0], w.shape[1] * groups, w.shape[0], window)
        size = (y.shape[0], w.shape[1] * groups, *window.input_size)
        x = _collected(y.reshape(-1)[in_y] * w.reshape(-1)[in_w], in_x, size)
        return x + _along_channels(b, window.ndim)

    return apply


def linear(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """``Σ_c x[n, c]·w[o, c] + b[o]``."""
    return (x.unsqueeze(-2) * w).sum(-1) + b


def padding(pads: Shape, mode: str, value: float = 0.0) -> Callable[[Tensor], Tensor]:
    """numpy's padding of the positions says where each entry comes from."""
    modes = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "constant": "constant"}

    def apply(x: Tensor) -> Tensor:
        lead = x.dim() - len(pads) // 2
        sides = [(0, 0)] * lead + [(pads[n], pads[n + 1]) for n in range(len(pads) - 2, -1, -2)]
        positions = np.arange(1, x.numel() + 1).reshape(x.shape)
        places = torch.from_numpy(np.pad(positions, sides, modes[mode]))  # 0 where the constant stands
        source = torch.cat([torch.full((1,), value, dtype=x.dtype), x.reshape(-1)])
        return source[places.reshape(-1)].reshape(places.shape)

    return apply


@cache
def _readings(window: Window) -> tuple[Tensor, Tensor]:
    """Flat positions read, ``(ΠK, ΠP)``, and whether they lie on the input."""
    taps, places = (
        list(definitions.indices(window.kernel_size)),
        list(definitions.indices(definitions.output_size(window))),
    )
    position = torch.zeros(len(taps), len(places), dtype=torch.int64)
    inside = torch.zeros(len(taps), len(places), dtype=torch.bool)
    for (row, k), (column, p) in product(enumerate(taps), enumerate(places)):
        i = definitions.position(p, k, window)
        if definitions.inside(i, window.input_size):
            position[row, column], inside[row, column] = _flat(i, window.input_size), True
    return position, inside


def _window(size: Shape, kernel: Shape, stride: Shape, pad: Shape, dilation: Shape) -> Window:
    return Window(size, kernel, stride, dilation, tuple((p, p) for p in pad))


def unfold(kernel: Shape, dilation: Shape, pad: Shape, stride: Shape) -> Callable[[Tensor], Tensor]:
    """x ``(N, C, *I)`` → ``(N, C·ΠK, ΠP)``."""

    def apply(x: Tensor) -> Tensor:
        position, inside = _readings(_window(tuple(x.shape[2:]), kernel, stride, pad, dilation))
        columns = x.reshape(*x.shape[:2], -1)[:, :, position] * inside
        return columns.reshape(x.shape[0], -1, position.shape[1])

    return apply


def fold(size: Shape, kernel: Shape, dilation: Shape, pad: Shape, stride: Shape) -> Callable[[Tensor], Tensor]:
    """v ``(N, C·ΠK, ΠP)`` → ``(N, C, *I)``."""

    def apply(v: Tensor) -> Tensor:
        position, inside = _readings(_window(size, kernel, stride, pad, dilation))
        planes = v.reshape(v.shape[0], -1, position.numel()) * inside.reshape(-1)
        x = planes.new_zeros(*planes.shape[:2], prod(size)).index_add(2, position.reshape(-1), planes)
        return x.reshape(*planes.shape[:2], *size)

    return apply


def avg_pool(kernel: Shape, stride: Shape, pad: Shape) -> Callable[[Tensor], Tensor]:
    """The mean over each window, zeros counted."""

    def apply(x: Tensor) -> Tensor:
        window = _window(tuple(x.shape[2:]), kernel, stride, pad, (1,) * len(kernel))
        position, inside = _readings(window)
        read = x.reshape(*x.shape[:2], -1)[:, :, position] * inside
        return (read.sum(2) / prod(kernel)).reshape(*x.shape[:2], *definitions.output_size(window))

    return apply


def max_pool(kernel: Shape, stride: Shape, pad: Shape, dilation: Shape) -> Callable[[Tensor], Tensor]:
    """The entry at each window's first maximum."""

    def apply(x: Tensor) -> Tensor:
        window = _window(tuple(x.shape[2:]), kernel, stride, pad, dilation)
        _, winner = definitions.max_pool(x.detach().numpy(), window)
        winners = torch.from_numpy(winner)
        return x.reshape(*x.shape[:2], -1).gather(2, winners.flatten(2)).reshape(winners.shape)

    return apply


def relu(x: Tensor) -> Tensor:
    """x where it is positive."""
    if x.is_complex():
        raise NotImplementedError("complex numbers have no order")
    return x * (x > 0)


def sigmoid(x: Tensor) -> Tensor:
    """``1/(1 + e^−x)``."""
    return 1 / (1 + torch.exp(-x))


def tanh(x: Tensor) -> Tensor:
    """``(e^x − e^−x)/(e^x + e^−x)``."""
    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))


def softmax(z: Tensor) -> Tensor:
    """Along axis 1."""
    e = torch.exp(z)
    return e / e.sum(1, keepdim=True)


def log_softmax(z: Tensor) -> Tensor:
    """Along axis 1."""
    return z - torch.log(torch.exp(z).sum(1, keepdim=True))


def nll_loss(y: Tensor, target: Tensor) -> Tensor:
    """``−mean y[n, t_n]``."""
    return -y.gather(1, target.unsqueeze(1)).sum() / target.numel()


def cross_entropy(z: Tensor, target: Tensor) -> Tensor:
    """``−mean log softmax(z)[n, t_n]``."""
    return nll_loss(log_softmax(z), target)


def mse_loss(x: Tensor, y: Tensor) -> Tensor:
    """``mean (x − y)²``."""
    return ((x - y) * (x - y)).sum() / x.numel()
