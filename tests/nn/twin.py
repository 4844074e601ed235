"""A module by hand beside torch's of the same name, which it is in all but arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv import nn
from tests.layers import spread_out

Modules = Sequence[Any]


def twins(name: str, *arguments: Any, **options: Any) -> tuple[Any, Any]:
    """Ours and torch's from one seed: ours is one of torch's, prints as it, and each takes the other's state.

    In float64, and with parameters that tell them apart: a scale of ones and a shift of zeros would not.
    """
    made = []
    for library in (nn, torch.nn):
        torch.manual_seed(0)
        made.append(getattr(library, name)(*arguments, **options).double())
    ours, theirs = made
    assert isinstance(ours, type(theirs)) and repr(ours) == repr(theirs)
    states = ours.state_dict(), theirs.state_dict()
    assert list(states[0]) == list(states[1]) and all(map(torch.equal, *(state.values() for state in states)))
    with torch.no_grad():
        for seed, p in enumerate(ours.parameters()):
            p.copy_(p + spread_out(tuple(p.shape), seed) / 4)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


def results(module: Any, x: Tensor, *others: Any, cotangent: Tensor | None = None) -> list[Tensor]:
    """What the module gives from one seed, and the gradients of its input and its parameters."""
    leaf = x.detach().requires_grad_()
    torch.manual_seed(3)
    y = module(leaf * 1, *others)  # which it may overwrite
    y, *places = y if isinstance(y, tuple) else (y,)
    cotangent = spread_out(tuple(y.shape), 1) if cotangent is None else cotangent
    return [y, *places, *grad(y, [leaf, *module.parameters()], cotangent)]


def alike(modules: Modules, x: Tensor, *others: Any, room: float = 0) -> None:
    """Both give the same, but for roundings."""
    torch.testing.assert_close(*(results(module, x, *others) for module in modules), rtol=0, atol=room)
