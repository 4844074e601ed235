"""The oracle of receptive fields: the box of the input in which a unit's gradient is other than 0.

Weights are positive and maxima are means, so that nothing cancels and no path is closed; then a unit depends on a pixel
exactly if its gradient there is positive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode

from manualconv.explain.field.axis import Seen
from manualconv.explain.field.follow import follow
from manualconv.explain.field.path import Path

MEANS = {f"max_pool{n}d": getattr(F, f"avg_pool{n}d") for n in (1, 2, 3)}


class Means(TorchFunctionMode):
    """Inside, max pooling is a mean over the same window."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in MEANS:
            kwargs = dict(kwargs or {})
            given = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
            numbers = {**dict(zip(given, args[1:])), **kwargs}
            assert numbers.pop("dilation", 1) in (1, (1, 1))
            numbers.pop("return_indices", None)
            return MEANS[name](args[0], **numbers, count_include_pad=False)
        return func(*args, **(kwargs or {}))


def positive(model: Module) -> Module:
    """The model in float64, in evaluation, with drawn positive weights that keep the numbers' size."""
    drawn = torch.Generator().manual_seed(0)
    model = model.to_empty(device="cpu").double().eval()
    for name, t in [*model.named_parameters(), *model.named_buffers()]:
        with torch.no_grad():
            if t.dim() < 2:
                t.fill_(0 if name.endswith(("bias", "running_mean")) else 1)
            else:
                t.copy_(torch.rand(t.shape, generator=drawn, dtype=torch.float64) + 0.5).div_(t[0].numel())
    return model


def seen_by_gradient(model: Module, sizes: Sequence[int], channels: int, keep: Sequence[str]) -> tuple[Path, Tensor]:
    """A pass in which results are kept, and its input, whose numbers are too small to saturate ReLU6."""
    drawn = torch.Generator().manual_seed(1)
    x = torch.rand(1, channels, *sizes, generator=drawn, dtype=torch.float64).add(0.5).div(1000).requires_grad_()
    with Means():
        return follow(model, x, keep), x


def box(y: Tensor, x: Tensor, least: float = 0.0) -> tuple[Seen, ...]:
    """For each spatial axis of x, the first and last position by which the numbers y have a gradient.

    ``least`` is what counts as none: where resizing computes a weight of 0, it is a rounding in truth.
    """
    (slope,) = torch.autograd.grad(y.sum(), x, retain_graph=True, allow_unused=True)
    if slope is None:
        return (None,) * (x.dim() - 2)
    assert slope.isfinite().all()
    found = (slope > least).nonzero()[:, 2:]
    return tuple((int(p.min()), int(p.max())) if len(p) else None for p in found.T)


def units(y: Tensor, dims: Iterable[int | None]) -> list[tuple[int, ...]]:
    """All positions of a result, by the dimension that each axis of the input has there."""
    sizes = [y.shape[dim] if dim is not None else 1 for dim in dims]
    return [
        tuple(int(n) for n in place)
        for place in torch.cartesian_prod(*map(torch.arange, sizes)).reshape(-1, len(sizes))
    ]
