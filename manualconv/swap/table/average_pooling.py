"""torch's names of average pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from manualconv import functional
from manualconv.swap.table.spelling import Operation, to_out

TABLE: dict[Operation, Operation] = {
    torch.avg_pool1d: functional.avg_pool1d,
    F.avg_pool2d: to_out(functional.avg_pool2d),
    F.avg_pool3d: to_out(functional.avg_pool3d),
}
