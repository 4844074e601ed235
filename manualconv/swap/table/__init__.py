"""Every spelling of every operation of ours, in one table; and the functions of torch's that only call others.

torch has up to a dozen names for one operation: ``torch.relu``, ``torch.relu_``, ``Tensor.relu``, ``Tensor.relu_``,
``F.relu`` with and without ``inplace``.  `TABLE` leads from each callable, as a torch-function mode receives it, to
ours with the same signature.  An operation is here if ours covers all that torch's can be asked for; a new one is
added in the table of its family and nowhere else.  tests/swap/test_table.py asks torch for all its names and finds each
here, or says why not.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv.swap.table import (
    activation,
    adaptive_pooling,
    attention,
    average_pooling,
    convolution,
    dropout,
    folding,
    linear,
    loss,
    lp_pooling,
    max_pooling,
    normalization,
    padding,
    recurrent,
)
from manualconv.swap.table.composites import bodies
from manualconv.swap.table.spelling import Operation

FAMILIES = (
    convolution,
    linear,
    padding,
    folding,
    max_pooling,
    average_pooling,
    adaptive_pooling,
    lp_pooling,
    normalization,
    activation,
    dropout,
    loss,
    attention,
    recurrent,
)

#: torch's callable → ours.  What has two names for one object (``F.conv2d`` is ``torch.conv2d``) is here once.
TABLE: dict[Operation, Operation] = {theirs: ours for family in FAMILIES for theirs, ours in family.TABLE.items()}

#: Every function of torch.nn.functional that is made of others, and those that run a backward pass, in which
#: hooks and recomputations are code of the block's too.
COMPOSITES: dict[Operation, Operation] = {
    **bodies(vars(F), TABLE),
    **bodies({"backward": Tensor.backward, "grad": torch.autograd.grad, "all": torch.autograd.backward}, TABLE),
}
