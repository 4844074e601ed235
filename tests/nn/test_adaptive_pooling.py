"""The adaptive pooling modules: torch's arguments and repr; our arithmetic."""

from typing import Any

import pytest

from tests.layers import spread_out
from tests.nn.twin import alike, twins

SIZES = [(1, 1), (1, 3), (2, 1), (2, (3, None)), (2, (4, 2)), (3, 1), (3, (3, None, 2))]


@pytest.mark.parametrize(("ndim", "size"), SIZES)
@pytest.mark.parametrize("kind", ["Avg", "Max"])
def test_a_module_is_torch_s_in_all_but_arithmetic(kind: str, ndim: int, size: Any) -> None:
    for options in ({},) if kind == "Avg" else ({}, {"return_indices": True}):
        modules = twins(f"Adaptive{kind}Pool{ndim}d", size, **options)
        alike(modules, spread_out((2, 3, 7, 5, 4)[: ndim + 2]), room=1e-14)
