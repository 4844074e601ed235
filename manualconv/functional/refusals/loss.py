"""What all losses ask of their arguments."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.functional.refusals.arguments import check_input, listed
from manualconv.functional.refusals.refusal import Refusal


def check_reduction(reduction: Any, names: tuple[str, ...] = ("none", "mean", "sum", "elementwise_mean")) -> None:
    """One of the three, or the name that ``'mean'`` had once, where no weight is given."""
    if reduction not in names:
        raise Refusal(f"reduction={reduction!r} must be one of 'none', 'mean', 'sum'", ValueError)


def check_tensors(**tensors: Any) -> None:
    """Tensors on one device, all but the first two optional; a number on the CPU goes with any."""
    for place, (key, t) in enumerate(tensors.items()):
        if t is not None or place < 2:
            check_input(t, key)
    given = {key: t for key, t in tensors.items() if t is not None and (t.dim() or t.device.type != "cpu")}
    if len({t.device for t in given.values()}) > 1:
        where = ", ".join(f"{key} is on {t.device}" for key, t in given.items())
        raise Refusal(f"{where}: move them to one by .to(device)")


def check_factor(key: str, factor: Tensor, x: Tensor) -> None:
    """A factor that broadcasts to x, and x not to it."""
    pairs = zip(reversed(factor.shape), reversed(x.shape))
    if factor.dim() > x.dim() or any(n not in (1, m) for n, m in pairs):
        raise Refusal(f"{key} {listed(factor.shape)} must broadcast to the input's size, {listed(x.shape)}")
