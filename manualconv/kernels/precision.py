"""Half precision: computed in single precision and rounded once, as torch's kernels do."""

from __future__ import annotations

import torch
from torch import Tensor

#: The dtype in which a half-precision dtype is computed.
WIDENED = {torch.float16: torch.float32, torch.bfloat16: torch.float32, torch.complex32: torch.complex64}


def single(x: Tensor) -> Tensor:
    """A half-precision tensor in single precision; any other as it is."""
    return x.to(WIDENED.get(x.dtype, x.dtype))
