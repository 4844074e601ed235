"""Max pooling."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, Shape, pair


def places(shape: Shape) -> Tensor:
    """A flat position on an output twice as long per axis for every entry of ``(N, C, *P)``: the same, backwards."""
    return torch.arange(torch.Size(shape[2:]).numel(), device="cpu").flip(0).reshape(shape[2:]).expand(shape)


def _backwards(y: Tensor, ndim: int) -> Tensor:
    """The positions of one image or several."""
    size = y.shape[-ndim:]
    return torch.arange(size.numel()).flip(0).reshape(size).expand(y.shape)


def _scattered(y: Tensor, ndim: int) -> Tensor:
    """Unpooling by torch's scatter: it has no batching rule for its own."""
    size = torch.Size(2 * p for p in y.shape[-ndim:])
    zeros = y.new_zeros((*y.shape[:-ndim], size.numel()))
    places = _backwards(y, ndim).flatten(-ndim)
    return zeros.scatter(-1, places, y.flatten(-ndim)).reshape(*y.shape[:-ndim], *size)


def _unpooling(ndim: int, shape: Shape) -> Pair:
    unpool = getattr(functional, f"max_unpool{ndim}d")
    return Pair(lambda y: unpool(y, _backwards(y, ndim), 2), lambda y: _scattered(y, ndim), (shape,))


class Unpooled(torch.nn.Module):
    """An unpooling with its positions filled in."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, input: Tensor) -> Tensor:
        return self.layer(input, places(input.shape))


FUNCTIONS: dict[str, Example] = {
    "max_pool1d": Example(lambda x: functional.max_pool1d(x, 3, 2, 1, 2, ceil_mode=True), ((2, 2, 8),)),
    "max_pool2d": Example(
        lambda x: functional.max_pool2d(x, (3, 2), (2, 1), 1, (1, 2), ceil_mode=True), ((2, 2, 6, 5),)
    ),
    "max_pool3d": Example(
        lambda x: functional.max_pool3d(x, (2, 1, 3), (1, 2, 1), (1, 0, 1), (1, 1, 2), ceil_mode=True),
        ((1, 2, 3, 4, 4),),
    ),
    "max_unpool1d": Example(
        lambda y: functional.max_unpool1d(y, places(y.shape), 3, 2, 1), ((2, 2, 4),), multilinear=True
    ),
    "max_unpool2d": Example(
        lambda y: functional.max_unpool2d(y, places(y.shape), 2, output_size=(5, 6)), ((2, 2, 2, 3),), multilinear=True
    ),
    "max_unpool3d": Example(
        lambda y: functional.max_unpool3d(y, places(y.shape), 2), ((1, 2, 1, 2, 3),), multilinear=True
    ),
}
MODULES: dict[str, Module] = {
    "MaxPool1d": (lambda: nn.MaxPool1d(3, 2, 1, 2, ceil_mode=True), (2, 3, 8)),
    "MaxPool2d": (lambda: nn.MaxPool2d((3, 2), (2, 1), 1, (1, 2), ceil_mode=True), (2, 3, 6, 5)),
    "MaxPool3d": (lambda: nn.MaxPool3d((2, 1, 3), (1, 2, 1), (1, 0, 1), (1, 1, 2)), (1, 2, 3, 4, 4)),
    "MaxUnpool1d": (lambda: Unpooled(nn.MaxUnpool1d(3, 2, 1)), (2, 2, 4)),
    "MaxUnpool2d": (lambda: Unpooled(nn.MaxUnpool2d(2)), (2, 2, 2, 3)),
    "MaxUnpool3d": (lambda: Unpooled(nn.MaxUnpool3d((2, 1, 2))), (1, 2, 1, 2, 3)),
}
PAIRS: dict[str, Pair] = {
    "max_pool1d": pair("max_pool1d", ((2, 3, 8),), kernel_size=3, stride=2, padding=1, dilation=2),
    "max_pool2d": pair("max_pool2d", ((2, 3, 6, 5),), kernel_size=(3, 2), stride=(2, 1), padding=1, dilation=(1, 2)),
    "max_pool3d": pair(
        "max_pool3d", ((1, 2, 3, 4, 4),), kernel_size=(2, 1, 3), stride=(1, 2, 1), padding=(1, 0, 1), dilation=(1, 1, 2)
    ),
    "max_unpool1d": _unpooling(1, (2, 2, 4)),
    "max_unpool2d": _unpooling(2, (2, 2, 2, 3)),
    "max_unpool3d": _unpooling(3, (1, 2, 1, 2, 3)),
}
