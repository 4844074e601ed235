"""torch's names of unfold and fold."""

from __future__ import annotations

import torch.nn.functional as F

from manualconv import functional
from manualconv.swap.table.spelling import Operation, to_out
from manualconv.torch_internals import UNDERSCORED

TABLE: dict[Operation, Operation] = {
    F.unfold: functional.unfold,
    F.fold: functional.fold,
    UNDERSCORED["im2col"]: to_out(functional.unfold),
    UNDERSCORED["col2im"]: to_out(functional.fold),
}
