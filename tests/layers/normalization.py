"""Batch, instance, layer, group and local response normalisation."""

from __future__ import annotations

from typing import Any

import torch

from manualconv import functional, nn
from tests.layers.tables import Example, Module, grown, spread_out

FUNCTIONS: dict[str, Example] = {
    "batch_norm": Example(
        lambda x, w, b: functional.batch_norm(x, None, None, w, b, True, eps=0.01), ((2, 3, 2, 3), (3,), (3,))
    ),
    "instance_norm": Example(
        lambda x, w, b: functional.instance_norm(x, None, None, w, b, eps=0.01), ((2, 3, 2, 3), (3,), (3,))
    ),
    "layer_norm": Example(lambda x, w, b: functional.layer_norm(x, (2, 3), w, b, 0.01), ((3, 2, 2, 3), (2, 3), (2, 3))),
    "group_norm": Example(lambda x, w, b: functional.group_norm(x, 2, w, b, 0.01), ((2, 4, 2, 3), (4,), (4,))),
    "local_response_norm": Example(lambda x: functional.local_response_norm(x, 3, 0.5, 0.75, 1.5), ((2, 4, 2, 3),)),
}


def _moved(module: Any) -> Any:
    """A layer whose parameters and running statistics are not those it starts with."""
    with torch.no_grad():
        for seed, t in enumerate((*module.parameters(), *module.buffers())):
            if t.is_floating_point():
                t.copy_(1.5 + spread_out(tuple(t.shape), seed) / 2)
    return module


MODULES: dict[str, Module] = {
    "BatchNorm1d": (lambda: _moved(nn.BatchNorm1d(3)), (2, 3, 4)),
    "BatchNorm2d": (lambda: _moved(nn.BatchNorm2d(3, momentum=None)), (2, 3, 2, 3)),
    "BatchNorm3d": (lambda: _moved(nn.BatchNorm3d(3)).eval(), (2, 3, 2, 1, 3)),
    "LazyBatchNorm1d": (lambda: grown(nn.LazyBatchNorm1d(), (2, 3, 4)), (2, 3, 4)),
    "LazyBatchNorm2d": (lambda: grown(nn.LazyBatchNorm2d(affine=False), (2, 3, 2, 3)), (2, 3, 2, 3)),
    "LazyBatchNorm3d": (lambda: grown(nn.LazyBatchNorm3d(), (2, 3, 2, 1, 3)), (2, 3, 2, 1, 3)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(3), (2, 3, 4)),
    "InstanceNorm2d": (lambda: _moved(nn.InstanceNorm2d(3, affine=True)), (3, 2, 3)),
    "InstanceNorm3d": (lambda: nn.InstanceNorm3d(3, track_running_stats=True), (2, 3, 2, 1, 3)),
    "LazyInstanceNorm1d": (lambda: grown(nn.LazyInstanceNorm1d(), (2, 3, 4)), (2, 3, 4)),
    "LazyInstanceNorm2d": (lambda: grown(nn.LazyInstanceNorm2d(affine=True), (2, 3, 2, 3)), (2, 3, 2, 3)),
    "LazyInstanceNorm3d": (lambda: grown(nn.LazyInstanceNorm3d(), (2, 3, 2, 1, 3)), (2, 3, 2, 1, 3)),
    "LayerNorm": (lambda: _moved(nn.LayerNorm((2, 3))), (3, 4, 2, 3)),
    "GroupNorm": (lambda: _moved(nn.GroupNorm(2, 4)), (2, 4, 2, 3)),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(3, 0.5), (2, 4, 2, 3)),
}
