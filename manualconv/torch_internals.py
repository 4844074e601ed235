"""The few names that manualconv takes from torch's private parts, so that a torch release can break one file only."""

from __future__ import annotations

import torch
from torch import Tensor


def shaped(y: Tensor, size: tuple[int, ...]) -> Tensor:
    """A contiguous temporary under another shape, not counted as a view.

    A view made inside a Function's forward may not be edited in place by the next layer (``ReLU(inplace=True)``);
    torch's own kernels hand out their temporaries by the same operation.
    """
    fresh: Tensor = torch.ops.aten._unsafe_view.default(y, size)
    return fresh


def is_transformed(t: Tensor) -> bool:
    """Whether t is inside ``torch.func.grad``, ``jvp`` or ``vmap``, where its values may not be looked at."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(t))
