"""torch's names of adaptive pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from manualconv import functional
from manualconv.swap.table.spelling import Operation, to_out
from manualconv.torch_internals import UNDERSCORED

TABLE: dict[Operation, Operation] = {
    torch.adaptive_avg_pool1d: functional.adaptive_avg_pool1d,
    F.adaptive_avg_pool2d: functional.adaptive_avg_pool2d,
    F.adaptive_avg_pool3d: functional.adaptive_avg_pool3d,
    UNDERSCORED["adaptive_avg_pool2d"]: to_out(functional.adaptive_avg_pool2d),
    UNDERSCORED["adaptive_avg_pool3d"]: to_out(functional.adaptive_avg_pool3d),
    UNDERSCORED["_adaptive_avg_pool2d"]: functional.adaptive_avg_pool2d,
    UNDERSCORED["_adaptive_avg_pool3d"]: functional.adaptive_avg_pool3d,
}
