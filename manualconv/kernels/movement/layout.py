"""A tensor laid out in memory with its channels innermost (channels_last) or outermost (contiguous).

Shapes: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.torch_internals import hides_memory

#: By the number of spatial axes.
CHANNELS_LAST = {2: torch.channels_last, 3: torch.channels_last_3d}


def laid(x: Tensor, channels_last: bool) -> Tensor:
    """A copy of x; contiguous where a transform hides its memory."""
    last = channels_last and not hides_memory(x)
    return x.clone(memory_format=CHANNELS_LAST[x.dim() - 2] if last else torch.contiguous_format)
