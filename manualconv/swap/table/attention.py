"""torch's name of attention."""

from __future__ import annotations

import torch.nn.functional as F

from manualconv.functional.attention import scaled_dot_product_attention
from manualconv.functional.overrides import asking
from manualconv.swap.table.spelling import Operation

TABLE: dict[Operation, Operation] = {F.scaled_dot_product_attention: asking(scaled_dot_product_attention)}
