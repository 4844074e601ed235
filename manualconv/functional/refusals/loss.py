"""What all losses ask of their arguments."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import kind, listed


def check_reduction(reduction: Any) -> None:
    """One of the three, or the name that ``'mean'`` had once."""
    if reduction not in ("none", "mean", "sum", "elementwise_mean"):
        raise ValueError(f"{reduction} is not a valid value for reduction [it is one of 'none', 'mean', 'sum']")


def check_sized(name: str, **values: Any) -> None:
    """Tensors; torch asks anything else for its size, whose error this is."""
    for key, value in values.items():
        if not isinstance(value, Tensor):
            raise AttributeError(
                f"'{kind(value)}' object has no attribute 'size' [{name}(): argument '{key}' must be a Tensor]"
            )


def check_devices(**tensors: Tensor | None) -> None:
    """One device; a number (a tensor without axes) on the CPU goes with any."""
    given = {key: t for key, t in tensors.items() if t is not None and (t.dim() or t.device.type != "cpu")}
    if len({t.device for t in given.values()}) > 1:
        where = ", ".join(f"{key} on {t.device}" for key, t in given.items())
        raise RuntimeError(f"Expected all tensors to be on the same device, but got {where} [move them by .to(device)]")


def check_broadcast(fix: str, a: Tensor, b: Tensor) -> None:
    """Sizes that are equal or 1 on every axis, counted from the last."""
    for back, (m, n) in enumerate(zip(reversed(a.shape), reversed(b.shape)), 1):
        if m != n and m != 1 and n != 1:
            axis = max(a.dim(), b.dim()) - back
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {axis}: "
                f"{listed(a.shape)} against {listed(b.shape)} [{fix}]"
            )


def check_widest(fix: str, x: Tensor, factor: Tensor) -> None:
    """A factor that broadcasts to x, and x not to it."""
    check_broadcast(fix, x, factor)
    full = torch.broadcast_shapes(x.shape, factor.shape)
    if full != x.shape:
        raise RuntimeError(
            f"output with shape {listed(x.shape)} doesn't match the broadcast shape {listed(full)} [{fix}]"
        )
