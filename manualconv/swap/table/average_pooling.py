"""torch's names of average pooling."""

from __future__ import annotations

import torch.nn.functional as F

from manualconv import functional
from manualconv.swap.table.spelling import Operation, to_out

TABLE: dict[Operation, Operation] = {
    F.avg_pool2d: to_out(functional.avg_pool2d),
}
