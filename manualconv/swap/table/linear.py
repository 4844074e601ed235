"""torch's names of dense layers."""

from __future__ import annotations

import torch.nn.functional as F

from manualconv import functional
from manualconv.swap.table.spelling import Operation, to_out

TABLE: dict[Operation, Operation] = {
    F.linear: to_out(functional.linear),
}
