"""torch's names of power-average pooling."""

from __future__ import annotations

import torch.nn.functional as F

from manualconv import functional
from manualconv.swap.table.spelling import Operation

TABLE: dict[Operation, Operation] = {
    F.lp_pool1d: functional.lp_pool1d,
    F.lp_pool2d: functional.lp_pool2d,
    F.lp_pool3d: functional.lp_pool3d,
}
