"""The operations of the table, one file a family."""

from manualconv import functional
from tests.capabilities.operations import (
    activation,
    adaptive_pooling,
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
)
from tests.capabilities.operations.row import Apply as Apply
from tests.capabilities.operations.row import Layer as Layer
from tests.capabilities.operations.row import Operation as Operation

FAMILIES = (
    *(convolution, linear, padding, folding, max_pooling, average_pooling, adaptive_pooling, normalization),
    *(lp_pooling, activation, dropout, loss),
)


def function_of(row: str) -> str:
    """``unfold, 2-D`` and ``pad reflect`` are rows of `unfold` and `pad`."""
    return row.replace(",", "").split()[0]


#: Every row whose function is there.
OPERATIONS: dict[str, Operation] = {
    row: operation
    for family in FAMILIES
    for row, operation in family.OPERATIONS.items()
    if function_of(row) in functional.__all__
}
