"""Every public function and module with arguments that bring out its parts: unequal axes, a remainder, padding, groups.

The tests that promise something of *every* layer run over these tables, and check that no public name is missing here.
One file a family; a family has those of the five tables that it has rows for.
"""

from __future__ import annotations

from typing import Any

from tests.layers import (
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
    subsampling,
)
from tests.layers.loss import CLASS_WEIGHTS as CLASS_WEIGHTS
from tests.layers.loss import CLASSES as CLASSES
from tests.layers.tables import Example, Module, Pair, Twins
from tests.layers.tables import close as close
from tests.layers.tables import spread_out as spread_out
from tests.layers.tables import weighed as weighed

FAMILIES = (
    convolution,
    linear,
    padding,
    folding,
    max_pooling,
    average_pooling,
    adaptive_pooling,
    lp_pooling,
    subsampling,
    normalization,
    activation,
    dropout,
    loss,
)


def _merged(table: str) -> dict[str, Any]:
    """One table of every family that has it."""
    return {name: row for family in FAMILIES for name, row in getattr(family, table, {}).items()}


FUNCTIONS: dict[str, Example] = _merged("FUNCTIONS")
MODULES: dict[str, Module] = _merged("MODULES")
#: What is differentiated with respect to input, weight and bias.
WEIGHTED: dict[str, Pair] = _merged("WEIGHTED")
PAIRS: dict[str, Pair] = {**WEIGHTED, **_merged("PAIRS")}
#: What draws a mask while it runs, and no other one inside a compiler or vmap.
DRAWN: dict[str, Pair] = _merged("DRAWN")
#: Those with a weight and a bias, whether it is summed over inputs or scales them.
AFFINE: dict[str, Pair] = {name: layer for name, layer in PAIRS.items() if len(layer.shapes) == 3}
TWINS: dict[str, Twins] = _merged("TWINS")

#: Public names that are numbers about a layer: no tensor to differentiate comes out of them.
MEASUREMENTS = {"Connections", "connections", "spectral_norm"}
