"""What layers that take derivative rules have in common: where they carry them, and how they show them."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from manualconv.autograd.slots import WEIGHTED, Rules
from manualconv.nn._tracing import in_own_block

#: Where a layer of torch's that was restored keeps the rules it had.
KEPT = "_rules_when_by_hand"


class Ruled(torch.nn.Module):
    """A layer that takes rules, which `manualconv.set_rules` puts into `derivative_rules`."""

    derivative_rules: Rules | None = None
    derivative_slots: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A forward of one's own runs under the layer's rules too, whatever functions it calls."""
        super().__init_subclass__(**kwargs)
        if "forward" in vars(cls) and not cls.__module__.startswith("manualconv.nn."):
            cls.forward = in_own_block(cls.forward)

    def extra_repr(self) -> str:
        """torch's, and after it what the layer does otherwise."""
        return ", ".join(part for part in (super().extra_repr(), otherwise(self)) if part)


class Weighted(Ruled):
    """A convolution or a fully connected layer, which hands its rules to the function that it runs."""

    derivative_slots = WEIGHTED


class Sloped(Ruled):
    """An activation."""

    derivative_slots = ("slope",)


class Pooled(Ruled):
    """A pool."""

    derivative_slots = ("pool",)


def otherwise(module: torch.nn.Module) -> str:
    """What is not torch's in a layer: ``rules=(weight=halved), ties='split'``; empty if nothing is."""
    rules, ties = vars(module).get("derivative_rules"), vars(module).get("ties", "first")
    parts = (f"rules=({rules.named()})" if rules is not None else "", f"ties={ties!r}" if ties != "first" else "")
    return ", ".join(part for part in parts if part)
