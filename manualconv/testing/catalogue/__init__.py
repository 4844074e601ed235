"""Every public function of `manualconv.functional`, described once: one file a family, one `Operation` a function.

What promises something of every operation is a view of this: the laws' modes, the proofs, docs/CAPABILITIES.md, the
calls under autocast.  `test_no_public_function_is_missing` holds it to the package's names.
"""

from manualconv.testing.catalogue import (
    activation,
    adaptive_pooling,
    average_pooling,
    classification_loss,
    convolution,
    dropout,
    entry_loss,
    folding,
    max_pooling,
    normalization,
    padding,
)
from manualconv.testing.catalogue.operation import Example as Example
from manualconv.testing.catalogue.operation import Layer as Layer
from manualconv.testing.catalogue.operation import Operation as Operation
from manualconv.testing.catalogue.question import Proof as Proof
from manualconv.testing.catalogue.question import Question as Question

FAMILIES = (
    *(convolution, padding, folding, max_pooling, average_pooling, adaptive_pooling, normalization),
    *(activation, dropout, classification_loss, entry_loss),
)
OPERATIONS: dict[str, Operation] = {operation.name: operation for family in FAMILIES for operation in family.OPERATIONS}
