"""Linear and flatten."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, Twins, grown, pair

FUNCTIONS: dict[str, Example] = {
    "linear": Example(functional.linear, ((2, 3, 4), (2, 4), (2,)), multilinear=True),
    "flatten": Example(lambda x: functional.flatten(x, 1, 2), ((2, 3, 2, 2),), multilinear=True),
}
MODULES: dict[str, Module] = {
    "Linear": (lambda: nn.Linear(5, 3), (2, 4, 5)),
    "LazyLinear": (lambda: grown(nn.LazyLinear(3), (2, 4, 5)), (2, 4, 5)),
    "Flatten": (lambda: nn.Flatten(), (2, 3, 4)),
}
#: What is differentiated with respect to input, weight and bias.
WEIGHTED: dict[str, Pair] = {
    "linear": pair("linear", ((2, 3, 4), (3, 4), (3,))),
}
TWINS: dict[str, Twins] = {
    "Linear": Twins("Linear", (5, 3), (2, 4, 5)),
}
