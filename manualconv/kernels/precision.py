"""Half precision: computed in single precision and rounded once, as torch's kernels do."""

from __future__ import annotations

import torch
from torch import Tensor

#: The dtype in which numbers of another one are computed with.
WIDENED = {torch.float16: torch.float32, torch.bfloat16: torch.float32, torch.complex32: torch.complex64}


def single(x: Tensor) -> Tensor:
    """Half precision in single precision, all else as it is."""
    return x.to(WIDENED.get(x.dtype, x.dtype))
