"""A tensor laid out in memory with its channels innermost (channels_last) or outermost (contiguous).

Shapes: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.torch_internals import is_wrapped

CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def laid(x: Tensor, channels_last: bool) -> Tensor:
    """A copy of x; contiguous where a transform hides its memory."""
    hidden = not torch.compiler.is_compiling() and is_wrapped(x)
    return x.clone(memory_format=CHANNELS_LAST[x.dim()] if channels_last and not hidden else torch.contiguous_format)
