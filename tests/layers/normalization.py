"""Batch, instance, layer, group and local response normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, Twins, grown, pair, spread_out

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

CHANNELS = ((2, 3, 2, 3), (3,), (3,))


def _standardized(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """By torch's plain arithmetic.

    Its own normalisations are no referee here: inside torch.func their derivative by weight and then by input is not
    the one by input and then by weight, and difference quotients agree with the latter.
    """
    centred = x - x.mean(axes, keepdim=True)
    return centred / (centred.pow(2).mean(axes, keepdim=True) + 0.5).sqrt()


def _affine(standardized: Callable[[Tensor], Tensor], behind: int = 2) -> Callable[..., Tensor]:
    def apply(x: Tensor, w: Tensor | None, b: Tensor | None) -> Tensor:
        y = standardized(x)
        y = y if w is None else y * w.reshape(*w.shape, *(1,) * behind)
        return y if b is None else y + b.reshape(*b.shape, *(1,) * behind)

    return apply


MEAN, VARIANCE = torch.tensor([1.0, -2.0, 0.5]).double(), torch.tensor([0.5, 2.0, 1.0]).double()


def _of_evaluation(x: Tensor) -> Tensor:
    return (x - MEAN.to(x.dtype)[:, None, None]) / (VARIANCE.to(x.dtype)[:, None, None] + 0.5).sqrt()


def _in_groups(x: Tensor) -> Tensor:
    return _standardized(x.unflatten(1, (2, x.shape[1] // 2)), (2, 3, 4)).flatten(1, 2)


PAIRS: dict[str, Pair] = {
    "batch_norm": Pair(
        lambda x, w, b: functional.batch_norm(x, None, None, w, b, True, eps=0.5),
        _affine(lambda x: _standardized(x, (0, 2, 3))),
        CHANNELS,
        exact=False,
        unbatched=False,
    ),
    "batch_norm in evaluation": Pair(
        lambda x, w, b: functional.batch_norm(x, MEAN.to(x.dtype), VARIANCE.to(x.dtype), w, b, eps=0.5),
        _affine(_of_evaluation),
        CHANNELS,
        exact=False,
        unbatched=False,
    ),
    "instance_norm": Pair(
        lambda x, w, b: functional.instance_norm(x, None, None, w, b, eps=0.5),
        _affine(lambda x: _standardized(x, (2, 3))),
        CHANNELS,
        exact=False,
        unbatched=False,
    ),
    "layer_norm": Pair(
        lambda x, w, b: functional.layer_norm(x, (2, 3), w, b, 0.5),
        _affine(lambda x: _standardized(x, (-2, -1)), 0),
        ((3, 2, 2, 3), (2, 3), (2, 3)),
        exact=False,
    ),
    "group_norm": Pair(
        lambda x, w, b: functional.group_norm(x, 2, w, b, 0.5),
        _affine(_in_groups),
        ((2, 4, 2, 3), (4,), (4,)),
        exact=False,
        unbatched=False,
    ),
    "local_response_norm": pair(
        "local_response_norm", ((2, 4, 2, 3),), size=3, alpha=0.5, beta=0.75, k=1.5, exact=False, unbatched=False
    ),
}

TWINS: dict[str, Twins] = {
    "BatchNorm2d": Twins("BatchNorm2d", (3, 0.5), (4, 3, 2, 3), unbatched=False),
    "LayerNorm": Twins("LayerNorm", ((2, 3), 0.5), (4, 4, 2, 3)),
    "GroupNorm": Twins("GroupNorm", (2, 4, 0.5), (4, 4, 2, 3), unbatched=False),
    "InstanceNorm2d": Twins("InstanceNorm2d", (3, 0.5, 0.1, True), (4, 3, 2, 3)),
}
