"""Calls of max pooling."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.torch_internals import UNDERSCORED
from tests.swap.calls.call import IMAGES, ROWS, Calls

POOL = {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1}
MAX_POOL = {**POOL, "dilation": (1, 2), "ceil_mode": True}


def first(results: Any) -> Tensor:
    """The values of a pooling that also gives indices."""
    assert results[1].dtype == torch.int64
    return results[0]


def switches(y: Tensor) -> Tensor:
    """A position for every entry, each another: the k-th goes to the k-th from the end."""
    lead = 2
    return torch.arange(y[0, 0].numel()).flip(0).reshape(y.shape[lead:]).expand(y.shape)


def unpooled(ndim: int) -> Any:
    """torch's module."""
    module = getattr(torch.nn, f"MaxUnpool{ndim}d")(2)
    return lambda y: module(y, switches(y))


POOL1 = {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True}
POOL3 = {"kernel_size": (2, 1, 3), "stride": (1, 2, 1), "padding": (1, 0, 1), "ceil_mode": True}
VOLUMES = (1, 2, 3, 4, 4)

CALLS: Calls = {
    F.max_pool1d: [
        (lambda x: F.max_pool1d(x, **POOL1), (ROWS,)),
        (lambda x: first(F.max_pool1d(x, **POOL1, return_indices=True)), (ROWS,)),
        (torch.nn.MaxPool1d(2), (ROWS,)),
    ],
    F.max_unpool1d: [(lambda y: F.max_unpool1d(y, switches(y), 2), (ROWS,)), (unpooled(1), (ROWS,))],
    F.max_unpool2d: [(lambda y: F.max_unpool2d(y, switches(y), 2, output_size=(13, 9)), (IMAGES,))],
    F.max_unpool3d: [(lambda y: F.max_unpool3d(y, switches(y), 2), (VOLUMES,))],
    UNDERSCORED["max_unpool2d"]: [(lambda y: torch._C._nn.max_unpool2d(y, switches(y), (13, 9)), (IMAGES,))],
    UNDERSCORED["max_unpool3d"]: [
        (lambda y: torch._C._nn.max_unpool3d(y, switches(y), (4, 7, 5), (2, 2, 2), (0, 0, 0)), (VOLUMES,))
    ],
    F.max_pool1d_with_indices: [(lambda x: first(F.max_pool1d_with_indices(x, **POOL1)), (ROWS,))],
    torch.max_pool1d: [(lambda x: torch.max_pool1d(x, **POOL1), (ROWS,)), (lambda x: torch.max_pool1d(x, 2), (ROWS,))],
    torch.max_pool1d_with_indices: [(lambda x: first(torch.max_pool1d_with_indices(x, **POOL1)), (ROWS,))],
    F.max_pool3d: [
        (lambda x: F.max_pool3d(x, **POOL3), (VOLUMES,)),
        (lambda x: first(F.max_pool3d(x, **POOL3, return_indices=True)), (VOLUMES,)),
        (torch.nn.MaxPool3d(2), (VOLUMES,)),
    ],
    F.max_pool3d_with_indices: [(lambda x: first(F.max_pool3d_with_indices(x, **POOL3)), (VOLUMES,))],
    torch.max_pool3d: [(lambda x: torch.max_pool3d(x, **POOL3), (VOLUMES,))],
    UNDERSCORED["max_pool3d_with_indices"]: [
        (lambda x: first(torch._C._nn.max_pool3d_with_indices(x, **POOL3)), (VOLUMES,))
    ],
    F.max_pool2d: [
        (lambda x: F.max_pool2d(x, **MAX_POOL), (IMAGES,)),
        (lambda x: first(F.max_pool2d(x, **MAX_POOL, return_indices=True)), (IMAGES,)),
        (torch.nn.MaxPool2d(2), (IMAGES,)),
    ],
    F.max_pool2d_with_indices: [(lambda x: first(F.max_pool2d_with_indices(x, **MAX_POOL)), (IMAGES,))],
    torch.max_pool2d: [
        (lambda x: torch.max_pool2d(x, **MAX_POOL), (IMAGES,)),
        (lambda x: torch.max_pool2d(x, 2), (IMAGES,)),
    ],
    UNDERSCORED["max_pool2d_with_indices"]: [
        (lambda x: first(torch._C._nn.max_pool2d_with_indices(x, **MAX_POOL)), (IMAGES,))
    ],
}
