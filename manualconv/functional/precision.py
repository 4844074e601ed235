"""Autocast, decided by hand: which dtype a layer runs in when an autocast block is active.

``torch.amp.custom_fwd`` does not work with ``setup_context`` (pytorch#132388), so each layer casts its tensors here,
as torch's own cast policy for that layer would, and its Function then runs with autocast switched off.

Source: "Automatic Mixed Precision package", op-specific behaviour, in PyTorch's documentation.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.function import autocast_is_on


def _cast(t: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    # float64 keeps its precision under autocast, as do integers and complex numbers.
    return t if t is None or not t.is_floating_point() or t.dtype == torch.float64 else t.to(dtype)


def lowered(*tensors: Tensor | None) -> tuple[Tensor | None, ...]:
    """The layer's tensors in the autocast dtype, for layers that are matrix products; as they came outside autocast."""
    device = next(t.device.type for t in tensors if t is not None)
    if not autocast_is_on(device):
        return tensors
    dtype = torch.get_autocast_dtype(device)
    return tuple(_cast(t, dtype) for t in tensors)


def widened(*tensors: Tensor | None) -> tuple[Tensor | None, ...]:
    """The layer's tensors in float32, for losses and long sums; as they came outside autocast."""
    device = next(t.device.type for t in tensors if t is not None)
    if not autocast_is_on(device):
        return tensors
    return tuple(_cast(t, torch.float32) for t in tensors)


def widened_on_the_cpu(t: Tensor) -> Tensor:
    """The same for pools, which torch widens on the CPU alone."""
    return t if t.device.type != "cpu" else widened(t)[0]  # type: ignore[return-value]
