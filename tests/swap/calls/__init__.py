"""For each callable in the table, calls that reach it, one file a family."""

from tests.swap.calls import (
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
from tests.swap.calls.call import IMAGES as IMAGES
from tests.swap.calls.call import ROWS as ROWS
from tests.swap.calls.call import Calls

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

CALLS: Calls = {theirs: calls for family in FAMILIES for theirs, calls in family.CALLS.items()}
